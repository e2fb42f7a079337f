//! Interactions: pairs of proteins from HINT and from plain tables, every input row accounted for.

use serde::{Deserialize, Serialize};

/// How interaction files are read and filtered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Pairs reported by fewer distinct publications are filtered out (HINT only).
    pub min_publications: usize,
    /// Which kind of experiment a pair needs at least one of (HINT only).
    pub evidence: Evidence,
    /// What becomes of proteins paired with themselves.
    pub self_pairs: SelfPairs,
    /// The name of the label column, where it is none of the known ones.
    pub label_column: Option<String>,
    /// At most so many proteins: a connected random subset.
    pub max_proteins: Option<usize>,
    /// At most so many pairs: a connected random subset.
    pub max_pairs: Option<usize>,
    /// The largest share of rows that may be malformed, conflicting or without sequence.
    pub max_dropped_fraction: f64,
    /// Seeds the random subset.
    pub seed: u64,
}

/// The experiments that count, by HINT's quality code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Any experiment.
    Any,
    /// At least one high-throughput experiment (`HT`).
    HighThroughput,
    /// At least one literature-curated, low-throughput experiment (`LC`).
    Literature,
}

/// What becomes of proteins paired with themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfPairs {
    /// Counted and left out.
    Exclude,
    /// Used like any other pair.
    Include,
}
