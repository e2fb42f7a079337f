//! What an evaluation says, as data: metrics of each test set with the baselines beside them, and
//! the leakage card. Numbers that the data leave undefined are absent from the JSON form.

use serde::{Deserialize, Serialize};

use super::{Baseline, Metrics, Warning};
use crate::dataset::{Counts, Lost, NegativeSource, Overlap, Parts, SplitRule, TestClass};

/// Everything that was measured on test pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// How probabilities were calibrated on the validation part.
    pub calibration: Calibration,
    /// The test pairs, by class where the split tells classes apart.
    pub sets: Vec<TestSet>,
    /// Where the pairs come from, and what that means for the numbers.
    pub card: LeakageCard,
    /// What the reader must know before using a number; empty if nothing is wrong.
    pub warnings: Vec<Warning>,
}

/// Temperature scaling (Guo et al. 2017, arXiv:1706.04599): a probability is
/// `sigmoid(logit / temperature)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Above 1 the classifier was too certain, below 1 not certain enough; 1 changes nothing.
    pub temperature: f64,
    /// The validation pairs that it was fitted on.
    pub pairs: usize,
    /// Their log loss at temperature 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss_before: Option<f64>,
    /// Their log loss at `temperature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss_after: Option<f64>,
}

/// Which pairs a test set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestPairs {
    /// The test part, of pairs of several classes.
    Test,
    /// Those of one class.
    #[serde(untagged)]
    Class(TestClass),
}

/// One set of test pairs, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestSet {
    /// Which pairs these are.
    pub class: TestPairs,
    /// Distinct proteins in them.
    pub proteins: usize,
    /// Metrics of the calibrated probabilities, at the threshold chosen on validation.
    pub metrics: Metrics,
    /// What rules that know nothing about interactions reach on the same pairs.
    pub baselines: Vec<BaselineResult>,
    /// The model against the best of them that it could have learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// Precision at other shares of interacting pairs, rarest last.
    pub at_prevalence: Vec<AtPrevalence>,
    /// The receiver operating characteristic from (0, 0) to (1, 1), thinned for drawing.
    pub roc: Vec<RocPoint>,
    /// Precision over recall, recall rising, thinned for drawing.
    pub precision_recall: Vec<PrecisionRecallPoint>,
    /// Calibration by [`CALIBRATION_BINS`](super::CALIBRATION_BINS) equal-width bins of the score,
    /// lowest first.
    pub reliability: Vec<ReliabilityBin>,
    /// Ranking within the pairs of each protein.
    pub per_protein: PerProtein,
    /// Metrics by similarity to the training proteins, least similar first.
    pub by_similarity: Vec<SimilarityBin>,
    /// How often the proteins occur in positive training pairs.
    pub degrees: Degrees,
}

/// What a rule reaches on a test set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineResult {
    /// The rule.
    pub baseline: Baseline,
    /// Its AUROC. Of a rule that is not fitted the better direction counts, so that it is at least
    /// 0.5. Absent where a class is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// Its average precision, in the same direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<f64>,
    /// Whether a high value of the rule speaks for an interaction.
    pub direction: Direction,
    /// Whether a classifier of unordered pairs could learn it. The order of the rows of a file
    /// is reported and is out of its reach.
    pub within_reach: bool,
}

/// What the value of a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// High values speak for an interaction.
    High,
    /// Low values do.
    Low,
}

/// AUROC of the model minus that of the best baseline within reach, on the same pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lead {
    /// The best baseline.
    pub baseline: Baseline,
    /// The difference.
    pub auroc: f64,
    /// The 2.5th percentile of the difference over resamples of the proteins; absent where
    /// hardly any resample has both classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The 97.5th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// How many resamples had both classes.
    pub resamples: usize,
}

/// What the scores would be worth where so many pairs interact; rates are those of the test set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtPrevalence {
    /// Non-interacting pairs per interacting one.
    pub negatives_per_positive: usize,
    /// The share of true ones among pairs predicted to interact, at the threshold of the metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Average precision; that of random scores is `1 / (1 + negatives_per_positive)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<f64>,
    /// Matthews correlation coefficient at the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcc: Option<f64>,
}

/// A point of the receiver operating characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RocPoint {
    /// The share of negatives scored at least so high.
    pub false_positive_rate: f64,
    /// The share of positives scored at least so high.
    pub true_positive_rate: f64,
}

/// A point of the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionRecallPoint {
    /// The share of positives scored at least so high.
    pub recall: f64,
    /// The share of positives among the pairs scored at least so high.
    pub precision: f64,
}

/// The pairs with scores in one interval, open below and closed above.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// The lower end; the lowest bin also holds 0.
    pub above: f64,
    /// The upper end.
    pub up_to: f64,
    /// How many pairs there are.
    pub pairs: usize,
    /// Their mean score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_score: Option<f64>,
    /// The share of them that interact; equal to the mean score in a calibrated model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positives: Option<f64>,
}

/// How well the partners of one protein are ranked, which pooling over proteins can hide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerProtein {
    /// The median over proteins of the AUROC among the pairs of a protein.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_auroc: Option<f64>,
    /// The proteins that it rests on: those with enough pairs of each class.
    pub proteins: usize,
    /// The pairs of each class that were enough.
    pub at_least: usize,
}

/// The pairs whose more similar protein is so similar to its nearest training protein.
///
/// Similarity is the share of 5-mers in common, counted on the sequence that has fewer: 1 for the
/// same sequence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimilarityBin {
    /// The lower end, which belongs to the bin.
    pub from: f64,
    /// The upper end, which belongs to the next bin, or to the last.
    pub below: f64,
    /// How many pairs there are.
    pub pairs: usize,
    /// How many of them interact.
    pub positives: usize,
    /// The model's AUROC among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// The model's average precision among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<f64>,
}

/// Positive training degrees of the proteins of test pairs, each pair counting both proteins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Degrees {
    /// In pairs that interact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positives: Option<Quantiles>,
    /// In pairs that do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negatives: Option<Quantiles>,
}

/// A distribution in five numbers, interpolated linearly between values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// The smallest value.
    pub minimum: f64,
    /// A quarter of the values is at most so large.
    pub lower_quartile: f64,
    /// Half of them.
    pub median: f64,
    /// Three quarters.
    pub upper_quartile: f64,
    /// The largest value.
    pub maximum: f64,
}

/// Where the pairs come from, and what that means for the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakageCard {
    /// The rule that put pairs into parts.
    pub split: SplitRule,
    /// What each part holds.
    pub parts: Parts<PartOrigin>,
    /// Pairs that the split could not use.
    pub lost: Lost,
    /// What each two parts share.
    pub overlaps: Vec<Overlap>,
    /// How the rows of the input name their proteins.
    pub rows: RowOrderShares,
    /// The card in plain words, a sentence each, most important first.
    pub statements: Vec<String>,
}

/// What a part holds and where its negatives come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartOrigin {
    /// Where the negatives come from.
    pub negatives: NegativeSource,
    /// How much there is, with the proteins that occur with one label only.
    pub counts: Counts,
}

/// Rows of the input that name the smaller accession first, among the test pairs. Half of them is
/// what no order gives; files of interactions are often sorted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowOrderShares {
    /// Their share among pairs that interact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positives: Option<f64>,
    /// Their share among pairs that do not; half where these were sampled, and had no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negatives: Option<f64>,
}
