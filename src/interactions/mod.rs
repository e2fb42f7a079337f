//! Interactions: pairs of proteins from HINT, MITAB, STRING and plain tables, every input row accounted
//! for.
//!
//! [`read`] recognises each file by its first row, merges all files into one set and decides what
//! does not depend on sequences; [`Interactions::resolve`] decides the rest and writes the
//! [`Audit`], in which every row is in exactly one [`Bucket`].

mod audit;
mod chains;
mod classify;
mod columns;
mod error;
mod evidence;
mod format;
pub mod hint;
mod intern;
mod kind;
mod layout;
mod mitab;
mod references;
mod resolve;
mod score;
mod statement;
mod subset;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::protein::{Accession, ProteinPair};
use crate::storage::{SourceFile, source_files};

pub use audit::{Audit, Bucket, BucketCount, Example, FileAudit};
pub use error::{Columns, Error, Filter};
pub use format::Format;
pub use score::{Score, ScoreError};

use classify::{Fate, Row, classify};
use table::Tables;

/// How interaction files are read and filtered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Pairs reported by fewer distinct publications are filtered out (HINT and MITAB).
    pub min_publications: usize,
    /// Which kind of experiment a pair needs at least one of (HINT only).
    pub evidence: Evidence,
    /// Interactions with a lower score are filtered out (MITAB and STRING). Without it those of
    /// STRING need what STRING calls high confidence, unless they have labels, and others none.
    pub min_score: Option<Score>,
    /// Both proteins must be of this NCBI taxon (HINT since 2024, MITAB and STRING).
    pub taxon: Option<u32>,
    /// What becomes of pairs that MITAB derives from complexes.
    pub expanded_complexes: ExpandedComplexes,
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

/// What becomes of pairs that are a complex of more than two proteins, expanded to pairs: a bait with
/// each prey (spoke), or all with all (matrix). The two need not touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpandedComplexes {
    /// Filtered out, unless another row reports the pair itself.
    Exclude,
    /// Used like any other pair.
    Include,
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
    other_kind: BucketCount,
    rows: Vec<Row>,
    conflicting_pairs: usize,
    /// How many proteins stand for several of their chains.
    merged_chains: usize,
    /// The accessions by their number in the rows.
    proteins: Vec<Accession>,
}

/// The pairs that a run uses, and the account of those that it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct InteractionSet {
    /// Distinct pairs whose proteins have sequences, in the order of the input.
    pub pairs: Vec<LabelledPair>,
    /// Distinct pairs that interact but are not used: filtered out, outside the random subset, or
    /// labelled both ways.
    pub left_out: Vec<ProteinPair>,
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
/// A file is HINT, MITAB, STRING's links or a plain table, told by its first row: a header with known
/// column names, or, without header, the columns of MITAB, or two accessions and an optional label 0
/// or 1. Columns are separated by tabs or commas, STRING's also by spaces. Files that cannot be read at all are errors; rows that cannot are counted.
pub fn read(paths: &[PathBuf], settings: &Settings) -> Result<Interactions, Error> {
    let Tables { files, malformed, other_kind, pairs, proteins, chains, .. } =
        tables(paths, settings)?;
    let (rows, conflicting_pairs) = classify(pairs, settings);
    let (merged_chains, proteins) = (chains.merged(), proteins.into_values());
    Ok(Interactions {
        files,
        malformed,
        other_kind,
        rows,
        conflicting_pairs,
        merged_chains,
        proteins,
    })
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
/// repeats and self-pairs. The formats are those of [`read`]; a row that is no pair is an error, and
/// what MITAB states besides physical interactions of proteins is left out with a warning.
pub fn list(path: &Path, label_column: Option<&str>) -> Result<Vec<ListedPair>, Error> {
    let settings =
        Settings { label_column: label_column.map(str::to_owned), ..Settings::all_pairs() };
    let Tables { malformed, other_kind, pairs, proteins, .. } =
        tables(&[path.to_owned()], &settings)?;
    if let Some(example) = malformed.examples.into_iter().next() {
        return Err(Error::Malformed(Box::new(example)));
    }
    if let Some(example) = other_kind.examples.first() {
        warn!(
            "{} rows are no interactions of proteins and left out, e.g. {example}",
            other_kind.rows
        );
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
    if let Some(warning) = tables.chains.warning() {
        warn!("{warning}");
    }
    Ok(tables)
}

impl Settings {
    /// The same without any filter or subset: every pair counts, whatever speaks for it.
    #[must_use]
    pub fn without_filters(self) -> Self {
        Self {
            self_pairs: self.self_pairs,
            label_column: self.label_column,
            max_dropped_fraction: self.max_dropped_fraction,
            ..Self::all_pairs()
        }
    }

    fn all_pairs() -> Self {
        Self {
            min_publications: 0,
            evidence: Evidence::Any,
            min_score: Some(Score::NONE),
            taxon: None,
            expanded_complexes: ExpandedComplexes::Include,
            self_pairs: SelfPairs::Include,
            label_column: None,
            max_proteins: None,
            max_pairs: None,
            max_dropped_fraction: 0.0,
            // Of the random subset, which nothing asks for.
            seed: 0,
        }
    }
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
