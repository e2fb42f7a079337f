//! What can be wrong with FASTA files.

use std::fmt;
use std::path::PathBuf;

use crate::protein::{Accession, AccessionError, SequenceError};
use crate::storage::{StorageError, TextError};

/// Sequences that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder cannot be listed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file cannot be read as text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A folder without any file.
    #[error("the folder `{}` holds no file: put the sequences there, in FASTA files", path.display())]
    NoFile {
        /// The folder.
        path: PathBuf,
    },
    /// A file without content.
    #[error("`{}` is empty: expected sequences in FASTA", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Something else than a header where the first record should begin.
    #[error("{place}: text before the first header: FASTA begins with `>` and an accession")]
    NoHeader {
        /// Where the text is.
        place: Place,
    },
    /// A header that names no protein.
    #[error(
        "{place}: {source} in a header: expected `>` and an accession, or `>sp|ACCESSION|NAME`"
    )]
    Header {
        /// Where the header is.
        place: Place,
        /// What is wrong.
        source: AccessionError,
    },
    /// A record that is not a protein sequence.
    #[error("{place}: `{accession}` has {}: {}", describe(source), remedy(source))]
    Sequence {
        /// Where the wrong residue is, or the header of an empty record.
        place: Place,
        /// The protein.
        accession: Accession,
        /// What is wrong.
        source: SequenceError,
    },
    /// A record longer than any protein.
    #[error(
        "{place}: `{accession}` has more than {limit} residues, longer than any protein: give \
         proteins, one per record"
    )]
    TooLong {
        /// The header of the record.
        place: Place,
        /// The protein.
        accession: Accession,
        /// The most residues that are read.
        limit: usize,
    },
    /// One accession with two sequences.
    #[error(
        "`{accession}` has different sequences in {first} and in {second}: keep the one that is \
         meant"
    )]
    Contradiction {
        /// The protein.
        accession: Accession,
        /// The header of its first record.
        first: Place,
        /// The header of its other record.
        second: Place,
    },
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` line {}", self.path.display(), self.line)
    }
}

fn describe(source: &SequenceError) -> String {
    match source {
        SequenceError::Empty => "no residues".to_owned(),
        SequenceError::Residue { .. } => format!("the {source}"),
    }
}

fn remedy(source: &SequenceError) -> &'static str {
    match source {
        SequenceError::Empty => "add its sequence or remove the record",
        SequenceError::Residue { .. } => "correct it, or write `X` for an unknown residue",
    }
}
