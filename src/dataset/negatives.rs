//! Uniform negatives: distinct pairs of sequences that no input names.
//!
//! The pairs of a pool are numbered row by row of a triangle. Drawing distinct numbers among the
//! free ones and stepping over the taken ones is exactly uniform and ends after one pass, however
//! dense the graph.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::index;

use super::split::Split;
use super::{Catalogue, Error, Example, Part, SequencePair, Settings, Warning, order};

/// Draws the negatives of a part that has none of its own, outside `taken`, and takes them.
pub(super) fn add(
    catalogue: &Catalogue,
    split: &mut Split,
    part: Part,
    taken: &mut BTreeSet<SequencePair>,
    settings: &Settings,
) -> Result<Option<Warning>, Error> {
    let unseen = split.unseen.as_ref().filter(|_| part == Part::Validation);
    let pairs = split.parts.get_mut(part);
    if pairs.has_negatives {
        let remedy = "add pairs with label 0, or leave all of them out to have negatives sampled";
        let missing = pairs.examples.iter().all(|e| e.label);
        return if missing { Err(Error::NoNegatives { part, remedy }) } else { Ok(None) };
    }
    let wanted = (settings.negative_ratio * pairs.positives() as f64).round() as usize;
    let pool = Pool::new(catalogue, &pairs.examples, unseen, settings.self_negatives);
    let drawn = pool.draw(taken, wanted, &mut order::negatives(settings.seed, part));
    let count = drawn.len();
    taken.extend(drawn.iter().map(|e| catalogue.sequence_pair(e)));
    pairs.examples.extend(drawn);
    match count {
        0 if wanted == 0 => {
            Err(Error::NoNegatives { part, remedy: "raise `negative_ratio` or add pairs" })
        }
        0 => {
            let remedy = "the input names every pair of its proteins that no other part drew: \
                          lower `negative_ratio` or add proteins";
            Err(Error::NoNegatives { part, remedy })
        }
        drawn if drawn < wanted => Ok(Some(Warning::FewerNegatives { part, wanted, drawn })),
        _ => Ok(None),
    }
}

/// The sequences that the negatives of one part are drawn from.
struct Pool {
    /// A sequence and the protein that stands for it in this part; anchors first.
    members: Vec<(u32, u32)>,
    /// Every pair has at least one of the first so many members.
    anchors: usize,
    /// 1 where a sequence may be paired with itself, else 0.
    diagonal: usize,
}

