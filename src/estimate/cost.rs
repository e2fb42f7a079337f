//! Money from time.

use serde::Serialize;

/// What managed spot training saves, by what public runs printed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SpotSavings {
    /// The smallest saving seen, as a share of the price on demand.
    pub least: f64,
    /// The median.
    pub median: f64,
    /// The largest.
    pub most: f64,
    /// Where they come from.
    pub source: &'static str,
}

/// There is no price list for spot training: the saving shows only after a job, as its billable
/// seconds.
pub const SPOT_SAVINGS: SpotSavings = SpotSavings {
    least: 0.606,
    median: 0.6855,
    most: 0.794,
    source: "14 savings printed by public SageMaker runs, mostly 2019 to 2022: a small, self-selected \
             sample; lost work after interruptions not counted",
};

/// What a time costs, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// At the price on demand.
    pub on_demand: f64,
    /// On spot with the largest saving seen,
    pub spot_low: f64,
    /// with the median,
    pub spot_median: f64,
    /// and with the smallest.
    pub spot_high: f64,
}

impl Cost {
    /// The cost of `seconds` at a price per hour on demand.
    pub fn of(seconds: f64, usd_per_hour: f64) -> Self {
        let on_demand = seconds / 3600.0 * usd_per_hour;
        let after = |saving: f64| on_demand * (1.0 - saving);
        Self {
            on_demand,
            spot_low: after(SPOT_SAVINGS.most),
            spot_median: after(SPOT_SAVINGS.median),
            spot_high: after(SPOT_SAVINGS.least),
        }
    }
}
