//! Degree-matched negatives: every protein as often as in the positives, times the ratio.
//!
//! With them the number of partners says nothing about the label within a section. Each protein
//! gets as many stubs as it has places in the positives, stubs are joined at random (the
//! configuration model), and joins that cannot stay are mended by exchanging partners with other
//! pairs, which changes nobody's number (Maslov and Sneppen 2002, doi:10.1126/science.1065103).

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::Request;
use crate::dataset::{Example, SequencePair};

/// Exchanges that are tried for a join in one round.
const ATTEMPTS: usize = 100;
/// In each round, the stubs that are left are joined anew.
const ROUNDS: usize = 10;

/// Distinct pairs outside `taken`: as many as are wanted, or as can be matched.
pub(super) fn draw(
    request: &Request<'_>,
    taken: &BTreeSet<SequencePair>,
    random: &mut impl Rng,
) -> Vec<Example> {
    let [mut anchors, others] = places(request);
    let mut matching = Matching { request, taken, placed: BTreeSet::new(), pairs: Vec::new() };
    let selfs = matching.self_pairs(&mut anchors, random);
    let mut stubs = [anchors, others].map(|places| stubs(&places));
    for _ in 0..ROUNDS {
        let mut open = joins(stubs, random);
        open.retain(|&join| !matching.place(join));
        open.retain(|&join| !matching.exchange(join, random));
        stubs = matching.by_side(open);
    }
    let pairs = selfs.into_iter().chain(matching.pairs);
    pairs.map(|[left, right]| Example { left, right, label: false }).collect()
}

/// A protein and its places in the negatives.
type Places = Vec<(u32, usize)>;

/// The places of the proteins that every pair needs one of, and of the others, in the order of
/// their sequences; together two for every wanted pair.
fn places(request: &Request<'_>) -> [Places; 2] {
    let mut degrees: [BTreeMap<(u32, u32), usize>; 2] = Default::default();
    for protein in request.positives.iter().flat_map(|e| [e.left, e.right]) {
        let sequence = request.catalogue.sequence_of(protein);
        let side = usize::from(!request.sides.is_anchor(sequence));
        *degrees[side].entry((sequence, protein)).or_default() += 1;
    }
    let sum = |side: usize| degrees[side].values().sum::<usize>();
    let others = sum(1) * request.wanted / request.positives.len().max(1);
    let totals = [2 * request.wanted - others, others];
    [0, 1].map(|side| {
        let (sum, total) = (sum(side), totals[side]);
        let (mut before, mut given) = (0, 0);
        let scaled = degrees[side].iter().map(|(&(_, protein), degree)| {
            // Rounding the running sum keeps the total exact.
            before += degree;
            let places = before * total / sum - given;
            given += places;
            (protein, places)
        });
        scaled.collect()
    })
}

/// Each protein once for each of its places.
fn stubs(places: &[(u32, usize)]) -> Vec<u32> {
    places.iter().flat_map(|&(protein, count)| std::iter::repeat_n(protein, count)).collect()
}

/// Random joins of one anchor each with one of the others, and of the anchors that are left.
fn joins([mut anchors, mut others]: [Vec<u32>; 2], random: &mut impl Rng) -> Vec<[u32; 2]> {
    anchors.shuffle(random);
    others.shuffle(random);
    let rest = anchors.split_off(others.len().min(anchors.len()));
    let mixed = anchors.into_iter().zip(others).map(|(anchor, other)| [anchor, other]);
    mixed.chain(rest.chunks_exact(2).map(|two| [two[0], two[1]])).collect()
}

/// Pairs that keep all rules.
struct Matching<'a> {
    request: &'a Request<'a>,
    taken: &'a BTreeSet<SequencePair>,
    placed: BTreeSet<SequencePair>,
    /// Those that may exchange partners.
    pairs: Vec<[u32; 2]>,
}

