//! The composition baseline: which amino acids two proteins are made of, and how long they are.
//!
//! It knows neither the order of residues nor a language model; what it reaches is what differs in
//! bulk between pairs that interact and pairs that do not.

use super::boosting::Boosting;
use crate::dataset::Example;
use crate::protein::ProteinSequence;

const AMINO_ACIDS: &[u8; 20] = b"ACDEFGHIKLMNPQRSTVWY";
/// The shares of the amino acids, and the logarithm of the length.
const PER_PROTEIN: usize = AMINO_ACIDS.len() + 1;
/// The sums over both proteins and the absolute differences: the same in either order.
const PER_PAIR: usize = 2 * PER_PROTEIN;
/// Of more training pairs an evenly spaced part is learned from.
const MAX_PAIRS: usize = 200_000;

/// A model of composition, fitted on training pairs.
#[derive(Clone, Debug)]
pub(super) struct Composition {
    proteins: Vec<[f32; PER_PROTEIN]>,
    model: Boosting,
}

impl Composition {
    /// Fits `train`, pairs of indices of `proteins`.
    pub(super) fn fit(proteins: &[&ProteinSequence], train: &[Example]) -> Self {
        let proteins: Vec<_> = proteins.iter().map(|protein| composition(protein)).collect();
        let taken = train.len().min(MAX_PAIRS);
        let train: Vec<&Example> = (0..taken).map(|at| &train[at * train.len() / taken]).collect();
        let mut columns = vec![Vec::new(); PER_PAIR];
        for example in &train {
            let features = of_pair(&proteins, example);
            columns.iter_mut().zip(features).for_each(|(column, value)| column.push(value));
        }
        let labels: Vec<bool> = train.iter().map(|example| example.label).collect();
        Self { model: Boosting::fit(&columns, &labels), proteins }
    }

    /// The logit of a pair.
    pub(super) fn value(&self, example: &Example) -> f64 {
        self.model.logit(&of_pair(&self.proteins, example))
    }
}

fn composition(protein: &ProteinSequence) -> [f32; PER_PROTEIN] {
    let length = protein.len() as f32;
    let mut counts = [0.0; PER_PROTEIN];
    for residue in protein.residues().bytes() {
        if let Ok(amino_acid) = AMINO_ACIDS.binary_search(&residue) {
            counts[amino_acid] += 1.0;
        }
    }
    counts.iter_mut().for_each(|count| *count /= length);
    counts[AMINO_ACIDS.len()] = length.ln();
    counts
}

fn of_pair(proteins: &[[f32; PER_PROTEIN]], example: &Example) -> [f32; PER_PAIR] {
    let [a, b] = [example.left, example.right].map(|protein| &proteins[protein as usize]);
    let mut features = [0.0; PER_PAIR];
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        features[at] = a + b;
        features[PER_PROTEIN + at] = (a - b).abs();
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compositions_are_shares_and_the_pair_has_no_order() {
        let sequences = ["AACX", "YYYYYYYY"].map(|text| text.parse::<ProteinSequence>().unwrap());
        let proteins = sequences.each_ref().map(composition);
        assert_eq!(proteins[0][..3], [0.5, 0.25, 0.0], "of all residues, also unknown ones");
        assert_eq!(proteins[1][19..], [1.0, 8.0_f32.ln()]);
        let pair = |left, right| of_pair(&proteins, &Example { left, right, label: true });
        assert_eq!(pair(0, 1), pair(1, 0));
        assert_eq!(pair(0, 1)[0], 0.5);
        assert_eq!(pair(1, 1)[PER_PROTEIN..], [0.0; PER_PROTEIN]);
    }

    #[test]
    fn proteins_that_interact_for_their_composition_are_told_apart() {
        // Positives share an abundant residue.
        let text = |kind: usize, length| ["L", "K"][kind].repeat(length) + "ACDEFGHI";
        let sequences: Vec<ProteinSequence> =
            (0..60).map(|i| text(i % 2, 5 + i).parse().unwrap()).collect();
        let proteins: Vec<_> = sequences.iter().collect();
        let pairs = (0..60).flat_map(|left| (left..60).map(move |right| (left, right)));
        let example =
            |(left, right): (u32, u32)| Example { left, right, label: left % 2 == right % 2 };
        let (train, test): (Vec<_>, Vec<_>) =
            pairs.map(example).partition(|pair| pair.left % 7 > 0 && pair.right % 7 > 0);
        let model = Composition::fit(&proteins, &train);
        let wrong = test.iter().filter(|pair| (model.value(pair) > 0.0) != pair.label).count();
        assert!(wrong * 20 < test.len(), "{wrong} of {}", test.len());
    }
}
