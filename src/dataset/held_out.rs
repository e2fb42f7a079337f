//! Pairs that are tested beside a test part of unseen proteins, to show what seeing them is worth.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;

use super::split::Split;
use super::{Catalogue, Example, Pairs, SequencePair, order};

/// One pair of training in so many is tested as C1 at most.
pub const TRAINING_PER_C1: usize = 10;

/// The pairs held out, before they have negatives.
#[derive(Default)]
pub(super) struct HeldOut {
    /// Pairs of two proteins that training has seen.
    pub(super) c1: Pairs,
    /// Pairs of one that training has seen and a protein of the test part.
    pub(super) c2: Pairs,
    /// The sequences of the latter.
    pub(super) unseen: BTreeSet<u32>,
}

impl HeldOut {
    /// Pairs without negatives, or of an input that has some, as `like` says.
    pub(super) fn like(like: &Pairs) -> Self {
        let empty = Pairs { examples: Vec::new(), has_negatives: like.has_negatives };
        Self { c1: empty.clone(), c2: empty, unseen: BTreeSet::new() }
    }

    /// The positives and negatives held out.
    pub(super) fn examples(&self) -> impl Iterator<Item = &Example> {
        self.c1.examples.iter().chain(&self.c2.examples)
    }
}

/// Holds out pairs of training as C1, and keeps in C2, which has the pairs between the training and
/// the test side, those whose protein training has seen; the others are lost.
///
/// C1 has as many pairs of each label as the test part, or as a tenth of training allows. Of
/// each protein training keeps a pair, and pairs of equal sequences stay together.
pub(super) fn hold_out(catalogue: &Catalogue, split: &mut Split, seed: u64) {
    let count = |examples: &[Example], label| examples.iter().filter(|e| e.label == label).count();
    let (train, test) = (&split.parts.train.examples, &split.parts.test.examples);
    let limits =
        [false, true].map(|label| count(test, label).min(count(train, label) / TRAINING_PER_C1));
    let train = &mut split.parts.train.examples;
    split.held_out.c1.examples = take_seen(catalogue, train, limits, seed);

    let seen: BTreeSet<u32> = train.iter().flat_map(|e| sequences(catalogue, e)).collect();
    let between = std::mem::take(&mut split.held_out.c2.examples);
    let is_seen = |e: &Example| sequences(catalogue, e).iter().any(|s| seen.contains(s));
    let (c2, lost): (Vec<_>, Vec<_>) = between.into_iter().partition(is_seen);
    let unseen = c2.iter().flat_map(|e| sequences(catalogue, e)).filter(|s| !seen.contains(s));
    split.held_out.unseen = unseen.collect();
    split.held_out.c2.examples = c2;
    split.lost.extend(lost);
}

fn sequences(catalogue: &Catalogue, example: &Example) -> [u32; 2] {
    catalogue.sequence_pair(example).into()
}

/// Takes random pairs out of `train`, at most so many of either label as `limits` says.
fn take_seen(
    catalogue: &Catalogue,
    train: &mut Vec<Example>,
    mut limits: [usize; 2],
    seed: u64,
) -> Vec<Example> {
    let mut groups: BTreeMap<SequencePair, Vec<Example>> = BTreeMap::new();
    for example in train.drain(..) {
        groups.entry(catalogue.sequence_pair(&example)).or_default().push(example);
    }
    // The pairs of each sequence that training still has.
    let mut pairs_of: BTreeMap<u32, usize> = BTreeMap::new();
    for sequence in groups.keys().copied().flat_map(members) {
        *pairs_of.entry(sequence).or_default() += 1;
    }
    let mut keys: Vec<_> = groups.keys().copied().collect();
    keys.shuffle(&mut order::held_out(seed));
    let mut taken = Vec::new();
    for key in keys {
        let group = &groups[&key];
        let label = group[0].label;
        let limit = &mut limits[usize::from(label)];
        let fits = group.len() <= *limit && group.iter().all(|e| e.label == label);
        if fits && members(key).all(|sequence| pairs_of[&sequence] > 1) {
            *limit -= group.len();
            for sequence in members(key) {
                pairs_of.entry(sequence).and_modify(|pairs| *pairs -= 1);
            }
            taken.extend(groups.remove(&key).unwrap_or_default());
        }
    }
    train.extend(groups.into_values().flatten());
    taken
}

/// The one or two distinct sequences of a pair.
fn members((one, other): SequencePair) -> impl Iterator<Item = u32> {
    std::iter::once(one).chain((other != one).then_some(other))
}
