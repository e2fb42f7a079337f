//! Axes: what they span and where their ticks are.

use crate::report::text;

/// About so many ticks are wanted on an axis.
const TICKS: f64 = 5.0;

/// One axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Axis {
    /// What it measures, with the unit.
    pub(in crate::report) label: String,
    /// What it spans.
    pub(in crate::report) scale: Scale,
}

/// What an axis spans.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) enum Scale {
    /// All numbers from `low` to `high`, with a tick every `step`.
    Linear {
        /// The first value.
        low: f64,
        /// The last value.
        high: f64,
        /// The distance of ticks.
        step: f64,
    },
    /// Names at equal distances.
    Names(Vec<String>),
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Where it is.
    pub(super) value: f64,
    /// What is written beside it.
    pub(super) label: String,
}

impl Axis {
    /// An axis from `low` to `high`.
    pub(in crate::report) fn linear(label: &str, low: f64, high: f64) -> Self {
        let step = round_step(high - low);
        Self { label: label.to_owned(), scale: Scale::Linear { low, high, step } }
    }

    /// An axis of whole numbers from `low` to `high`.
    pub(in crate::report) fn whole(label: &str, low: usize, high: usize) -> Self {
        let (low, high) = (low as f64, high.max(low + 1) as f64);
        let step = round_step(high - low).max(1.0);
        Self { label: label.to_owned(), scale: Scale::Linear { low, high, step } }
    }

    /// An axis of counts from 0 to at least `highest`.
    pub(in crate::report) fn counts(label: &str, highest: usize) -> Self {
        let step = round_step(highest as f64).max(1.0);
        let high = (highest as f64 / step).ceil().max(1.0) * step;
        Self { label: label.to_owned(), scale: Scale::Linear { low: 0.0, high, step } }
    }

    /// An axis around `values`, whose ends are ticks.
    pub(in crate::report) fn around(label: &str, values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        let (low, high) = match high - low {
            width if width > 0.0 => (low, high),
            // A single value, or none.
            _ if low.is_finite() => (low - 0.5, low + 0.5),
            _ => (0.0, 1.0),
        };
        let step = round_step(high - low);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { label: label.to_owned(), scale: Scale::Linear { low, high, step } }
    }

    /// An axis of names.
    pub(in crate::report) fn names(label: &str, names: Vec<String>) -> Self {
        Self { label: label.to_owned(), scale: Scale::Names(names) }
    }

    /// Where `value` lies, from 0 at the beginning of the axis to 1 at its end.
    pub(super) fn share(&self, value: f64) -> f64 {
        match &self.scale {
            Scale::Linear { low, high, .. } => ((value - low) / (high - low)).clamp(0.0, 1.0),
            Scale::Names(names) => (value + 0.5) / names.len().max(1) as f64,
        }
    }

    /// The ticks in order.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        match &self.scale {
            Scale::Linear { low, high, step } => {
                // Rounding must not lose the last tick.
                let first = (low / step - 1e-9).ceil() as i64;
                let last = (high / step + 1e-9).floor() as i64;
                let tick = |number: i64| {
                    let value = number as f64 * step;
                    Tick { value, label: text::at_step(value, *step) }
                };
                (first..=last).map(tick).collect()
            }
            Scale::Names(names) => {
                let tick =
                    |(at, name): (usize, &String)| Tick { value: at as f64, label: name.clone() };
                names.iter().enumerate().map(tick).collect()
            }
        }
    }
}

/// The number 1, 2 or 5 times a power of ten that cuts `width` into about [`TICKS`] pieces.
fn round_step(width: f64) -> f64 {
    let rough = if width > 0.0 && width.is_finite() { width / TICKS } else { 1.0 / TICKS };
    let power = 10_f64.powf(rough.log10().floor());
    let factor = match rough / power {
        factor if factor < 1.5 => 1.0,
        factor if factor < 3.5 => 2.0,
        factor if factor < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}
