//! Which given pair falls into which part.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;

use super::clusters::is_giant;
use super::held_out::{HeldOut, hold_out};
use super::{
    Catalogue, Clusters, Example, Pairs, Part, Parts, Section, Settings, Source, SplitRule,
    WIDEN_VALIDATION_BELOW, Warning, order,
};

/// The given pairs by part.
#[derive(Default)]
pub(super) struct Split {
    /// The pairs of each part.
    pub(super) parts: Parts<Pairs>,
    /// Pairs that are tested beside the test part.
    pub(super) held_out: HeldOut,
    /// Pairs whose proteins fall into different parts, and that are not held out.
    pub(super) lost: Vec<Example>,
    /// Whether validation was carved from the user's training part.
    pub(super) carved: bool,
    /// Where validation also took pairs with one training protein: the sequences of its own.
    pub(super) unseen: Option<BTreeSet<u32>>,
    /// The positives of validation before it took those.
    strict_positives: usize,
}

/// Splits `source` by the rule of `settings`; the parts know whether they have negatives.
pub(super) fn split(
    catalogue: &Catalogue,
    source: Source,
    clusters: &Clusters,
    settings: &Settings,
) -> Split {
    let shares = Shares { test: settings.test_fraction, validation: settings.validation_fraction };
    let seed = settings.seed;
    let alone = Clusters::default();
    let mut split = match (source, settings.split) {
        (Source::Whole(pairs), SplitRule::Pairs) => by_pairs(catalogue, pairs, shares, seed),
        (Source::Whole(pairs), rule) => {
            let clusters = if rule == SplitRule::Clusters { clusters } else { &alone };
            let mut split = by_clusters(catalogue, pairs, clusters, shares, seed);
            hold_out(catalogue, &mut split, seed);
            split
        }
        (Source::Given { train, validation: Some(validation), test }, _) => {
            Split { parts: Parts { train, validation, test }, ..Split::default() }
        }
        (Source::Given { train, validation: None, test }, _) => {
            let shares = Shares { test: 0.0, ..shares };
            let mut split = by_clusters(catalogue, train, &alone, shares, seed);
            split.parts.test = test;
            split.carved = true;
            split
        }
    };
    for (_, pairs) in split.parts.each_mut() {
        pairs.has_negatives = pairs.is_labelled();
    }
    split
}

impl Split {
    /// What the user should know about the split itself.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let widened = Warning::WidenedValidation {
            strict_positives: self.strict_positives,
            positives: self.parts.validation.positives(),
        };
        self.unseen.iter().map(|_| widened.clone()).collect()
    }

    /// Given negatives whose sequences are those of a given positive, by part.
    pub(super) fn contradicted_negatives(&self, catalogue: &Catalogue) -> Vec<Warning> {
        let given = self.parts.each().map(|(_, pairs)| &pairs.examples);
        let others = self.lost.iter().chain(self.held_out.examples());
        let positives = given.into_iter().flatten().chain(others).filter(|e| e.label);
        let known: BTreeSet<_> = positives.map(|e| catalogue.sequence_pair(e)).collect();
        let contradicted = |e: &&Example| !e.label && known.contains(&catalogue.sequence_pair(e));
        let warning = |(part, pairs): (Part, &Pairs)| {
            let pairs = pairs.examples.iter().filter(contradicted).count();
            (pairs > 0).then_some(Warning::ContradictedNegatives { part, pairs })
        };
        self.parts.each().into_iter().filter_map(warning).collect()
    }

    /// The pairs of a section.
    pub(super) fn section_mut(&mut self, section: Section) -> &mut Pairs {
        match section {
            Section::Train => &mut self.parts.train,
            Section::Validation => &mut self.parts.validation,
            Section::Test => &mut self.parts.test,
            Section::C1 => &mut self.held_out.c1,
            Section::C2 => &mut self.held_out.c2,
        }
    }
}

