//! From logits to probabilities: the one place where it happens.

use serde::{Deserialize, Serialize};

/// What logits are divided by before they become probabilities (Guo et al. 2017,
/// arXiv:1706.04599). Above 1 probabilities move towards a half; their order stays.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

/// A number that logits cannot be divided by.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the temperature is `{0}`, expected a positive number")]
pub struct TemperatureError(f64);

impl Temperature {
    /// The temperature that leaves logits as they are.
    pub const ONE: Self = Self(1.0);

    /// The probability of a pair with this logit: `1 / (1 + exp(-logit / temperature))`.
    pub fn probability(self, logit: f64) -> f64 {
        1.0 / (1.0 + (-logit / self.0).exp())
    }

    /// The probability of each pair.
    pub fn probabilities(self, logits: &[f64]) -> Vec<f64> {
        logits.iter().map(|logit| self.probability(*logit)).collect()
    }
}

impl Default for Temperature {
    fn default() -> Self {
        Self::ONE
    }
}

impl TryFrom<f64> for Temperature {
    type Error = TemperatureError;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        match value.is_finite() && value > 0.0 {
            true => Ok(Self(value)),
            false => Err(TemperatureError(value)),
        }
    }
}

impl From<Temperature> for f64 {
    fn from(temperature: Temperature) -> Self {
        temperature.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_scales_the_logit_and_one_changes_no_bit() {
        let two = Temperature::try_from(2.0).unwrap();
        for logit in [-40.0, -3.0, -0.1, 0.0, 1e-9, 5.5, 800.0] {
            assert_eq!(two.probability(2.0 * logit), Temperature::ONE.probability(logit));
            assert_eq!(Temperature::ONE.probability(logit), 1.0 / (1.0 + (-logit).exp()));
        }
        assert_eq!(two.probabilities(&[0.0, f64::INFINITY]), [0.5, 1.0]);
    }

    #[test]
    fn what_logits_cannot_be_divided_by_is_refused() {
        for value in ["0.0", "-1.0", "1e999"] {
            assert!(serde_json::from_str::<Temperature>(value).is_err(), "{value}");
        }
        let message = Temperature::try_from(0.0).unwrap_err().to_string();
        assert_eq!(message, "the temperature is `0`, expected a positive number");
    }
}
