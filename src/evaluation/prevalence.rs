//! What scores are worth where interactions are rarer than in the test set.
//!
//! The rates of true and false positives do not depend on how many pairs interact; precision does.
//! With `k` negatives per positive it is `tpr / (tpr + k * fpr)`.

use super::ranking::Ranking;
use super::{AtPrevalence, Confusion};

/// Negatives per positive.
const RATIOS: [usize; 3] = [1, 10, 100];

/// Precision, average precision and MCC at each of the ratios 1:1, 1:10 and 1:100.
pub(super) fn at_prevalence(ranking: &Ranking, confusion: &Confusion) -> Vec<AtPrevalence> {
    let positives = confusion.positives() as f64;
    let negatives = confusion.total() as f64 - positives;
    let rates = (positives > 0.0 && negatives > 0.0).then(|| Rates {
        tpr: confusion.true_positives as f64 / positives,
        fpr: confusion.false_positives as f64 / negatives,
    });
    let row = |ratio: usize| {
        let k = ratio as f64;
        AtPrevalence {
            negatives_per_positive: ratio,
            precision: rates.as_ref().and_then(|rates| rates.precision(k)),
            average_precision: rates
                .as_ref()
                .and_then(|_| ranking.average_precision(k * positives / negatives)),
            mcc: rates.as_ref().and_then(|rates| rates.mcc(k)),
        }
    };
    RATIOS.map(row).to_vec()
}

/// Shares of positives and of negatives that are predicted to interact.
struct Rates {
    tpr: f64,
    fpr: f64,
}

impl Rates {
    fn precision(&self, k: f64) -> Option<f64> {
        let predicted = self.tpr + k * self.fpr;
        (predicted > 0.0).then(|| self.tpr / predicted)
    }

    /// The MCC of the counts that one positive and `k` negatives have in the mean.
    fn mcc(&self, k: f64) -> Option<f64> {
        let predicted = self.tpr + k * self.fpr;
        let variance = predicted * (1.0 + k - predicted) * k;
        (variance > 0.0).then(|| k * (self.tpr - self.fpr) / variance.sqrt())
    }
}
