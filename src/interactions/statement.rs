//! What a single row says, whatever its format, or why it says nothing.

use super::evidence::{EvidenceError, Lack, Support};
use super::score::Score;
use crate::protein::{Accession, AccessionError};

/// What a row says about two proteins.
#[derive(Debug)]
pub(super) struct Statement {
    /// In the order of the row.
    pub(super) proteins: [Accession; 2],
    /// The chains that the row names instead of whole proteins.
    pub(super) chains: [Option<String>; 2],
    /// The label, in files that have labels.
    pub(super) label: Option<bool>,
    /// The evidence, in files that have evidence.
    pub(super) support: Option<Support>,
    /// The score, where the row has one.
    pub(super) score: Option<Score>,
    /// What rules the row out, whatever other rows say of the pair.
    pub(super) lack: Option<Lack>,
}

/// A row without a statement about two proteins that interact physically.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    OtherKind(#[from] OtherKind),
}

/// Why a row cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// The row is too short.
    #[error("no column {0}")]
    Missing(usize),
    /// The row is too long, and not only by empty fields.
    #[error("{found} columns where the first row has {expected}")]
    Columns { found: usize, expected: usize },
    /// A field that does not end in this line.
    #[error("a quotation mark that is not closed")]
    Quote,
    /// An identifier is none.
    #[error("{source} in column {column}")]
    Identifier { column: usize, source: AccessionError },
    /// A label is neither 0 nor 1.
    #[error("label `{0}` is neither 0 nor 1")]
    Label(String),
    /// A score is none of STRING's.
    #[error("score `{0}` is no integer from 0 to 1000")]
    Score(String),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// What a row states besides physical interactions of proteins. The texts are fit for messages.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OtherKind {
    /// A molecule of another type than proteins.
    #[error("`{molecule}` is no protein but `{kind}`")]
    Molecule { molecule: String, kind: String },
    /// Genes whose changes together have another effect than alone.
    #[error("a genetic interaction (`{0}`), not a physical one")]
    Genetic(String),
    /// Proteins that need not touch.
    #[error("reported as `{0}`, which is no physical interaction")]
    NotPhysical(String),
    /// Proteins that were tested and do not interact.
    #[error("reported not to interact")]
    Negative,
}
