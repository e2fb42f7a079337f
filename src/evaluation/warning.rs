//! What the reader of an evaluation must know before using a number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A lead over the best baseline below this is a warning.
pub const SMALL_LEAD: f64 = 0.05;

/// A warning, for programs by kind and for people in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// What is wrong.
    pub kind: WarningKind,
    /// The same in words, with the numbers.
    pub text: String,
}

/// An evaluation with warnings, where `strict` allows none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`strict` allows no warning, and the evaluation has: {}; the model was written all the same: run \
     again with `strict=false` to accept it, which trains nothing again",
    warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
)]
pub struct Doubtful {
    /// The warnings, at least one.
    pub warnings: Vec<Warning>,
}

/// What can be wrong with an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The model leads the best baseline by less than [`SMALL_LEAD`].
    SmallLead,
    /// The result is better than is known to be possible, or than the user holds possible.
    TooGood,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}
