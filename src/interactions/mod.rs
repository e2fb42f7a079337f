//! Interactions: pairs of proteins from HINT and from plain tables, every input row accounted for.
//!
//! [`read`] recognises each file by its first row, merges all files into one set and decides what
//! does not depend on sequences; [`Interactions::resolve`] decides the rest and writes the
//! [`Audit`], in which every row is in exactly one [`Bucket`].

mod audit;
mod classify;
mod error;
mod evidence;
mod intern;
mod layout;
mod resolve;
mod subset;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::protein::{Accession, ProteinPair};
use crate::storage::{SourceFile, source_files};

pub use audit::{Audit, Bucket, BucketCount, Example, FileAudit};
pub use error::{Columns, Error};
pub use layout::Format;

use classify::{Fate, Row, classify};
use table::Tables;

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

/// Pairs read from files, before anything is known about sequences.
#[derive(Debug)]
pub struct Interactions {
    files: Vec<FileAudit>,
    malformed: BucketCount,
    rows: Vec<Row>,
    conflicting_pairs: usize,
    /// The accessions by their number in the rows.
    proteins: Vec<Accession>,
}

/// The pairs that a run uses, and the account of those that it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct InteractionSet {
    /// Distinct pairs whose proteins have sequences, in the order of the input.
    pub pairs: Vec<LabelledPair>,
    /// Whether the input labels any pair 0: then it brings its own negatives.
    pub has_negatives: bool,
    /// What became of every row.
    pub audit: Audit,
    /// The files that were read, in order.
    pub sources: Vec<SourceFile>,
}

/// A pair and whether its proteins interact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledPair {
    /// The two proteins.
    pub pair: ProteinPair,
    /// Whether they interact; true for all pairs of files without labels.
    pub label: bool,
    /// Whether the row names the larger accession first: no property of the pair, and yet files
    /// give interactions away by it.
    pub reversed: bool,
}

/// Reads files, and all files of folders, as one set of interactions.
///
/// A file is HINT or a plain table, told by its first row: a header with known column names, or,
/// without header, two accessions and an optional label 0 or 1. Columns are separated by tabs or
/// commas. Files that cannot be read at all are errors; rows that cannot are counted.
pub fn read(paths: &[PathBuf], settings: &Settings) -> Result<Interactions, Error> {
    let Tables { files, malformed, pairs, proteins, .. } = tables(paths, settings)?;
    let (rows, conflicting_pairs) = classify(pairs, settings);
    let proteins = proteins.into_values();
    Ok(Interactions { files, malformed, rows, conflicting_pairs, proteins })
}

/// A row of a list of pairs, the proteins in the order of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPair {
    /// The protein named first.
    pub first: Accession,
    /// The protein named second.
    pub second: Accession,
    /// Whether they interact, in files that have labels.
    pub label: Option<bool>,
}

/// Reads every row of a file, or of all files of a folder, as it stands: pairs to score, with
/// repeats and self-pairs. The formats are those of [`read`]; a row that is no pair is an error.
pub fn list(path: &Path, label_column: Option<&str>) -> Result<Vec<ListedPair>, Error> {
    let settings = Settings {
        min_publications: 0,
        evidence: Evidence::Any,
        self_pairs: SelfPairs::Include,
        label_column: label_column.map(str::to_owned),
        max_proteins: None,
        max_pairs: None,
        max_dropped_fraction: 0.0,
        seed: 0,
    };
    let Tables { malformed, pairs, proteins, .. } = tables(&[path.to_owned()], &settings)?;
    if let Some(example) = malformed.examples.into_iter().next() {
        return Err(Error::Malformed(Box::new(example)));
    }
    let proteins = proteins.into_values();
    let listed = pairs.into_iter().map(|row| {
        let [first, second] = row.proteins.map(|protein| proteins[protein].clone());
        ListedPair { first, second, label: row.label }
    });
    Ok(listed.collect())
}

fn tables(paths: &[PathBuf], settings: &Settings) -> Result<Tables, Error> {
    let mut tables = Tables::default();
    for path in paths {
        let files = source_files(path)?;
        if files.is_empty() {
            return Err(Error::NoFile { path: path.clone() });
        }
        files.iter().try_for_each(|file| tables.read(file, settings))?;
    }
    Ok(tables)
}

impl Interactions {
    /// The proteins of the rows that may still be used, each once, in order of appearance.
    pub fn accessions(&self) -> impl Iterator<Item = &Accession> {
        let mut needed = vec![false; self.proteins.len()];
        for row in self.rows.iter().filter(|row| row.fate == Fate::Used) {
            row.proteins.iter().for_each(|protein| needed[*protein] = true);
        }
        self.proteins.iter().zip(needed).filter_map(|(protein, needed)| needed.then_some(protein))
    }

    /// Leaves out the pairs whose proteins have no sequence, takes the random subset that the
    /// settings ask for, and accounts for every row.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyDropped`] and [`Error::NoPairs`], both with the audit.
    pub fn resolve(
        self,
        has_sequence: impl Fn(&Accession) -> bool,
        settings: &Settings,
    ) -> Result<InteractionSet, Error> {
        resolve::resolve(self, has_sequence, settings)
    }
}

#[cfg(test)]
mod tests;
