//! The parts of a run that are estimated and measured one by one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Pulling the image and copying the channels (the platform), opening the encoder (we).
    StartUp,
    /// Reading pairs and sequences.
    Sequences,
    /// Loading the encoder, embedding what is not cached, reading the table.
    Embedding,
    /// Splitting the pairs and drawing negatives.
    Negatives,
    /// All epochs with their validation and checkpoints.
    Training,
    /// Scoring the test part and writing the model.
    Evaluation,
}

impl Component {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 6] = [
        Self::StartUp,
        Self::Sequences,
        Self::Embedding,
        Self::Negatives,
        Self::Training,
        Self::Evaluation,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartUp => "start-up",
            Self::Sequences => "sequences",
            Self::Embedding => "embedding",
            Self::Negatives => "negatives",
            Self::Training => "training",
            Self::Evaluation => "evaluation",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Seconds by component; what is absent takes none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Seconds(BTreeMap<Component, f64>);

impl Seconds {
    /// The seconds of one component.
    pub fn of(&self, component: Component) -> f64 {
        self.0.get(&component).copied().unwrap_or_default()
    }

    /// Adds to the seconds of one component.
    pub fn add(&mut self, component: Component, seconds: f64) {
        *self.0.entry(component).or_default() += seconds;
    }

    /// The seconds of all components.
    pub fn total(&self) -> f64 {
        self.0.values().sum()
    }
}

/// A time as a person would say it.
pub fn spoken(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 99.5 => format!("{seconds:.1} s"),
        seconds if seconds < 99.5 * 60.0 => format!("{:.1} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_a_unit_that_says_something() {
        let times = [0.04, 99.4, 99.6, 3600.0, 90.0 * 60.0, 6.0 * 3600.0].map(spoken);
        assert_eq!(times, ["0.0 s", "99.4 s", "1.7 min", "60.0 min", "90.0 min", "6.0 h"]);
    }
}
