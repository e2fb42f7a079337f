//! Which given pair falls into which part.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;

use super::{
    Catalogue, Example, Pairs, Part, Parts, Settings, Source, SplitRule, WIDEN_VALIDATION_BELOW,
    Warning, order,
};

/// The given pairs by part.
#[derive(Default)]
pub(super) struct Split {
    /// The pairs of each part.
    pub(super) parts: Parts<Pairs>,
    /// Pairs whose proteins fall into different parts.
    pub(super) lost: Vec<Example>,
    /// Whether validation was carved from the user's training part.
    pub(super) carved: bool,
    /// Where validation also took pairs with one training protein: the sequences of its own.
    pub(super) unseen: Option<BTreeSet<u32>>,
    /// The positives of validation before it took those.
    strict_positives: usize,
}

/// Splits `source` by the rule of `settings`; the parts know whether they have negatives.
pub(super) fn split(catalogue: &Catalogue, source: Source, settings: &Settings) -> Split {
    let shares = Shares { test: settings.test_fraction, validation: settings.validation_fraction };
    let mut split = match source {
        Source::Whole(pairs) if settings.split == SplitRule::Pairs => {
            by_pairs(catalogue, pairs, shares, settings.seed)
        }
        Source::Whole(pairs) => by_proteins(catalogue, pairs, shares, settings.seed),
        Source::Given { train, validation: Some(validation), test } => {
            Split { parts: Parts { train, validation, test }, ..Split::default() }
        }
        Source::Given { train, validation: None, test } => {
            let shares = Shares { test: 0.0, ..shares };
            let mut split = by_proteins(catalogue, train, shares, settings.seed);
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
        let positives = given.into_iter().chain([&self.lost]).flatten().filter(|e| e.label);
        let known: BTreeSet<_> = positives.map(|e| catalogue.sequence_pair(e)).collect();
        let contradicted = |e: &&Example| !e.label && known.contains(&catalogue.sequence_pair(e));
        let warning = |(part, pairs): (Part, &Pairs)| {
            let pairs = pairs.examples.iter().filter(contradicted).count();
            (pairs > 0).then_some(Warning::ContradictedNegatives { part, pairs })
        };
        self.parts.each().into_iter().filter_map(warning).collect()
    }
}

/// The shares of proteins or pairs that the smaller parts take.
#[derive(Clone, Copy)]
struct Shares {
    test: f64,
    validation: f64,
}

/// A pair follows its proteins; where validation is small, it also takes pairs with training.
fn by_proteins(catalogue: &Catalogue, pairs: Pairs, shares: Shares, seed: u64) -> Split {
    let sequences =
        pairs.examples.iter().flat_map(|e| <[u32; 2]>::from(catalogue.sequence_pair(e)));
    let part_of = draw_parts(sequences, shares, seed);
    let mut split = Split { parts: empty_parts(&pairs), ..Split::default() };
    let mut mixed = Vec::new();
    for example in pairs.examples {
        let (one, other) = catalogue.sequence_pair(&example);
        match (part_of[&one], part_of[&other]) {
            (one, other) if one == other => split.parts.get_mut(one).examples.push(example),
            (Part::Train, Part::Validation) | (Part::Validation, Part::Train) => {
                mixed.push(example);
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
    let keys = pairs.examples.iter().map(|e| catalogue.sequence_pair(e));
    let part_of = draw_parts(keys, shares, seed);
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

/// Puts each distinct item into a part. Items are sorted first (sequences by digest), so that
/// neither the order of the input nor a name decides.
fn draw_parts<T: Ord>(
    items: impl Iterator<Item = T>,
    shares: Shares,
    seed: u64,
) -> BTreeMap<T, Part> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items.shuffle(&mut order::parts(seed));
    let share_of = |share: f64| (share * items.len() as f64).round() as usize;
    let test = share_of(shares.test);
    let held_out = test + share_of(shares.validation);
    let part = |position: usize| match position {
        _ if position < test => Part::Test,
        _ if position < held_out => Part::Validation,
        _ => Part::Train,
    };
    items.into_iter().enumerate().map(|(position, item)| (item, part(position))).collect()
}
