//! Quantiles with linear interpolation, as `NumPy` computes them by default.

use super::Quantiles;

/// The quantile `share` of values sorted upwards; absent of none.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let fraction = place - below as f64;
    Some(sorted[below] + fraction * (sorted[above] - sorted[below]))
}

impl Quantiles {
    /// The distribution of `values`; absent of none.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let at = |share| quantile(&values, share);
        Some(Self {
            minimum: at(0.0)?,
            lower_quartile: at(0.25)?,
            median: at(0.5)?,
            upper_quartile: at(0.75)?,
            maximum: at(1.0)?,
        })
    }
}
