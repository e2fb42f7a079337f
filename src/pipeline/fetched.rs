//! What is fetched: a file of HINT, sequences from `UniProt`.

use std::path::{Path, PathBuf};
use std::slice;

use tracing::warn;

use super::Error;
use crate::artifacts::Origin;
use crate::config::RunConfig;
use crate::embeddings::CacheLocation;
use crate::http::HttpError;
use crate::interactions::hint::{self, HintError, HintFile, KeptTables};
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

impl Fetching<'_> {
    /// The file or folder of the pairs: the one that is `given` or else the file of HINT of the
    /// configured species, which comes with its origin.
    pub fn interactions(&self, given: Option<&Path>) -> Result<(PathBuf, Option<Origin>), Error> {
        let settings = &self.config.hint;
        let species = match (given, &settings.species) {
            (Some(path), None) => return Ok((path.to_owned(), None)),
            (None, Some(species)) => species,
            (Some(_), Some(species)) => {
                return Err(Error::InteractionsTwice { species: species.to_string() });
            }
            (None, None) => return Err(Error::NoInteractions),
        };
        let kept = KeptTables::new(&self.cache.folder, self.cache.remote.clone());
        let HintFile { path, address } = hint::fetch(species, settings, &kept, self.shutdown)?;
        let releases = settings.release.iter().cloned().collect();
        Ok((path, Some(Origin { address, releases })))
    }

    /// The sequences of the FASTA files, if there are any; they may be all that are missing where
    /// missing ones are fetched.
    pub fn sequences(&self, given: Option<&PathBuf>) -> Result<SequenceSet, Error> {
        match given {
            Some(path) => Ok(sequences::read(slice::from_ref(path))?),
            None if self.config.sequences.missing == MissingSequences::Drop => {
                Err(Error::NoSequences)
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
    ) -> Result<Option<Audit>, Error> {
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
            return Err(Error::NothingKept { proteins });
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

impl From<HintError> for Error {
    fn from(error: HintError) -> Self {
        match error {
            HintError::Http { source: HttpError::Unanswered { .. }, .. } => Self::NoHint(error),
            error => Self::Hint(error),
        }
    }
}

impl From<uniprot::Error> for Error {
    fn from(error: uniprot::Error) -> Self {
        match error {
            uniprot::Error::Http(HttpError::Unanswered { .. }) => Self::NoUniprot(error),
            error => Self::Uniprot(error),
        }
    }
}
