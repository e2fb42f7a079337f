//! What depends on scores as probabilities: Brier score, log loss, expected calibration error and
//! the table behind it.

use super::ReliabilityBin;

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

/// The weighted mean over bins of |mean score - share of positives|.
pub(super) fn ece(scores: &[f64], labels: &[bool]) -> Option<f64> {
    // The size of a bin cancels against its weight.
    let excess = |bin: &Bin| (bin.scores - bin.positives as f64).abs();
    let sum: f64 = bins(scores, labels).iter().map(excess).sum();
    (!scores.is_empty()).then(|| sum / scores.len() as f64)
}

/// The table behind the expected calibration error, lowest scores first.
pub(super) fn reliability(scores: &[f64], labels: &[bool]) -> Vec<ReliabilityBin> {
    let edge = |bin: usize| bin as f64 / CALIBRATION_BINS as f64;
    let row = |(at, bin): (usize, &Bin)| {
        let mean = |sum: f64| (bin.pairs > 0).then(|| sum / bin.pairs as f64);
        ReliabilityBin {
            above: edge(at),
            up_to: edge(at + 1),
            pairs: bin.pairs,
            mean_score: mean(bin.scores),
            positives: mean(bin.positives as f64),
        }
    };
    bins(scores, labels).iter().enumerate().map(row).collect()
}

#[derive(Clone, Copy, Default)]
struct Bin {
    pairs: usize,
    positives: usize,
    /// The sum of the scores.
    scores: f64,
}

/// Bins are open below and closed above, as in Guo et al. 2017 (arXiv:1706.04599); a score of 0
/// belongs to the lowest.
fn bins(scores: &[f64], labels: &[bool]) -> [Bin; CALIBRATION_BINS] {
    let mut bins = [Bin::default(); CALIBRATION_BINS];
    for (score, label) in scores.iter().zip(labels) {
        let number = (score * CALIBRATION_BINS as f64).ceil() as usize;
        let bin = &mut bins[number.clamp(1, CALIBRATION_BINS) - 1];
        bin.pairs += 1;
        bin.positives += usize::from(*label);
        bin.scores += score;
    }
    bins
}

fn mean(scores: &[f64], labels: &[bool], term: impl Fn(f64, bool) -> f64) -> Option<f64> {
    let sum: f64 = scores.iter().zip(labels).map(|(score, label)| term(*score, *label)).sum();
    (!scores.is_empty()).then(|| sum / scores.len() as f64)
}
