//! How the rows of the input name their proteins, which no model of pairs should know.
//!
//! Files of interactions are often sorted, so that the smaller accession comes first in every row.
//! Sampled negatives have no row, and a program that keeps them as drawn names the smaller one
//! first in half of them: the rule "smaller first interacts" then has an AUROC of 0.75.

use std::collections::HashMap;

use crate::dataset::Example;

/// The rows of the input: which protein of a pair they name first.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Whether the row names the larger index first, by pair, the smaller index first.
    reversed: HashMap<(u32, u32), bool>,
}

impl Rows {
    /// Adds the row of a pair of proteins, numbered in the order of their accessions;
    /// `reversed` if it names the larger accession first.
    pub fn add(&mut self, example: &Example, reversed: bool) {
        self.reversed.insert(key(example), reversed);
    }

    /// The share of the pairs of one label whose rows name the smaller accession first, where a
    /// pair without row counts as half; absent without such pairs.
    pub(in crate::evaluation) fn sorted_share(
        &self,
        examples: &[Example],
        label: bool,
    ) -> Option<f64> {
        let of_label: Vec<Example> =
            examples.iter().filter(|example| example.label == label).copied().collect();
        let (values, _) = self.values(&of_label);
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Values of the rule "smaller first" with labels, two of each pair: those of its row twice, or
    /// one of each way where it has none. So the AUROC is what random orders give in the mean.
    pub(super) fn values(&self, examples: &[Example]) -> (Vec<f64>, Vec<bool>) {
        let twice = |example: &Example| {
            let values = match self.reversed.get(&key(example)) {
                // A self-pair is in order whatever its row.
                _ if example.left == example.right => [1.0; 2],
                Some(true) => [0.0; 2],
                Some(false) => [1.0; 2],
                None => [1.0, 0.0],
            };
            values.map(|value| (value, example.label))
        };
        examples.iter().flat_map(twice).unzip()
    }
}

fn key(example: &Example) -> (u32, u32) {
    (example.left.min(example.right), example.left.max(example.right))
}
