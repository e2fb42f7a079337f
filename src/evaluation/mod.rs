//! Evaluation: how good scores are against labels, and how good they would be without having
//! learned anything about interactions. Undefined metrics are absent, never invented.
//!
//! Definitions follow scikit-learn, whose results they reproduce; the expected calibration error
//! states its own.

mod baselines;
mod benchmark;
mod bootstrap;
mod calibration;
mod card;
mod confusion;
mod curves;
mod guard;
mod prevalence;
mod quantiles;
mod ranking;
mod score_file;
mod seeds;
mod strata;
mod table;
mod temperature;
mod test_set;
#[cfg(test)]
mod tests;
mod warning;
mod words;

use serde::{Deserialize, Serialize};

pub use baselines::{Baseline, RELATED_FROM, Rows};
pub use calibration::{CALIBRATION_BINS, LOG_LOSS_CLIP};
pub use card::{
    AtPrevalence, BaselineResult, Calibration, Degrees, Direction, Evaluation, Lead, LeakageCard,
    PartOrigin, PerProtein, PrecisionRecallPoint, Quantiles, ReliabilityBin, RocPoint,
    RowOrderShares, SimilarityBin, TestPairs, TestSet,
};
pub use confusion::{Confusion, best_threshold};
pub use score_file::{ScoreColumns, ScoreFileError, read_scores};
pub use seeds::{Headline, OfSet, SeedResult, Seeds, Spread};
pub use temperature::calibrate;
pub use test_set::{Background, Evaluator};
pub use warning::{Doubtful, SMALL_LEAD, Warning, WarningKind};

/// What is expected of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether a run whose evaluation has warnings fails.
    pub strict: bool,
    /// An AUROC above it is too good to be believed; none is above 1.
    pub expected_ceiling: f64,
}

/// How good scores are against labels. A metric that the data leave undefined is `None`, and absent
/// from the JSON form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// The number of pairs.
    pub n: usize,
    /// How many of them interact.
    pub positives: usize,
    /// The share of positives; what the average precision of random scores is near to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prevalence: Option<f64>,
    /// Area under the receiver operating characteristic: the share of positive-negative couples in
    /// which the positive scores higher, ties counted half. Needs both classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// Average precision in its step form: over the distinct scores from high to low, precision
    /// weighted by the gain in recall. Needs a positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<f64>,
    /// Pairs scored at least so high are predicted to interact.
    pub threshold: f64,
    /// Matthews correlation coefficient at the threshold. Needs both classes in the labels and in
    /// the predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcc: Option<f64>,
    /// The harmonic mean of precision and recall. Needs a positive label or prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// The share of positives among the predicted. Needs a positive prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// The share of predicted among the positives. Needs a positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// The share of right predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// The mean squared difference of score and label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// The mean negative natural logarithm of the probability given to the label, with scores
    /// clipped to [`LOG_LOSS_CLIP`] from 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<f64>,
    /// Expected calibration error: [`CALIBRATION_BINS`] equal-width bins of the positive-class
    /// score, the mean distance of mean score and share of positives, weighted by pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
    /// The four counts at the threshold.
    pub confusion: Confusion,
}

/// Scores that no metric can be computed of.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Not one score for each label.
    #[error("{scores} scores for {labels} labels: every pair needs one of each")]
    Lengths {
        /// The number of scores.
        scores: usize,
        /// The number of labels.
        labels: usize,
    },
    /// A score that is no probability.
    #[error("the score of pair {number} is `{score}`, expected a probability from 0 to 1")]
    Score {
        /// The position of the pair, counted from 1.
        number: usize,
        /// Its score.
        score: f64,
    },
    /// A threshold that is no number.
    #[error("the threshold is `{0}`, expected a finite number")]
    Threshold(f64),
}

/// All metrics of `scores`, the predicted probabilities of interaction, against `labels`. Pairs
/// with a score of at least `threshold` are predicted to interact.
pub fn metrics(scores: &[f64], labels: &[bool], threshold: f64) -> Result<Metrics, Error> {
    if scores.len() != labels.len() {
        return Err(Error::Lengths { scores: scores.len(), labels: labels.len() });
    }
    if let Some(at) = scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
        return Err(Error::Score { number: at + 1, score: scores[at] });
    }
    if !threshold.is_finite() {
        return Err(Error::Threshold(threshold));
    }
    let n = labels.len();
    let ranking = ranking::Ranking::new(scores, labels);
    let confusion = Confusion::at(scores, labels, threshold);
    let positives = confusion.positives();
    Ok(Metrics {
        n,
        positives,
        prevalence: confusion::ratio(positives, n),
        auroc: ranking.auroc(),
        average_precision: ranking.average_precision(1.0),
        threshold,
        mcc: confusion.mcc(),
        f1: confusion.f1(),
        precision: confusion.precision(),
        recall: confusion.recall(),
        accuracy: confusion.accuracy(),
        brier: calibration::brier(scores, labels),
        log_loss: calibration::log_loss(scores, labels),
        ece: calibration::ece(scores, labels),
        confusion,
    })
}