/// The shares of proteins or pairs that the smaller parts take.
#[derive(Clone, Copy)]
struct Shares {
    test: f64,
    validation: f64,
}

/// A pair follows the clusters of its proteins; where validation is small, it also takes pairs with
/// training. Pairs between training and test are what C2 is taken from.
fn by_clusters(
    catalogue: &Catalogue,
    pairs: Pairs,
    clusters: &Clusters,
    shares: Shares,
    seed: u64,
) -> Split {
    let sequences =
        pairs.examples.iter().flat_map(|e| <[u32; 2]>::from(catalogue.sequence_pair(e)));
    let part_of = draw_parts(clusters.groups(sequences), shares, seed);
    let parts = empty_parts(&pairs);
    let held_out = HeldOut::like(&parts.train);
    let mut split = Split { parts, held_out, ..Split::default() };
    let mut mixed = Vec::new();
    for example in pairs.examples {
        let (one, other) = catalogue.sequence_pair(&example);
        match (part_of[&one], part_of[&other]) {
            (one, other) if one == other => split.parts.get_mut(one).examples.push(example),
            (Part::Train, Part::Validation) | (Part::Validation, Part::Train) => {
                mixed.push(example);
            }
            (Part::Train, Part::Test) | (Part::Test, Part::Train) => {
                split.held_out.c2.examples.push(example);
            }
            _ => split.lost.push(example),
        }
    }
    split.strict_positives = split.parts.validation.positives();
    if split.strict_positives < WIDEN_VALIDATION_BELOW && !mixed.is_empty() {
        split.parts.validation.examples.append(&mut mixed);
        let own = part_of.into_iter().filter(|(_, part)| *part == Part::Validation);
        split.unseen = Some(own.map(|(sequence, _)| sequence).collect());
    }
    split.lost.append(&mut mixed);
    split
}

/// Pairs of equal sequences stay together.
fn by_pairs(catalogue: &Catalogue, pairs: Pairs, shares: Shares, seed: u64) -> Split {
    let keys: BTreeSet<_> = pairs.examples.iter().map(|e| catalogue.sequence_pair(e)).collect();
    let part_of = draw_parts(keys.into_iter().map(|key| vec![key]).collect(), shares, seed);
    let mut parts = empty_parts(&pairs);
    for example in pairs.examples {
        let part = part_of[&catalogue.sequence_pair(&example)];
        parts.get_mut(part).examples.push(example);
    }
    Split { parts, ..Split::default() }
}

fn empty_parts(pairs: &Pairs) -> Parts<Pairs> {
    let empty = Pairs { examples: Vec::new(), has_negatives: pairs.is_labelled() };
    Parts { train: empty.clone(), validation: empty.clone(), test: empty }
}

/// Puts each group of distinct items into one part.
///
/// Groups come in random order and go into the test part, or else validation, or else training,
/// wherever their items still have room; a group with more than [`super::GIANT_SHARE`] of all items
/// trains. Groups are sorted first (sequences by digest), so that neither the order of the input
/// nor a name decides.
fn draw_parts<T: Ord>(mut groups: Vec<Vec<T>>, shares: Shares, seed: u64) -> BTreeMap<T, Part> {
    groups.sort_unstable();
    groups.shuffle(&mut order::parts(seed));
    let all = groups.iter().map(Vec::len).sum();
    let room_of = |share: f64| (share * all as f64).round() as usize;
    let mut rooms =
        [(Part::Test, room_of(shares.test)), (Part::Validation, room_of(shares.validation))];
    let mut part_of = BTreeMap::new();
    for group in groups {
        let trains = is_giant(group.len(), all);
        let fits = |(_, room): &&mut (Part, usize)| !trains && group.len() <= *room;
        let part = match rooms.iter_mut().find(fits) {
            Some((part, room)) => {
                *room -= group.len();
                *part
            }
            None => Part::Train,
        };
        part_of.extend(group.into_iter().map(|item| (item, part)));
    }
    part_of
}
