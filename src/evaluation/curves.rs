//! The curves behind AUROC and average precision, thinned for drawing.

use std::iter;

use super::ranking::Ranking;
use super::{PrecisionRecallPoint, RocPoint};

/// The points that a drawn curve has at most, give or take one: more cannot be told apart.
const CURVE_POINTS: usize = 200;

impl Ranking {
    /// The receiver operating characteristic, from (0, 0) to (1, 1); empty unless both classes are
    /// there. Of points nearer to each other than the eye can tell, one stays.
    pub(super) fn roc(&self) -> Vec<RocPoint> {
        let [positives, negatives] = self.classes();
        let rates = |(hits, misses): (usize, usize)| RocPoint {
            false_positive_rate: misses as f64 / negatives as f64,
            true_positive_rate: hits as f64 / positives as f64,
        };
        // The curve is 2 long, measured along the axes.
        let near = |one: &RocPoint, other: &RocPoint| {
            let along = |rate: fn(&RocPoint) -> f64| rate(other) - rate(one);
            along(|p| p.false_positive_rate) + along(|p| p.true_positive_rate)
                < 2.0 / CURVE_POINTS as f64
        };
        match positives.min(negatives) {
            0 => Vec::new(),
            _ => thinned(iter::once((0, 0)).chain(self.cuts()).map(rates), near),
        }
    }

    /// Precision over recall, recall rising up to 1; empty without a positive. Of points of nearly
    /// the same recall one stays.
    pub(super) fn precision_recall(&self) -> Vec<PrecisionRecallPoint> {
        let [positives, _] = self.classes();
        let point = |(hits, misses): (usize, usize)| PrecisionRecallPoint {
            recall: hits as f64 / positives as f64,
            precision: hits as f64 / (hits + misses) as f64,
        };
        let near = |one: &PrecisionRecallPoint, other: &PrecisionRecallPoint| {
            other.recall - one.recall < 1.0 / CURVE_POINTS as f64
        };
        // Beyond full recall precision only falls.
        let complete = self.cuts().position(|(hits, _)| hits == positives);
        let points = complete.filter(|_| positives > 0).map_or(0, |last| last + 1);
        thinned(self.cuts().take(points).map(point), near)
    }

    /// The positives and negatives scored at least as high as each group.
    fn cuts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.groups().iter().scan((0, 0), |(hits, misses), group| {
            *hits += group.positives;
            *misses += group.negatives;
            Some((*hits, *misses))
        })
    }
}

/// The points without those that are `near` the one kept before; the first and the last stay.
fn thinned<T: Copy>(points: impl Iterator<Item = T>, near: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    let mut left_out = None;
    for point in points {
        left_out = match kept.last() {
            Some(last) if near(last, &point) => Some(point),
            _ => {
                kept.push(point);
                None
            }
        };
    }
    kept.extend(left_out);
    kept
}
