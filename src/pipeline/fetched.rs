//! What is fetched: a file of HINT, sequences from `UniProt`, an encoder from Hugging Face.

use std::path::{Path, PathBuf};
use std::slice;

use tracing::warn;

use crate::artifacts::Origin;
use crate::config::RunConfig;
use crate::embeddings::CacheLocation;
use crate::embeddings::esm2::{Located, Lookup, Source, SourceError, locate};
use crate::http::HttpError;
use crate::http::hub::{HubAccess, HubLimits};
use crate::interactions::hint::{self, HintError, HintFile, KeptTables, Species};
use crate::progress::Observer;
use crate::protein::Accession;
use crate::sequences::uniprot::{self, Audit, KeptAnswers, Reuse};
use crate::sequences::{self, MissingSequences, SequenceSet};
use crate::shutdown::Shutdown;

/// What reading works with where the user's files may be completed from elsewhere.
#[derive(Clone, Copy)]
pub struct Fetching<'a> {
    /// What is fetched, from where, and whether at all.
    pub config: &'a RunConfig,
    /// Where what is fetched is kept, and the bucket that shares it.
    pub cache: &'a CacheLocation,
    /// Told about progress.
    pub observer: &'a dyn Observer,
    /// Read while waiting for answers.
    pub shutdown: &'a Shutdown,
}

/// Input that cannot be had, from files or from elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// FASTA files that cannot be used.
    #[error(transparent)]
    Sequences(#[from] sequences::Error),
    /// Neither FASTA files nor leave to fetch.
    #[error(
        "no sequences are given, and `missing_sequences` is `drop`; give FASTA files, or set it to \
         `fetch` for those of UniProt"
    )]
    NoSequences,
    /// Nobody may be asked, and nothing was fetched before.
    #[error(
        "`offline` is set, no sequences are given, and none of the {proteins} proteins was fetched \
         before; set `offline` to false, or give FASTA files (`--sequences`, in a job the channel \
         `sequences`)"
    )]
    NothingKept {
        /// The proteins that were not.
        proteins: usize,
    },
    /// Neither a file nor a species.
    #[error(
        "no interactions are given; give a file (`--interactions`, in a job the channel \
         `interactions`), or set `interactions` to a species such as `hint:HomoSapiens`"
    )]
    NoInteractions,
    /// A file and a species.
    #[error(
        "interactions are given as files, and the setting `interactions` is `{species}`; leave out \
         the one or the other"
    )]
    InteractionsTwice {
        /// The species.
        species: Species,
    },
    /// The file of HINT cannot be had.
    #[error(transparent)]
    Hint(HintError),
    /// Nobody answers for HINT.
    #[error(
        "{0}; without a network, give the file (`--interactions`, in a job the channel \
         `interactions`)"
    )]
    NoHint(#[source] HintError),
    /// `UniProt` refuses, or what it answers cannot be kept.
    #[error(transparent)]
    Uniprot(uniprot::Error),
    /// Nobody answers for `UniProt`.
    #[error(
        "{0}; without a network, give FASTA files (`--sequences`, in a job the channel `sequences`)"
    )]
    NoUniprot(#[source] uniprot::Error),
}

impl Fetching<'_> {
    /// The files of the encoder `source`, fetched if they are the hub's and not here.
    pub fn encoder(&self, source: &Source, hub: &HubAccess) -> Result<Located, SourceError> {
        let lookup = Lookup {
            hub,
            limits: HubLimits::default(),
            offline: self.config.encoder.offline,
            remote: self.cache.remote.as_ref(),
            observer: self.observer,
            shutdown: self.shutdown,
        };
        locate(source, &lookup)
    }

    /// The file or folder of the pairs: the one that is `given` or else the file of HINT of the
    /// configured species, which comes with its origin.
    pub fn interactions(
        &self,
        given: Option<&Path>,
    ) -> Result<(PathBuf, Option<Origin>), FetchError> {
        let settings = &self.config.hint;
        let species = match (given, &settings.species) {
            (Some(path), None) => return Ok((path.to_owned(), None)),
            (None, Some(species)) => species,
            (Some(_), Some(species)) => {
                return Err(FetchError::InteractionsTwice { species: species.clone() });
            }
            (None, None) => return Err(FetchError::NoInteractions),
        };
        let kept = KeptTables::new(&self.cache.folder, self.cache.remote.clone());
        let HintFile { path, address } = hint::fetch(species, settings, &kept, self.shutdown)?;
        let releases = settings.release.iter().cloned().collect();
        Ok((path, Some(Origin { address, releases })))
    }

    /// The sequences of the FASTA files, if there are any; they may be all that are missing where
    /// missing ones are fetched.
    pub fn sequences(&self, given: Option<&PathBuf>) -> Result<SequenceSet, FetchError> {
        match given {
            Some(path) => Ok(sequences::read(slice::from_ref(path))?),
            None if self.config.sequences.missing == MissingSequences::Drop => {
                Err(FetchError::NoSequences)
            }
            None => Ok(SequenceSet::default()),
        }
    }

    /// Adds the sequences of those of `accessions` that have none of their own, if that is asked
    /// for and there are any.
    pub fn complete<'n>(
        &self,
        accessions: impl Iterator<Item = &'n Accession>,
        sequences: &mut SequenceSet,
    ) -> Result<Option<Audit>, FetchError> {
        let settings = &self.config.sequences;
        let missing: Vec<&Accession> = accessions.filter(|name| !sequences.has_own(name)).collect();
        if settings.missing == MissingSequences::Drop || missing.is_empty() {
            return Ok(None);
        }
        let kept = KeptAnswers::new(&self.cache.folder, self.cache.remote.clone());
        let job = uniprot::Job {
            settings: &settings.uniprot,
            kept: &kept,
            observer: self.observer,
            shutdown: self.shutdown,
        };
        let fetched = uniprot::fetch(&job, missing, Reuse::Kept)?;
        sequences.add(fetched.entries());
        let proteins = fetched.audit.count("unresolved");
        if settings.uniprot.offline && sequences.is_empty() && proteins > 0 {
            return Err(FetchError::NothingKept { proteins });
        }
        for outcome in ["demerged", "not_found", "unresolved"] {
            let example = fetched.audit.listed.iter().find(|listed| listed.outcome == outcome);
            if let Some(example) = example {
                let (count, outcome) = (fetched.audit.count(outcome), outcome.replace('_', " "));
                warn!("{count} proteins have no sequence at UniProt ({outcome}), e.g. `{example}`");
            }
        }
        Ok(Some(fetched.audit))
    }
}

impl From<HintError> for FetchError {
    fn from(error: HintError) -> Self {
        match error {
            HintError::Http { source: HttpError::Unanswered { .. }, .. } => Self::NoHint(error),
            error => Self::Hint(error),
        }
    }
}

impl From<uniprot::Error> for FetchError {
    fn from(error: uniprot::Error) -> Self {
        match error {
            uniprot::Error::Http(HttpError::Unanswered { .. }) => Self::NoUniprot(error),
            error => Self::Uniprot(error),
        }
    }
}
