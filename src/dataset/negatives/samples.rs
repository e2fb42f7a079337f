//! What the tests of both rules draw from.

use std::collections::BTreeSet;

use super::Request;
use crate::dataset::{Catalogue, Example, SequencePair};
use crate::digest::Digest;

/// `n` proteins of distinct sequences, and positives that visit all of them.
pub(super) fn ring(n: u32) -> (Catalogue, Vec<Example>) {
    let name = |i: u32| format!("P{i:02}");
    let protein = |i| (name(i).parse().unwrap(), Digest::of(name(i).as_bytes()));
    let positive = |i| Example { left: i, right: (i + 1) % n, label: true };
    (Catalogue::new((0..n).map(protein)).unwrap(), (0..n).map(positive).collect())
}

pub(super) fn taken(catalogue: &Catalogue, examples: &[Example]) -> BTreeSet<SequencePair> {
    examples.iter().map(|e| catalogue.sequence_pair(e)).collect()
}

/// All pairs that may be drawn, from the definition.
pub(super) fn free_pairs(
    request: &Request<'_>,
    taken: &BTreeSet<SequencePair>,
) -> BTreeSet<SequencePair> {
    let n = request.catalogue.sequences().len() as u32;
    let all = (0..n).flat_map(|i| (i..n).map(move |j| (i, j)));
    all.filter(|&(i, j)| (request.self_pairs || i != j) && request.sides.allow(i, j))
        .filter(|pair| !taken.contains(pair))
        .collect()
}
