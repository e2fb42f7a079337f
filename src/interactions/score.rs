//! How sure a source is of an interaction, on one scale for all sources.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A confidence from 0 to 1, kept in millionths: what is written alike compares as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(u32);

/// What a row's score is worth, the worst first: of several rows for a pair the best counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rating {
    /// There is no score where one is needed.
    Missing,
    /// A lower score than needed.
    TooLow(Score),
    /// As high as needed, or none is needed.
    Enough,
}

/// A number that is no confidence.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("score `{0}` is not from 0 to 1")]
pub struct ScoreError(f64);

impl Score {
    /// No confidence at all, which every score reaches.
    pub const NONE: Self = Self(0);
    /// What STRING calls high confidence (<https://string-db.org/help/getting_started/>).
    pub(super) const STRING_HIGH: Self = Self(700_000);

    /// A score of STRING, an integer from 0 to 1000.
    pub(super) fn per_mille(text: &str) -> Option<Self> {
        let score = text.parse::<u32>().ok().filter(|score| *score <= 1000)?;
        Some(Self(score * 1000))
    }
}

impl Rating {
    /// The rating of a row that needs a score of `least`, if any.
    pub(super) fn of(score: Option<Score>, least: Option<Score>) -> Self {
        match (score, least) {
            (None, Some(_)) => Self::Missing,
            (Some(score), Some(least)) if score < least => Self::TooLow(score),
            _ => Self::Enough,
        }
    }
}

impl TryFrom<f64> for Score {
    type Error = ScoreError;

    fn try_from(score: f64) -> Result<Self, ScoreError> {
        match (0.0..=1.0).contains(&score) {
            true => Ok(Self((score * 1e6).round() as u32)),
            false => Err(ScoreError(score)),
        }
    }
}

impl From<Score> for f64 {
    fn from(Score(millionths): Score) -> Self {
        Self::from(millionths) / 1e6
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f64::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_scales_meet() {
        for (text, share) in
            [("0", 0.0), ("1", 0.001), ("569", 0.569), ("570", 0.57), ("1000", 1.0)]
        {
            let score = Score::per_mille(text).unwrap();
            assert_eq!(score, Score::try_from(share).unwrap());
            assert_eq!(score.to_string(), share.to_string());
        }
        assert!(Score::per_mille("699").unwrap() < Score::STRING_HIGH);
        for text in ["1001", "-1", "0.7", ""] {
            assert_eq!(Score::per_mille(text), None, "{text}");
        }
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert!(Score::try_from(wrong).is_err(), "{wrong}");
        }
    }
}
