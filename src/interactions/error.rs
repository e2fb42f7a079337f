//! What can be wrong with interaction files.

use std::fmt;
use std::path::PathBuf;

use super::{Audit, Bucket, BucketCount, Example};
use crate::storage::{StorageError, TextError};

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
        "the folder `{}` holds no file: put the interactions there, a HINT file or a table of \
         pairs",
        path.display()
    )]
    NoFile {
        /// The folder.
        path: PathBuf,
    },
    /// A file without content.
    #[error("`{}` is empty: expected a HINT file or a table of pairs", path.display())]
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
        "`{}` line {line} has one column: expected two or more columns separated by tabs or commas",
        path.display()
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
         expected the header of HINT (`Uniprot_A`, `Uniprot_B`, ..., `pmid:method:quality`), a \
         header with `protein_a`, `protein_b` and optionally `label`, or rows of two accessions \
         and an optional label 0 or 1 without header",
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
    /// A filter by evidence on a file without evidence.
    #[error(
        "`{}` has no evidence column `pmid:method:quality` that `{setting}` could filter by: \
         leave `{setting}` at its default or give a HINT file",
        path.display()
    )]
    NoEvidence {
        /// The file.
        path: PathBuf,
        /// The setting that is not at its default.
        setting: &'static str,
    },
    /// More rows than allowed are malformed, conflicting or without sequence.
    #[error(
        "{} of {} rows cannot be used ({:.1} %, `max_dropped_fraction` allows {:.1} %): {}{}; {}, \
         or raise `max_dropped_fraction`",
        audit.dropped_rows(),
        audit.rows,
        100.0 * audit.dropped_fraction(),
        100.0 * limit,
        counts(dropped(audit)),
        first_example(audit),
        largest(dropped(audit)).map_or("", remedy)
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
        largest(audit.buckets.iter()).map_or("", remedy)
    )]
    NoPairs {
        /// What became of every row.
        audit: Box<Audit>,
    },
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

/// What to do about the rows of a bucket.
fn remedy(count: &BucketCount) -> &'static str {
    match count.bucket {
        Bucket::Malformed => "correct these rows",
        Bucket::ConflictingLabel => "give each pair one label",
        Bucket::SelfPair => "add other pairs, or set `self_pairs=include`",
        Bucket::Filtered => {
            "loosen `min_publications` and `evidence`, or raise `max_proteins` and `max_pairs`"
        }
        Bucket::WithoutSequence => {
            "add the missing sequences, under the identifiers that the pairs have"
        }
        Bucket::Duplicate | Bucket::Used => "add pairs",
    }
}
