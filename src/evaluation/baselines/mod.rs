//! Baselines: rules that know nothing about interactions, and what they reach all the same.

mod boosting;
mod composition;
mod relatives;
mod rows;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::composition::Composition;
use self::relatives::{NearestPair, Relatives};
use super::ranking::Ranking;
use super::{Background, BaselineResult, Direction};
use crate::dataset::{Catalogue, Example, labels};
pub use relatives::RELATED_FROM;
pub use rows::Rows;

/// A rule that scores pairs by a shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Proteins with many partners in training: the sum of `ln(1 + positive training degree)`.
    Degree,
    /// Whether the smaller accession comes first, after pairs were made unordered: says nothing.
    Order,
    /// Whether the row of the input names the smaller accession first.
    RowOrder,
    /// Whether a protein is paired with itself.
    SelfPair,
    /// Boosted trees on amino-acid composition and length, fitted on the training part.
    Composition,
    /// The label of the most similar training pairs.
    NearestPair,
}

impl Baseline {
    /// All baselines, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Degree,
        Self::Order,
        Self::RowOrder,
        Self::SelfPair,
        Self::Composition,
        Self::NearestPair,
    ];

    /// Whether it learned from training labels which way it points.
    fn is_fitted(self) -> bool {
        matches!(self, Self::Composition | Self::NearestPair)
    }

    /// Whether a classifier of unordered pairs could learn it.
    fn is_within_reach(self) -> bool {
        self != Self::RowOrder
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Degree => "degree",
            Self::Order => "order",
            Self::RowOrder => "row order",
            Self::SelfPair => "self-pair",
            Self::Composition => "composition",
            Self::NearestPair => "nearest pair",
        })
    }
}

/// All baselines, fitted where they need it.
pub(super) struct Baselines<'a> {
    catalogue: &'a Catalogue,
    rows: &'a Rows,
    /// Positive training pairs of each distinct sequence.
    degrees: Vec<u32>,
    composition: Composition,
    nearest_pair: NearestPair,
}

impl<'a> Baselines<'a> {
    pub(super) fn fit(background: &Background<'a>) -> Self {
        let Background { catalogue, proteins, train, rows, .. } = *background;
        let mut degrees = vec![0; catalogue.sequences().len()];
        for (one, other) in train.iter().filter(|e| e.label).map(|e| catalogue.sequence_pair(e)) {
            degrees[one as usize] += 1;
            if one != other {
                degrees[other as usize] += 1;
            }
        }
        let relatives = Relatives::new(catalogue, proteins, train);
        Self {
            catalogue,
            rows,
            degrees,
            composition: Composition::fit(proteins, train),
            nearest_pair: NearestPair::new(relatives, catalogue, train),
        }
    }

    /// What a rule reaches on `examples`, and its values in the direction that counts.
    pub(super) fn judge(
        &self,
        baseline: Baseline,
        examples: &[Example],
    ) -> (BaselineResult, Vec<f64>) {
        let (mut values, labels) = match baseline {
            Baseline::RowOrder => self.rows.values(examples),
            _ => (self.values(baseline, examples), labels(examples)),
        };
        let mut ranking = Ranking::new(&values, &labels);
        let reversed = !baseline.is_fitted() && ranking.auroc().is_some_and(|auroc| auroc < 0.5);
        if reversed {
            values.iter_mut().for_each(|value| *value = -*value);
            ranking = Ranking::new(&values, &labels);
        }
        let result = BaselineResult {
            baseline,
            auroc: ranking.auroc(),
            average_precision: ranking.average_precision(1.0),
            direction: if reversed { Direction::Low } else { Direction::High },
            within_reach: baseline.is_within_reach(),
        };
        (result, values)
    }

    /// The value of a rule for each of `examples`, as they stand: in no order.
    fn values(&self, baseline: Baseline, examples: &[Example]) -> Vec<f64> {
        let sequences = |example: &Example| self.catalogue.sequence_pair(example);
        let value = |example: &Example| match baseline {
            Baseline::Degree => [example.left, example.right]
                .map(|protein| self.degree(protein).ln_1p())
                .iter()
                .sum(),
            // Of unordered pairs the smaller accession is always the first.
            Baseline::Order | Baseline::RowOrder => 1.0,
            Baseline::SelfPair => {
                let (one, other) = sequences(example);
                f64::from(u8::from(one == other))
            }
            Baseline::Composition => self.composition.value(example),
            Baseline::NearestPair => self.nearest_pair.value(sequences(example)),
        };
        examples.iter().map(value).collect()
    }

    /// The positive training pairs of a protein, under any of its names.
    pub(super) fn degree(&self, protein: u32) -> f64 {
        f64::from(self.degrees[self.catalogue.sequence_of(protein) as usize])
    }

    /// How similar the more similar protein of each of `examples` is to its nearest training
    /// protein.
    pub(super) fn similarity(&self, examples: &[Example]) -> Vec<f64> {
        let relatives = self.nearest_pair.relatives();
        let similarity =
            |example: &Example| relatives.similarity(self.catalogue.sequence_pair(example));
        examples.iter().map(similarity).collect()
    }
}