impl Matching<'_> {
    /// Pairs of a protein with itself, in the share that the positives have, and their places.
    fn self_pairs(&mut self, places: &mut [(u32, usize)], random: &mut impl Rng) -> Vec<[u32; 2]> {
        if !self.request.self_pairs {
            return Vec::new();
        }
        let positives = self.request.positives;
        let keys = positives.iter().map(|e| self.key([e.left, e.right]));
        let known = keys.filter(|(one, other)| one == other).count();
        let mut wanted = known * self.request.wanted / positives.len().max(1);
        let sequence = |at: &mut usize| self.request.catalogue.sequence_of(places[*at].0);
        let mut candidates: Vec<usize> = (0..places.len()).filter(|&at| places[at].1 > 1).collect();
        // One of equal sequences, or else their names would decide.
        candidates.dedup_by_key(sequence);
        candidates.shuffle(random);
        let mut pairs = Vec::new();
        for at in candidates {
            let pair = [places[at].0; 2];
            let key = self.key(pair);
            if wanted > 0 && !self.taken.contains(&key) && self.placed.insert(key) {
                wanted -= 1;
                places[at].1 -= 2;
                pairs.push(pair);
            }
        }
        pairs
    }

    /// Takes the pair, if it may be.
    fn place(&mut self, pair: [u32; 2]) -> bool {
        let free = self.is_free(pair);
        if free {
            self.placed.insert(self.key(pair));
            self.pairs.push(pair);
        }
        free
    }

    /// Takes the two proteins of `join` with the partners of a random pair, if that can be.
    fn exchange(&mut self, join: [u32; 2], random: &mut impl Rng) -> bool {
        for _ in 0..ATTEMPTS {
            if self.pairs.is_empty() {
                return false;
            }
            let at = random.random_range(0..self.pairs.len());
            let old = self.pairs[at];
            let turned = usize::from(random.random::<bool>());
            let new = [[join[0], old[turned]], [join[1], old[1 - turned]]];
            let differ = self.key(new[0]) != self.key(new[1]);
            if differ && new.iter().all(|&pair| self.is_free(pair)) {
                self.placed.remove(&self.key(old));
                self.placed.extend(new.map(|pair| self.key(pair)));
                self.pairs[at] = new[0];
                self.pairs.push(new[1]);
                return true;
            }
        }
        false
    }

    /// The stubs of `joins`, those of anchors first.
    fn by_side(&self, joins: Vec<[u32; 2]>) -> [Vec<u32>; 2] {
        let Request { catalogue, sides, .. } = self.request;
        let is_anchor = |protein: &u32| sides.is_anchor(catalogue.sequence_of(*protein));
        let (anchors, others) = joins.into_iter().flatten().partition(is_anchor);
        [anchors, others]
    }

    /// Whether a pair of two proteins may be a negative and is none yet.
    fn is_free(&self, pair: [u32; 2]) -> bool {
        let key = self.key(pair);
        key.0 != key.1
            && self.request.sides.allow(key.0, key.1)
            && !self.taken.contains(&key)
            && !self.placed.contains(&key)
    }

    fn key(&self, [left, right]: [u32; 2]) -> SequencePair {
        self.request.catalogue.sequence_pair(&Example { left, right, label: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::negatives::Sides;
    use crate::dataset::negatives::samples::{free_pairs, ring, taken};
    use crate::dataset::{Catalogue, Section, order};

    /// How often each protein occurs.
    fn degrees(examples: &[Example]) -> BTreeMap<u32, usize> {
        let mut degrees = BTreeMap::new();
        for protein in examples.iter().flat_map(|e| [e.left, e.right]) {
            *degrees.entry(protein).or_default() += 1;
        }
        degrees
    }

    /// Ten hubs with eight partners each, five of which a hub shares with the next.
    fn hubs() -> (Catalogue, Vec<Example>) {
        let (catalogue, _) = ring(60);
        let hub = |hub: u32| (0..8).map(move |i| (hub, 10 + (5 * hub + i) % 50));
        let positive = |(left, right)| Example { left, right, label: true };
        (catalogue, (0..10).flat_map(hub).map(positive).collect())
    }

    #[test]
    fn every_protein_is_in_as_many_negatives_as_positives() {
        let (catalogue, positives) = hubs();
        let known = taken(&catalogue, &positives);
        let hubs: BTreeSet<u32> = positives.iter().map(|e| catalogue.sequence_of(e.left)).collect();
        for sides in [Sides::Any, Sides::AtLeastOne(&hubs), Sides::ExactlyOne(&hubs)] {
            let (positives, wanted) = (positives.as_slice(), positives.len());
            let request =
                Request { catalogue: &catalogue, positives, wanted, sides, self_pairs: false };
            let drawn = draw(&request, &known, &mut order::negatives(1, Section::Test));
            assert_eq!(degrees(&drawn), degrees(positives));
            assert!(taken(&catalogue, &drawn).is_subset(&free_pairs(&request, &known)));
            assert_eq!(taken(&catalogue, &drawn).len(), wanted, "each once");
            let other = draw(&request, &known, &mut order::negatives(2, Section::Test));
            assert_ne!(drawn, other);

            let half = Request { wanted: wanted / 2, ..request };
            let drawn = draw(&half, &known, &mut order::negatives(1, Section::Test));
            let all = degrees(positives);
            assert_eq!(drawn.len(), wanted / 2);
            for (protein, degree) in degrees(&drawn) {
                assert!(degree.abs_diff(all[&protein] / 2) <= 1, "{protein}");
            }
        }
    }

    #[test]
    fn self_pairs_are_drawn_in_their_share() {
        let (catalogue, mut positives) = hubs();
        positives.extend([0, 3, 30].map(|i| Example { left: i, right: i, label: true }));
        let known = taken(&catalogue, &positives);
        for self_pairs in [false, true] {
            let (positives, wanted) = (positives.as_slice(), positives.len());
            let sides = Sides::Any;
            let request = Request { catalogue: &catalogue, positives, wanted, sides, self_pairs };
            let drawn = draw(&request, &known, &mut order::negatives(1, Section::Test));
            assert_eq!(degrees(&drawn), degrees(positives));
            let selfs = drawn.iter().filter(|e| e.left == e.right).count();
            assert_eq!(selfs, if self_pairs { 3 } else { 0 });
            assert!(taken(&catalogue, &drawn).is_disjoint(&known));
        }
    }

    #[test]
    fn a_hub_without_free_partners_is_left_out_and_the_rest_is_matched() {
        let (catalogue, mut positives) = ring(40);
        positives.extend((2..39).map(|right| Example { left: 0, right, label: true }));
        let known = taken(&catalogue, &positives);
        let (sides, wanted) = (Sides::Any, positives.len());
        let positives = positives.as_slice();
        let request =
            Request { catalogue: &catalogue, positives, wanted, sides, self_pairs: false };
        let drawn = draw(&request, &known, &mut order::negatives(1, Section::Test));
        let degrees = degrees(&drawn);
        assert!(!degrees.contains_key(&0), "it interacts with all others");
        // The other 115 places can be in 57 pairs.
        assert!((50..=57).contains(&drawn.len()), "{}", drawn.len());
    }
}
