//! Dataset: labelled pairs cut into training, validation and test, with sampled negatives.

use serde::{Deserialize, Serialize};

/// How pairs are split and negatives are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The rule that puts pairs into parts.
    pub split: SplitRule,
    /// The share of proteins (or pairs, as the rule says) that the test part takes.
    pub test_fraction: f64,
    /// The share of proteins (or pairs) that the validation part takes.
    pub validation_fraction: f64,
    /// Sampled negatives per positive, where the input has none of its own.
    pub negative_ratio: f64,
    /// Whether a protein may be paired with itself in a sampled negative.
    pub self_negatives: bool,
    /// Seeds the split and the negatives.
    pub seed: u64,
}

/// The rule that puts pairs into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// Proteins are split; both proteins of a test pair are unseen in training and validation.
    Proteins,
    /// Pairs are split at random; their proteins are seen in training.
    Pairs,
    /// The user's own parts.
    Given,
}
