//! What depends on scores as probabilities: Brier score, log loss, expected calibration error.

/// How far from 0 and 1 the log loss keeps a score: the machine epsilon of `f64`, as scikit-learn
/// clips double-precision scores. One wrong and certain prediction costs at most 36.04.
pub const LOG_LOSS_CLIP: f64 = f64::EPSILON;

/// The number of bins of the expected calibration error.
pub const CALIBRATION_BINS: usize = 15;

/// The mean squared difference of score and label (Brier 1950).
pub(super) fn brier(scores: &[f64], labels: &[bool]) -> Option<f64> {
    mean(scores, labels, |score, label| (score - f64::from(u8::from(label))).powi(2))
}

/// The mean cross-entropy in nats.
pub(super) fn log_loss(scores: &[f64], labels: &[bool]) -> Option<f64> {
    mean(scores, labels, |score, label| {
        let score = score.clamp(LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP);
        if label { -score.ln() } else { -(1.0 - score).ln() }
    })
}

/// The weighted mean over bins of |mean score - share of positives|. Bins are open below and closed
/// above, as in Guo et al. 2017 (arXiv:1706.04599); a score of 0 belongs to the lowest.
pub(super) fn ece(scores: &[f64], labels: &[bool]) -> Option<f64> {
    // In each bin the sum of scores minus labels: its size cancels against the weight.
    let mut excess = [0.0; CALIBRATION_BINS];
    for (score, label) in scores.iter().zip(labels) {
        let bin = (score * CALIBRATION_BINS as f64).ceil() as usize;
        excess[bin.clamp(1, CALIBRATION_BINS) - 1] += score - f64::from(u8::from(*label));
    }
    let sum: f64 = excess.iter().map(|excess| excess.abs()).sum();
    (!scores.is_empty()).then(|| sum / scores.len() as f64)
}

fn mean(scores: &[f64], labels: &[bool], term: impl Fn(f64, bool) -> f64) -> Option<f64> {
    let sum: f64 = scores.iter().zip(labels).map(|(score, label)| term(*score, *label)).sum();
    (!scores.is_empty()).then(|| sum / scores.len() as f64)
}
