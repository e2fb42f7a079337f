//! Uniform negatives: distinct pairs of sequences that no input names.
//!
//! The pairs of a pool are numbered row by row, of a triangle or of a rectangle. Drawing distinct
//! numbers among the free ones and stepping over the taken ones is exactly uniform and ends after
//! one pass, however dense the graph.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::index;

use super::{Request, Sides};
use crate::dataset::{Example, SequencePair};

/// Distinct pairs outside `taken` of the proteins of the positives and of `others`: as many as are
/// wanted, or as there are.
pub(super) fn draw<'e>(
    request: &Request<'e>,
    others: impl IntoIterator<Item = &'e Example>,
    taken: &BTreeSet<SequencePair>,
    random: &mut impl Rng,
) -> Vec<Example> {
    let pairs = request.positives.iter().chain(others);
    Pool::new(request, pairs).draw(taken, request.wanted, random)
}

/// The sequences that the negatives of one section are drawn from.
struct Pool {
    /// A sequence and the protein that stands for it in this section; anchors first.
    members: Vec<(u32, u32)>,
    /// Every pair has one of the first so many members, which are the rows.
    anchors: usize,
    shape: Shape,
}

/// Which members a row has; all rows end at the last member.
enum Shape {
    /// Those after its own and, where a sequence may be paired with itself (1 instead of 0), its own.
    Triangle { diagonal: usize },
    /// Those that are no anchors.
    Rectangle,
}

impl Pool {
    fn new<'e>(request: &Request<'_>, pairs: impl Iterator<Item = &'e Example>) -> Self {
        let mut members = BTreeMap::new();
        for protein in pairs.flat_map(|e| [e.left, e.right]) {
            let sequence = request.catalogue.sequence_of(protein);
            let representative = members.entry(sequence).or_insert(protein);
            *representative = protein.min(*representative);
        }
        let (mut members, others): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|&(sequence, _)| request.sides.is_anchor(sequence));
        let anchors = members.len();
        members.extend(others);
        let shape = match request.sides {
            Sides::ExactlyOne(_) => Shape::Rectangle,
            _ => Shape::Triangle { diagonal: usize::from(request.self_pairs) },
        };
        Self { members, anchors, shape }
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
            let column = self.first_column(row) + number - self.row_start(row);
            let (left, right) = (self.members[row].1, self.members[column].1);
            negatives.push(Example { left, right, label: false });
        }
        negatives
    }

    fn first_column(&self, row: usize) -> usize {
        match self.shape {
            Shape::Triangle { diagonal } => row + 1 - diagonal,
            Shape::Rectangle => self.anchors,
        }
    }

    /// The number of the first pair of a row.
    fn row_start(&self, row: usize) -> usize {
        match self.shape {
            // The sum of widest - 1, widest - 2, ... over the rows before.
            Shape::Triangle { diagonal } => {
                row * (self.members.len() + diagonal) - row * (row + 1) / 2
            }
            Shape::Rectangle => row * (self.members.len() - self.anchors),
        }
    }

    /// The numbers of those `pairs` that the pool holds, sorted.
    fn numbers_of(&self, pairs: &BTreeSet<SequencePair>) -> Vec<usize> {
        let place = |(at, &(sequence, _)): (usize, &(u32, u32))| (sequence, at);
        let places: BTreeMap<u32, usize> = self.members.iter().enumerate().map(place).collect();
        let number = |(one, other): &SequencePair| {
            let (one, other) = (*places.get(one)?, *places.get(other)?);
            let (row, column) = (one.min(other), one.max(other));
            let first = self.first_column(row);
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
    use crate::dataset::negatives::samples::{free_pairs, ring, taken};
    use crate::dataset::{Catalogue, Section, order};

    /// Pairs of the ring under every rule, with and without self-pairs.
    fn requests<'a>(
        catalogue: &'a Catalogue,
        positives: &'a [Example],
        anchors: &'a BTreeSet<u32>,
    ) -> Vec<Request<'a>> {
        let rules = [Sides::Any, Sides::AtLeastOne(anchors), Sides::ExactlyOne(anchors)];
        let request =
            |(sides, self_pairs)| Request { catalogue, positives, wanted: 1000, sides, self_pairs };
        rules.into_iter().flat_map(|rule| [(rule, false), (rule, true)]).map(request).collect()
    }

    #[test]
    fn an_exhausted_pool_yields_every_free_pair_once() {
        let (catalogue, mut positives) = ring(9);
        positives.push(Example { left: 4, right: 4, label: true });
        let known = taken(&catalogue, &positives);
        for request in requests(&catalogue, &positives, &BTreeSet::from([1, 3, 8])) {
            let drawn = draw(&request, &[], &known, &mut order::negatives(1, Section::Test));
            let free = free_pairs(&request, &known);
            assert_eq!(drawn.len(), free.len());
            assert_eq!(taken(&catalogue, &drawn), free);
            assert!(drawn.iter().all(|e| !e.label));
        }
    }

    #[test]
    fn draws_are_uniform_over_the_free_pairs() {
        let (catalogue, positives) = ring(12);
        let known = taken(&catalogue, &positives);
        let (rounds, amount) = (4000, 10);
        for request in requests(&catalogue, &positives, &BTreeSet::from([0, 5, 7, 11])) {
            let request = Request { wanted: amount, ..request };
            let free = free_pairs(&request, &known);
            let mut counts: BTreeMap<_, f64> = free.iter().map(|&pair| (pair, 0.0)).collect();
            for seed in 0..rounds {
                let drawn =
                    draw(&request, &[], &known, &mut order::negatives(seed, Section::Train));
                let drawn = taken(&catalogue, &drawn);
                assert_eq!(drawn.len(), amount);
                for pair in &drawn {
                    *counts.get_mut(pair).unwrap() += 1.0;
                }
            }
            // Binomial: five standard deviations around the mean, for dozens of counts.
            let share = amount as f64 / free.len() as f64;
            let mean = rounds as f64 * share;
            let deviation = (mean * (1.0 - share)).sqrt();
            for (pair, count) in counts {
                assert!((count - mean).abs() < 5.0 * deviation, "{pair:?}: {count} for {mean}");
            }
        }
    }
}
