//! The audit: what became of every input row, for people and for later programs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::format::Format;
use super::score::Score;
use crate::digest::Digest;
use crate::protein::Accession;

/// What became of every row of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// All rows; blank lines and headers are none.
    pub rows: usize,
    /// The buckets in order of precedence; their rows sum up to `rows`.
    pub buckets: Vec<BucketCount>,
    /// Used rows that are interactions.
    pub used_positives: usize,
    /// Used rows that are known not to interact.
    pub used_negatives: usize,
    /// Pairs that carry both labels, each with all its rows in one bucket.
    pub conflicting_pairs: usize,
    /// Distinct proteins of all rows that are not malformed.
    pub proteins: usize,
    /// Those of them that have no sequence.
    pub proteins_without_sequence: usize,
    /// Those that stand for several of their chains (MITAB only).
    #[serde(skip_serializing_if = "is_zero", default)]
    pub proteins_of_several_chains: usize,
    /// The first [`Audit::MAX_LISTED`] proteins without sequence, in order of appearance.
    pub listed_without_sequence: Vec<Accession>,
    /// The files that were read, in order.
    pub files: Vec<FileAudit>,
}

/// A bucket: every row is in exactly one, the first that fits. Rows that are filtered by their taxon or
/// as derived from a complex are not compared with others before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Not a pair of two identifiers with, where there are labels, a label 0 or 1.
    Malformed,
    /// No physical interaction of two proteins (MITAB only): another molecule, a genetic interaction,
    /// proteins that need not touch, or that do not interact.
    OtherKind,
    /// A pair that other rows label differently.
    ConflictingLabel,
    /// A pair that an earlier row holds, in either order.
    Duplicate,
    /// A protein paired with itself, where these are excluded.
    SelfPair,
    /// Not enough or not the right evidence, too low a score, another taxon, derived from a complex, or
    /// outside the random subset.
    Filtered,
    /// At least one of the two proteins has no sequence.
    WithoutSequence,
    /// Part of the result.
    Used,
}

/// The rows in one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketCount {
    /// The bucket.
    pub bucket: Bucket,
    /// How many rows it holds.
    pub rows: usize,
    /// The first [`Audit::MAX_EXAMPLES`] of them.
    pub examples: Vec<Example>,
}

/// One row and why it is where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The name of the file, without folders.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The beginning of the row, or what was read from it.
    pub excerpt: String,
    /// Why it is in its bucket.
    pub reason: String,
}

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAudit {
    /// The name, without folders.
    pub name: String,
    /// The size in bytes, as stored.
    pub bytes: u64,
    /// The SHA-256 of its bytes, as stored.
    pub sha256: Digest,
    /// How its columns were recognised.
    pub format: Format,
    /// The lowest score that its pairs need, unless any will do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min_score: Option<Score>,
    /// Its rows.
    pub rows: usize,
}

impl Audit {
    /// How many examples each bucket keeps.
    pub const MAX_EXAMPLES: usize = 5;
    /// How many proteins without sequence are listed.
    pub const MAX_LISTED: usize = 1000;

    /// The rows in `bucket`.
    pub fn count(&self, bucket: Bucket) -> usize {
        self.buckets.iter().find(|count| count.bucket == bucket).map_or(0, |count| count.rows)
    }

    /// The rows that are malformed, conflicting or without sequence.
    pub fn dropped_rows(&self) -> usize {
        self.buckets.iter().filter(|count| count.bucket.is_dropped()).map(|count| count.rows).sum()
    }

    /// Their share of the rows about two proteins; 0 without such rows.
    pub fn dropped_fraction(&self) -> f64 {
        self.dropped_rows() as f64 / self.rows_of_proteins().max(1) as f64
    }

    /// The rows that are not of another kind: it is among them that rows can be lost.
    pub fn rows_of_proteins(&self) -> usize {
        self.rows.saturating_sub(self.count(Bucket::OtherKind))
    }
}

impl FileAudit {
    /// The format, and from which score on rows count.
    pub fn kind(&self) -> String {
        match self.min_score {
            Some(least) => format!("{}, from score {least} on", self.format),
            None => self.format.to_string(),
        }
    }
}

impl Bucket {
    /// All buckets in order of precedence, which is that of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::OtherKind,
        Self::ConflictingLabel,
        Self::Duplicate,
        Self::SelfPair,
        Self::Filtered,
        Self::WithoutSequence,
        Self::Used,
    ];

    /// Whether its rows are lost against the user's will, which `max_dropped_fraction` limits.
    pub fn is_dropped(self) -> bool {
        matches!(self, Self::Malformed | Self::ConflictingLabel | Self::WithoutSequence)
    }
}

impl BucketCount {
    /// A bucket without rows.
    pub(super) fn empty(bucket: Bucket) -> Self {
        Self { bucket, rows: 0, examples: Vec::new() }
    }

    /// Adds a row, described by `example` if it is among the first.
    pub(super) fn add(&mut self, example: impl FnOnce() -> Example) {
        self.rows += 1;
        if self.examples.len() < Audit::MAX_EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Malformed => "malformed",
            Self::OtherKind => "other kind",
            Self::ConflictingLabel => "conflicting label",
            Self::Duplicate => "duplicate",
            Self::SelfPair => "self-pair",
            Self::Filtered => "filtered",
            Self::WithoutSequence => "without sequence",
            Self::Used => "used",
        })
    }
}

impl fmt::Display for Audit {
    /// An aligned table without tabs, one line per bucket, and the proteins and files below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<17} {:>10} {:>8}  first example", "rows", "count", "share")?;
        for BucketCount { bucket, rows, examples } in &self.buckets {
            let share = 100.0 * *rows as f64 / self.rows.max(1) as f64;
            write!(f, "{bucket:<17} {rows:>10} {share:>6.1} %")?;
            match examples.first().filter(|_| *bucket != Bucket::Used) {
                Some(example) => writeln!(f, "  {example}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "{:<17} {:>10}", "total", self.rows)?;
        write!(f, "proteins: {}", self.proteins)?;
        write!(f, ", without sequence: {}", self.proteins_without_sequence)?;
        match self.proteins_of_several_chains {
            0 => writeln!(f)?,
            count => writeln!(f, ", of several chains: {count}")?,
        }
        write!(f, "used pairs: {} positive", self.used_positives)?;
        write!(f, ", {} negative", self.used_negatives)?;
        for file in &self.files {
            let FileAudit { name, rows, sha256, .. } = file;
            let (kind, digest) = (file.kind(), sha256.short(12));
            write!(f, "\nfile `{name}`: {kind}, {rows} rows, sha256 {digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, excerpt, reason } = self;
        write!(f, "`{file}` line {line}: `{excerpt}`: {reason}")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The first characters of a text, fit for one line of a table.
pub(super) fn excerpt(text: &str) -> String {
    const LENGTH: usize = 80;
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().take(LENGTH).map(plain).collect();
    if text.chars().nth(LENGTH).is_some() {
        short.push_str("...");
    }
    short
}
