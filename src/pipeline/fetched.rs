//! What a run fetches: a file of HINT, sequences from `UniProt`.

use std::path::PathBuf;

use tracing::warn;

use super::Error;
use super::data::Reading;
use crate::artifacts::Origin;
use crate::interactions::hint::{self, Source};
use crate::protein::Accession;
use crate::sequences::uniprot::{self, Audit, KeptAnswers, Reuse};
use crate::sequences::{Found, MissingSequences, SequenceSet};

/// The file or folder of the pairs; a file of HINT comes with its origin.
pub(super) fn interactions(reading: &Reading<'_>) -> Result<(PathBuf, Option<Origin>), Error> {
    match &reading.inputs.interactions {
        Source::Path(path) => Ok((path.clone(), None)),
        Source::Hint(species) => {
            let settings = &reading.config.hint;
            let file = hint::fetch(species, settings, &reading.cache.folder, reading.shutdown)?;
            let releases = settings.release.iter().cloned().collect();
            Ok((file.path, Some(Origin { address: file.address, releases })))
        }
    }
}

/// Adds the sequences of those of `accessions` that have none of their own, if that is asked for
/// and there are any.
pub(super) fn complete<'a>(
    reading: &Reading<'_>,
    accessions: impl Iterator<Item = &'a Accession>,
    sequences: &mut SequenceSet,
) -> Result<Option<Audit>, Error> {
    let settings = &reading.config.sequences;
    let own = |name: &Accession| matches!(sequences.get(name), Some(Found::Own(_)));
    let missing: Vec<&Accession> = accessions.filter(|name| !own(name)).collect();
    if settings.missing == MissingSequences::Drop || missing.is_empty() {
        return Ok(None);
    }
    let kept = KeptAnswers::new(&reading.cache.folder, reading.cache.remote.clone());
    let job = uniprot::Job {
        settings: &settings.uniprot,
        kept: &kept,
        observer: reading.observer,
        shutdown: reading.shutdown,
    };
    let fetched = uniprot::fetch(&job, missing, Reuse::Kept)?;
    sequences.add(fetched.entries());
    for outcome in ["demerged", "not_found", "unresolved"] {
        let example = fetched.audit.listed.iter().find(|listed| listed.outcome == outcome);
        if let Some(example) = example {
            let (count, outcome) = (fetched.audit.count(outcome), outcome.replace('_', " "));
            warn!("{count} proteins have no sequence at UniProt ({outcome}), e.g. `{example}`");
        }
    }
    Ok(Some(fetched.audit))
}
