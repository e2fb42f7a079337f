//! How pairs are split and negatives are drawn.

use serde::{Deserialize, Serialize};

use super::Error;

/// How pairs are split and negatives are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The rule that puts pairs into parts.
    pub split: SplitRule,
    /// The containment of 5-mers from which on proteins are in one cluster.
    pub cluster_similarity: f64,
    /// The share of proteins (or pairs, as the rule says) that the test part takes.
    pub test_fraction: f64,
    /// The share of proteins (or pairs) that the validation part takes.
    pub validation_fraction: f64,
    /// The rule that draws negatives, where the input has none of its own.
    pub negatives: NegativeRule,
    /// Drawn negatives per positive.
    pub negative_ratio: f64,
    /// Whether a protein may be paired with itself in a drawn negative.
    pub self_negatives: bool,
    /// Seeds the split and the negatives.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            split: SplitRule::Clusters,
            cluster_similarity: 0.15,
            test_fraction: 0.2,
            validation_fraction: 0.1,
            negatives: NegativeRule::DegreeMatched,
            negative_ratio: 1.0,
            self_negatives: false,
            seed: 42,
        }
    }
}

/// How similar proteins are found, where the user has no table of clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// What finds them.
    pub by: ClusterMethod,
    /// The sequence identity from which on `MMseqs2` takes two proteins for similar.
    pub min_seq_id: f64,
    /// The share of both proteins that its alignment must cover.
    pub coverage: f64,
}

/// What finds similar proteins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterMethod {
    /// Shared 5-mers, see [`Clusters::by_similarity`](super::Clusters::by_similarity).
    Kmers,
    /// `MMseqs2`, see [`mmseqs_clusters`](super::mmseqs_clusters).
    Mmseqs,
}

/// The rule that puts pairs into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// Clusters of similar proteins are split; training and validation have seen neither a protein
    /// of a test pair nor one that resembles it.
    Clusters,
    /// Proteins are split; both proteins of a test pair are unseen in training and validation.
    Proteins,
    /// Pairs are split at random; their proteins are seen in training.
    Pairs,
    /// The user's own parts.
    Given,
}

/// The rule that draws negatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeRule {
    /// Every protein as often as in the positives, so that its number of partners says nothing.
    DegreeMatched,
    /// Uniform over the pairs of the positives' proteins, where pairs are split of all proteins, and
    /// where a class has proteins that training has seen, of all of these.
    Uniform,
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { cluster_similarity, test_fraction, validation_fraction, .. } = *self;
        let check = |name, value, valid, expected| {
            if valid { Ok(()) } else { Err(Error::Setting { name, value, expected }) }
        };
        let valid = cluster_similarity > 0.0 && cluster_similarity <= 1.0;
        check("cluster_similarity", cluster_similarity, valid, "a number above 0 and at most 1")?;
        let share = "a number from 0 to below 1";
        check("test_fraction", test_fraction, (0.0..1.0).contains(&test_fraction), share)?;
        let valid = (0.0..1.0).contains(&validation_fraction);
        check("validation_fraction", validation_fraction, valid, share)?;
        let sum = test_fraction + validation_fraction;
        check("test_fraction + validation_fraction", sum, sum < 1.0, "less than 1")?;
        let valid = self.negative_ratio.is_finite() && self.negative_ratio > 0.0;
        check("negative_ratio", self.negative_ratio, valid, "a number above 0")
    }
}
