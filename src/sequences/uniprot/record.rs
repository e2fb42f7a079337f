//! What became of an accession at `UniProt`.

use serde::{Deserialize, Serialize};

use crate::protein::{Accession, ProteinSequence};

/// What `UniProt` knows of an accession.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// An entry of today, or one of its isoforms.
    Current,
    /// Its entry was merged into another one, whose sequence stands for it.
    Merged {
        /// The accession that is used today.
        into: Accession,
    },
    /// Its entry was divided: which of the new ones is meant is for people to say.
    Demerged {
        /// The accessions that are used today.
        into: Vec<Accession>,
    },
    /// Its entry was deleted; the last sequence lies in the archive.
    Deleted {
        /// The archived sequence in `UniParc`, if it is known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        uniparc: Option<String>,
    },
    /// There is no isoform of this number, or it is the entry itself: the parent stands for it.
    NoIsoform,
    /// `UniProt` has never heard of it.
    NotFound,
}

/// An outcome with the sequence that it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What became of the accession.
    pub outcome: Outcome,
    /// The release of `UniProt` that said so, such as `2026_02`; empty where it did not tell.
    pub release: String,
    sequence: Option<ProteinSequence>,
}

impl Record {
    /// A record; `None` for an outcome that needs a sequence and lacks it, or the reverse.
    pub fn new(outcome: Outcome, release: &str, sequence: Option<ProteinSequence>) -> Option<Self> {
        let fits = match outcome {
            Outcome::Current | Outcome::Merged { .. } => sequence.is_some(),
            // The archive may have lost it.
            Outcome::Deleted { .. } => true,
            Outcome::Demerged { .. } | Outcome::NoIsoform | Outcome::NotFound => sequence.is_none(),
        };
        fits.then(|| Self { outcome, release: release.to_owned(), sequence })
    }

    /// The sequence that stands for the accession.
    pub fn sequence(&self) -> Option<&ProteinSequence> {
        self.sequence.as_ref()
    }
}

impl Outcome {
    /// The names of all outcomes, in the order of their declaration.
    pub const NAMES: [&str; 6] =
        ["current", "merged", "demerged", "deleted", "no_isoform", "not_found"];

    /// Its name in files and tables.
    pub fn name(&self) -> &'static str {
        Self::NAMES[match self {
            Self::Current => 0,
            Self::Merged { .. } => 1,
            Self::Demerged { .. } => 2,
            Self::Deleted { .. } => 3,
            Self::NoIsoform => 4,
            Self::NotFound => 5,
        }]
    }

    /// What there is to know besides: the accessions or the archived sequence, separated by
    /// commas.
    pub fn detail(&self) -> String {
        match self {
            Self::Merged { into } => into.to_string(),
            Self::Demerged { into } => {
                into.iter().map(Accession::as_str).collect::<Vec<_>>().join(",")
            }
            Self::Deleted { uniparc } => uniparc.clone().unwrap_or_default(),
            Self::Current | Self::NoIsoform | Self::NotFound => String::new(),
        }
    }
}
