//! What can be wrong with interaction files.

use std::fmt;
use std::path::PathBuf;

use super::{Audit, Bucket, BucketCount, Example};
use crate::storage::{StorageError, TextError};

/// What can be given, for messages.
const FILES: &str = "a HINT file, a MITAB file (from BioGRID the download `.mitab.txt`), \
    `protein.links` of STRING or a table of pairs";

/// Interactions that cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder cannot be listed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file cannot be read as text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A row of a list of pairs that is no pair.
    #[error("line {} of `{}` is no pair: {}; mend or remove it", .0.line, .0.file, .0.reason)]
    Malformed(Box<Example>),
    /// A folder without any file.
    #[error(
        "the folder `{}` holds no file: put the interactions there, {}",
        path.display(),
        FILES
    )]
    NoFile {
        /// The folder.
        path: PathBuf,
    },
    /// A file without content.
    #[error("`{}` is empty: expected {}", path.display(), FILES)]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file with nothing but a header.
    #[error("`{}` has a header but no pair: add rows or remove the file", path.display())]
    HeaderOnly {
        /// The file.
        path: PathBuf,
    },
    /// A first row without any separator.
    #[error(
        "`{}` line {line} has one column: expected two or more columns separated by tabs or commas, \
         {}",
        path.display(),
        FILES
    )]
    OneColumn {
        /// The file.
        path: PathBuf,
        /// The line of the first row.
        line: usize,
    },
    /// A first row that is neither a known header nor a pair.
    #[error(
        "`{}` line {line}: cannot tell which of the columns {columns} name the two proteins: \
         expected the header of HINT (`Uniprot_A`, `Uniprot_B`, ..., `pmid:method:quality`), of \
         MITAB (from BioGRID the download `.mitab.txt`) or of STRING's `protein.links`, a header \
         with `protein_a`, `protein_b` and optionally `label`, or rows of two accessions and an \
         optional label 0 or 1 without header",
        path.display()
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// The line of the first row.
        line: usize,
        /// Its fields.
        columns: Columns,
    },
    /// A header without the label column that the settings name.
    #[error(
        "`{}` has no label column `{column}`, only {columns}: correct `label_column` or the header",
        path.display()
    )]
    LabelColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there.
        columns: Columns,
    },
    /// A label column is named, but the file has no header.
    #[error(
        "`{}` has no header to find the label column `{column}` in: add a header, or leave out \
         `label_column` and put the label into the third column",
        path.display()
    )]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
    },
    /// A filter by what a file does not tell.
    #[error(
        "`{}` has no {} that `{}` could filter by: leave `{}` at its default or give {}",
        path.display(),
        filter.wanted(),
        filter.setting(),
        filter.setting(),
        filter.formats()
    )]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// What is asked for.
        filter: Filter,
    },
    /// More rows than allowed are malformed, conflicting or without sequence.
    #[error(
        "{} of {} rows cannot be used ({:.1} %, `max_dropped_fraction` allows {:.1} %): {}{}; {}, \
         or raise `max_dropped_fraction`",
        audit.dropped_rows(),
        audit.rows_of_proteins(),
        100.0 * audit.dropped_fraction(),
        100.0 * limit,
        counts(dropped(audit)),
        first_example(audit),
        remedy(audit, largest(dropped(audit)))
    )]
    TooManyDropped {
        /// What became of every row.
        audit: Box<Audit>,
        /// The largest share allowed.
        limit: f64,
    },
    /// Not a single row can be used.
    #[error(
        "none of the {} rows can be used: {}; {}",
        audit.rows,
        counts(audit.buckets.iter()),
        remedy(audit, largest(audit.buckets.iter()))
    )]
    NoPairs {
        /// What became of every row.
        audit: Box<Audit>,
    },
}

/// A filter of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// By kind of experiment.
    Evidence,
    /// By number of publications.
    Publications,
    /// By score.
    Score,
    /// By taxon.
    Taxon,
}

impl Filter {
    fn setting(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Publications => "min_publications",
            Self::Score => "min_score",
            Self::Taxon => "taxon",
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Evidence => "evidence column `pmid:method:quality`",
            Self::Publications => "column of publications",
            Self::Score => "column of scores",
            Self::Taxon => "column of taxa",
        }
    }

    fn formats(self) -> &'static str {
        match self {
            Self::Evidence => "a HINT file",
            Self::Publications => "a HINT or MITAB file",
            Self::Score => "a MITAB file or STRING's links",
            Self::Taxon => "a HINT file since 2024, a MITAB file or STRING's links",
        }
    }
}

impl Error {
    /// What became of every row, where the rows could be read.
    pub fn audit(&self) -> Option<&Audit> {
        match self {
            Self::TooManyDropped { audit, .. } | Self::NoPairs { audit } => Some(audit),
            _ => None,
        }
    }
}

/// The fields of a first row, for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(pub(super) Vec<String>);

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        for (index, column) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let short: String = column.chars().filter(|c| !c.is_control()).take(24).collect();
            write!(f, "{separator}`{short}`")?;
        }
        match self.0.len().checked_sub(SHOWN) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

fn dropped(audit: &Audit) -> impl Iterator<Item = &BucketCount> {
    audit.buckets.iter().filter(|count| count.bucket.is_dropped())
}

/// The buckets that hold rows, with their numbers.
fn counts<'a>(buckets: impl Iterator<Item = &'a BucketCount>) -> String {
    let filled = buckets.filter(|count| count.rows > 0);
    let texts: Vec<String> = filled.map(|c| format!("{} {}", c.rows, c.bucket)).collect();
    texts.join(", ")
}

fn largest<'a>(buckets: impl Iterator<Item = &'a BucketCount>) -> Option<&'a BucketCount> {
    buckets.max_by_key(|count| count.rows)
}

fn first_example(audit: &Audit) -> String {
    let first = largest(dropped(audit)).and_then(|count| count.examples.first());
    let text = |Example { file, line, excerpt, reason }: &Example| {
        format!(", e.g. line {line} of `{file}`, `{excerpt}`: {reason}")
    };
    first.map(text).unwrap_or_default()
}

/// What to do about the rows of the largest bucket.
fn remedy(audit: &Audit, largest: Option<&BucketCount>) -> &'static str {
    match largest.map(|count| count.bucket) {
        Some(Bucket::Malformed) => "correct these rows",
        Some(Bucket::OtherKind) => "give physical interactions of proteins",
        Some(Bucket::ConflictingLabel) => "give each pair one label",
        Some(Bucket::SelfPair) => "add other pairs, or set `self_pairs=include`",
        Some(Bucket::Filtered) => {
            "loosen the filters (`min_publications`, `evidence`, `min_score`, `taxon`, \
             `expanded_complexes`), or raise `max_proteins` and `max_pairs`"
        }
        Some(Bucket::WithoutSequence) if names_string(audit) => {
            "give the sequences that STRING publishes beside its links \
             (`TAXON.protein.sequences.VERSION.fa.gz`), for UniProt does not know STRING's names"
        }
        Some(Bucket::WithoutSequence) => {
            "add the missing sequences, under the identifiers that the pairs have"
        }
        Some(Bucket::Duplicate | Bucket::Used) | None => "add pairs",
    }
}

/// Whether it is STRING's names that have no sequence.
fn names_string(audit: &Audit) -> bool {
    audit.listed_without_sequence.first().is_some_and(|name| name.taxon().is_some())
}
