//! Temperature scaling: the one parameter that makes validation probabilities most likely.

use super::{Calibration, calibration};
use crate::classifier::Temperature;

/// The temperatures that are considered. Beyond them lie validation parts that are ranked without
/// a fault, or not at all, of which no temperature is the best.
const RANGE: [f64; 2] = [0.05, 20.0];

/// Halvings of the range: as many as a double can tell apart.
const HALVINGS: usize = 60;

/// The temperature of the smallest log loss on validation pairs, and what it changes.
///
/// The log loss is convex in the inverse temperature `b`; its derivative, the sum of `logit *
/// (sigmoid(b * logit) - label)`, is halved down to where it changes its sign. Where a class is
/// missing or a logit is not finite, the temperature is 1.
pub fn calibrate(logits: &[f64], labels: &[bool]) -> (Temperature, Calibration) {
    let usable = labels.contains(&true)
        && labels.contains(&false)
        && logits.iter().all(|logit| logit.is_finite());
    let fitted = usable.then(|| fit(logits, labels));
    // A number of the range is a temperature.
    let temperature = fitted.and_then(|t| Temperature::try_from(t).ok()).unwrap_or_default();
    let log_loss = |temperature: Temperature| {
        calibration::log_loss(&temperature.probabilities(logits), labels)
    };
    let calibration = Calibration {
        temperature: temperature.into(),
        pairs: labels.len(),
        log_loss_before: log_loss(Temperature::ONE),
        log_loss_after: log_loss(temperature),
    };
    (temperature, calibration)
}

fn fit(logits: &[f64], labels: &[bool]) -> f64 {
    let slope = |inverse: f64| -> f64 {
        let term = |(logit, label): (&f64, &bool)| {
            let probability = Temperature::ONE.probability(inverse * logit);
            logit * (probability - f64::from(u8::from(*label)))
        };
        logits.iter().zip(labels).map(term).sum()
    };
    let [mut low, mut high] = [1.0 / RANGE[1], 1.0 / RANGE[0]];
    if slope(low) >= 0.0 {
        return RANGE[1];
    }
    if slope(high) <= 0.0 {
        return RANGE[0];
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        match slope(middle) < 0.0 {
            true => low = middle,
            false => high = middle,
        }
    }
    1.0 / f64::midpoint(low, high)
}
