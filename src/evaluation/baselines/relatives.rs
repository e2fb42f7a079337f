//! The training proteins that resemble each protein, and the baseline that copies their labels.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::dataset::{Catalogue, Example, KmerIndex, SequencePair};
use crate::protein::ProteinSequence;

/// From this similarity on two proteins count as related: for unrelated ones, five residues in a
/// row are the same by chance about once in 3.2 million.
pub const RELATED_FROM: f64 = 0.15;

/// The relatives that a protein has at most, the most similar ones.
const MOST: usize = 16;

/// The most similar training proteins of every protein, by distinct sequence.
#[derive(Clone, Debug)]
pub(super) struct Relatives {
    /// Training sequences with their similarity, the most similar first.
    of: Vec<Vec<(u32, f64)>>,
}

impl Relatives {
    /// Looks up all proteins of `catalogue`, whose residues are `proteins`, among those of `train`.
    pub(super) fn new(
        catalogue: &Catalogue,
        proteins: &[&ProteinSequence],
        train: &[Example],
    ) -> Self {
        let mut sequences: Vec<Option<&ProteinSequence>> = vec![None; catalogue.sequences().len()];
        for (protein, sequence) in (0..).zip(proteins) {
            sequences[catalogue.sequence_of(protein) as usize] = Some(sequence);
        }
        let known: BTreeSet<u32> =
            train.iter().flat_map(|pair| <[u32; 2]>::from(catalogue.sequence_pair(pair))).collect();
        let known: Vec<u32> = known.into_iter().collect();
        let index = KmerIndex::new(known.iter().filter_map(|known| sequences[*known as usize]));
        let of = (0..).zip(&sequences).collect::<Vec<(u32, _)>>().into_par_iter().map(
            |(number, sequence)| {
                let similar = sequence.map(|sequence| index.similar_to(sequence, RELATED_FROM));
                let similar = similar.into_iter().flatten().map(|(at, share)| (known[at], share));
                // A protein is its own nearest one, also where it is too short for a k-mer.
                let own = known.binary_search(&number).ok().map(|_| (number, 1.0));
                let others = similar.filter(|(other, _)| *other != number);
                let mut found: Vec<(u32, f64)> = own.into_iter().chain(others).collect();
                // Stable: it stays the first of those that are as similar.
                found.sort_by(|one, other| other.1.total_cmp(&one.1));
                found.truncate(MOST);
                found
            },
        );
        Self { of: of.collect() }
    }

    /// How similar the more similar sequence of a pair is to its nearest training protein.
    pub(super) fn similarity(&self, (one, other): SequencePair) -> f64 {
        let nearest = |sequence: u32| self.of[sequence as usize].first().map_or(0.0, |near| near.1);
        nearest(one).max(nearest(other))
    }
}

/// The nearest-pair baseline.
///
/// The similarity of two pairs is the product of the similarities of their proteins, in the better
/// of the two ways to match them. A pair scores its similarity to the nearest positive training
/// pair minus that to the nearest negative one: 0 where no training pair is related to it.
#[derive(Clone, Debug)]
pub(super) struct NearestPair {
    relatives: Relatives,
    labels: HashMap<SequencePair, bool>,
}

impl NearestPair {
    pub(super) fn new(relatives: Relatives, catalogue: &Catalogue, train: &[Example]) -> Self {
        let mut labels = HashMap::with_capacity(train.len());
        for example in train {
            *labels.entry(catalogue.sequence_pair(example)).or_insert(false) |= example.label;
        }
        Self { relatives, labels }
    }

    pub(super) fn relatives(&self) -> &Relatives {
        &self.relatives
    }

    pub(super) fn value(&self, (one, other): SequencePair) -> f64 {
        let mut nearest = [0.0_f64; 2];
        for (a, near_a) in &self.relatives.of[one as usize] {
            for (b, near_b) in &self.relatives.of[other as usize] {
                if let Some(label) = self.labels.get(&(*a.min(b), *a.max(b))) {
                    let nearest = &mut nearest[usize::from(*label)];
                    *nearest = nearest.max(near_a * near_b);
                }
            }
        }
        nearest[1] - nearest[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labels_of_the_most_similar_training_pairs_decide() {
        // Two families of two, one protein alone, and one too short for a k-mer. Each of a family
        // has five residues of its own: 11 of 16 5-mers are shared.
        let texts = [
            "ACDEFGHIKLMNPQRWWWWW",
            "ACDEFGHIKLMNPQRYYYYY",
            "MKVLTTEEQQSSRRDCCCCC",
            "MKVLTTEEQQSSRRDGGGGG",
            "HHPPHHPLHHPNHHPQ",
            "MKV",
        ];
        let proteins = texts.map(|text| text.parse::<ProteinSequence>().unwrap());
        let proteins: Vec<_> = proteins.iter().collect();
        let named = (0..).zip(&proteins);
        let named = named.map(|(i, p): (u32, _)| (format!("P{i}").parse().unwrap(), p.digest()));
        let catalogue = Catalogue::new(named).unwrap();
        let pair = |left, right, label| Example { left, right, label };
        let train = [pair(0, 2, true), pair(4, 2, false), pair(5, 0, false)];
        let relatives = Relatives::new(&catalogue, &proteins, &train);
        let key = |left, right| catalogue.sequence_pair(&pair(left, right, true));
        let share = 11.0 / 16.0;
        assert_eq!(relatives.similarity(key(5, 5)), 1.0, "its own relative, though too short");
        assert_eq!(relatives.similarity(key(1, 3)), share);

        let nearest = NearestPair::new(relatives, &catalogue, &train);
        assert_eq!(nearest.value(key(1, 3)), share * share, "like the positive pair of 0 and 2");
        assert_eq!(nearest.value(key(3, 1)), nearest.value(key(1, 3)));
        assert_eq!(nearest.value(key(4, 3)), -share, "like the negative pair of 4 and 2");
        assert_eq!(nearest.value(key(2, 0)), 1.0);
        assert_eq!(nearest.value(key(1, 4)), 0.0, "no pair like it");
    }
}
