//! What depends on a threshold: the confusion counts, their metrics and the choice of the threshold.

use serde::{Deserialize, Serialize};

use super::ranking::Ranking;

/// Predictions by what they say and what is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// Interacting pairs predicted to interact.
    pub true_positives: usize,
    /// Other pairs predicted to interact.
    pub false_positives: usize,
    /// Other pairs predicted not to interact.
    pub true_negatives: usize,
    /// Interacting pairs predicted not to interact.
    pub false_negatives: usize,
}

/// The threshold of highest [`Confusion::mcc`], halfway between two neighbouring scores; of equally
/// good ones the one nearest to 0.5, then the higher.
///
/// `None` where no threshold has one: a single class, a single score, or scores that
/// [`metrics`](super::metrics) refuses.
pub fn best_threshold(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let probabilities = scores.iter().all(|score| (0.0..=1.0).contains(score));
    if scores.len() != labels.len() || !probabilities {
        return None;
    }
    let ranking = Ranking::new(scores, labels);
    let positives = labels.iter().filter(|label| **label).count();
    let mut confusion = Confusion {
        false_negatives: positives,
        true_negatives: labels.len() - positives,
        ..Confusion::default()
    };
    let mut best: Option<(f64, f64)> = None;
    for neighbours in ranking.groups().windows(2) {
        let (above, below) = (&neighbours[0], &neighbours[1]);
        confusion.true_positives += above.positives;
        confusion.false_negatives -= above.positives;
        confusion.false_positives += above.negatives;
        confusion.true_negatives -= above.negatives;
        let middle = f64::midpoint(above.score, below.score);
        // Between adjacent floating-point numbers there is no middle.
        let threshold = if middle > below.score { middle } else { above.score };
        let Some(mcc) = confusion.mcc() else { continue };
        let better = best.is_none_or(|(best_mcc, best_threshold)| {
            let distance = |threshold: f64| (threshold - 0.5).abs();
            let nearer = distance(best_threshold).total_cmp(&distance(threshold));
            mcc.total_cmp(&best_mcc).then(nearer).is_gt()
        });
        if better {
            best = Some((mcc, threshold));
        }
    }
    best.map(|(_, threshold)| threshold)
}

impl Confusion {
    /// The counts where scores of at least `threshold` predict an interaction.
    pub(super) fn at(scores: &[f64], labels: &[bool], threshold: f64) -> Self {
        let mut confusion = Self::default();
        for (score, label) in scores.iter().zip(labels) {
            *match (*score >= threshold, *label) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_positives,
                (false, false) => &mut confusion.true_negatives,
                (false, true) => &mut confusion.false_negatives,
            } += 1;
        }
        confusion
    }

    /// The interacting pairs.
    pub fn positives(&self) -> usize {
        self.true_positives + self.false_negatives
    }

    /// The pairs predicted to interact.
    pub fn predicted(&self) -> usize {
        self.true_positives + self.false_positives
    }

    /// All pairs.
    pub fn total(&self) -> usize {
        self.positives() + self.false_positives + self.true_negatives
    }

    /// The correlation of labels and predictions (Matthews 1975).
    pub fn mcc(&self) -> Option<f64> {
        let Self { true_positives: tp, false_positives: fp, .. } = *self;
        let Self { true_negatives: tn, false_negatives: fn_, .. } = *self;
        let margins = [tp + fp, tp + fn_, tn + fp, tn + fn_];
        let covariance = tp as f64 * tn as f64 - fp as f64 * fn_ as f64;
        let variance: f64 = margins.iter().map(|margin| *margin as f64).product();
        (variance > 0.0).then(|| covariance / variance.sqrt())
    }

    /// The share of positives among the predicted.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.predicted())
    }

    /// The share of predicted among the positives.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_positives, self.positives())
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.true_positives, self.predicted() + self.positives())
    }

    /// The share of right predictions.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.true_positives + self.true_negatives, self.total())
    }
}

/// A share of a count that may be zero.
pub(super) fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