impl Pool {
    /// The sequences of `positives`; with `anchors`, only pairs with at least one of those.
    fn new(
        catalogue: &Catalogue,
        positives: &[Example],
        anchors: Option<&BTreeSet<u32>>,
        self_pairs: bool,
    ) -> Self {
        let mut members = BTreeMap::new();
        for protein in positives.iter().flat_map(|e| [e.left, e.right]) {
            let representative = members.entry(catalogue.sequence_of(protein)).or_insert(protein);
            *representative = protein.min(*representative);
        }
        let is_anchor = |sequence: u32| anchors.is_none_or(|anchors| anchors.contains(&sequence));
        let (mut members, others): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|&(sequence, _)| is_anchor(sequence));
        let anchors = members.len();
        members.extend(others);
        Self { members, anchors, diagonal: usize::from(self_pairs) }
    }

    /// `wanted` distinct pairs outside `taken`, or as many as there are.
    fn draw(
        &self,
        taken: &BTreeSet<SequencePair>,
        wanted: usize,
        random: &mut impl Rng,
    ) -> Vec<Example> {
        let taken = self.numbers_of(taken);
        let free = self.row_start(self.anchors) - taken.len();
        let mut drawn = index::sample(random, free, wanted.min(free)).into_vec();
        drawn.sort_unstable();

        let mut taken = taken.into_iter().peekable();
        let (mut skipped, mut row) = (0, 0);
        let mut negatives = Vec::with_capacity(drawn.len());
        for position in drawn {
            while taken.next_if(|&number| number <= position + skipped).is_some() {
                skipped += 1;
            }
            let number = position + skipped;
            while self.row_start(row + 1) <= number {
                row += 1;
            }
            let column = row + 1 - self.diagonal + number - self.row_start(row);
            let (left, right) = (self.members[row].1, self.members[column].1);
            negatives.push(Example { left, right, label: false });
        }
        negatives
    }

    /// The number of the first pair of a row; rows end at the last member.
    fn row_start(&self, row: usize) -> usize {
        let widest = self.members.len() + self.diagonal;
        // The sum of widest - 1, widest - 2, ... over the rows before.
        row * widest - row * (row + 1) / 2
    }

    /// The numbers of those `pairs` that the pool holds, sorted.
    fn numbers_of(&self, pairs: &BTreeSet<SequencePair>) -> Vec<usize> {
        let place = |(at, &(sequence, _)): (usize, &(u32, u32))| (sequence, at);
        let places: BTreeMap<u32, usize> = self.members.iter().enumerate().map(place).collect();
        let number = |(one, other): &SequencePair| {
            let (one, other) = (*places.get(one)?, *places.get(other)?);
            let (row, column) = (one.min(other), one.max(other));
            let first = row + 1 - self.diagonal;
            let holds = row < self.anchors && column >= first;
            holds.then(|| self.row_start(row) + column - first)
        };
        let mut numbers: Vec<_> = pairs.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    /// `n` proteins of distinct sequences, and positives that visit all of them.
    fn ring(n: u32) -> (Catalogue, Vec<Example>) {
        let name = |i: u32| format!("P{i:02}");
        let protein = |i| (name(i).parse().unwrap(), Digest::of(name(i).as_bytes()));
        let positive = |i| Example { left: i, right: (i + 1) % n, label: true };
        (Catalogue::new((0..n).map(protein)).unwrap(), (0..n).map(positive).collect())
    }

    fn taken(catalogue: &Catalogue, examples: &[Example]) -> BTreeSet<SequencePair> {
        examples.iter().map(|e| catalogue.sequence_pair(e)).collect()
    }

    /// All pairs that the pool may yield, from the definition.
    fn free_pairs(
        catalogue: &Catalogue,
        positives: &[Example],
        anchors: Option<&BTreeSet<u32>>,
        self_pairs: bool,
    ) -> BTreeSet<SequencePair> {
        let taken = taken(catalogue, positives);
        let n = catalogue.sequences().len() as u32;
        let all = (0..n).flat_map(|i| (i..n).map(move |j| (i, j)));
        let anchored = |i, j| anchors.is_none_or(|a| a.contains(&i) || a.contains(&j));
        all.filter(|&(i, j)| (self_pairs || i != j) && anchored(i, j))
            .filter(|pair| !taken.contains(pair))
            .collect()
    }

    #[test]
    fn an_exhausted_pool_yields_every_free_pair_once() {
        let (catalogue, mut positives) = ring(9);
        positives.push(Example { left: 4, right: 4, label: true });
        let known = taken(&catalogue, &positives);
        let anchors = BTreeSet::from([1, 3, 8]);
        for anchors in [None, Some(&anchors)] {
            for self_pairs in [false, true] {
                let pool = Pool::new(&catalogue, &positives, anchors, self_pairs);
                let drawn = pool.draw(&known, 1000, &mut order::negatives(1, Part::Test));
                let free = free_pairs(&catalogue, &positives, anchors, self_pairs);
                assert_eq!(drawn.len(), free.len());
                assert_eq!(taken(&catalogue, &drawn), free);
                assert!(drawn.iter().all(|e| !e.label));
            }
        }
    }

    #[test]
    fn draws_are_uniform_over_the_free_pairs() {
        let (catalogue, positives) = ring(12);
        let known = taken(&catalogue, &positives);
        let anchors = BTreeSet::from([0, 5, 7, 11]);
        let pool = Pool::new(&catalogue, &positives, Some(&anchors), true);
        let free = free_pairs(&catalogue, &positives, Some(&anchors), true);
        let mut counts: BTreeMap<_, f64> = free.iter().map(|&pair| (pair, 0.0)).collect();
        let (rounds, amount) = (4000, 10);
        for seed in 0..rounds {
            let drawn = pool.draw(&known, amount, &mut order::negatives(seed, Part::Train));
            let drawn = taken(&catalogue, &drawn);
            assert_eq!(drawn.len(), amount);
            for pair in &drawn {
                *counts.get_mut(pair).unwrap() += 1.0;
            }
        }
        // Binomial: five standard deviations around the mean, for about forty counts.
        let share = amount as f64 / free.len() as f64;
        let mean = rounds as f64 * share;
        let deviation = (mean * (1.0 - share)).sqrt();
        for (pair, count) in counts {
            assert!((count - mean).abs() < 5.0 * deviation, "{pair:?}: {count} for {mean}");
        }
    }
}
