//! Baselines: rules that know nothing about interactions, and what they reach all the same.

use std::fmt;

use serde::{Deserialize, Serialize};

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
