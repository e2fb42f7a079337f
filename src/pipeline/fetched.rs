//! What a run fetches: a file of HINT, sequences from `UniProt`.

use std::path::PathBuf;

use tracing::warn;

use super::Error;
use super::data::Reading;
use crate::artifacts::Origin;
use crate::interactions::hint;
use crate::protein::Accession;
use crate::sequences::uniprot::{self, Audit, KeptAnswers, Reuse};
use crate::sequences::{MissingSequences, SequenceSet};

/// The file or folder of the pairs; a file of HINT comes with its origin.
pub(super) fn interactions(reading: &Reading<'_>) -> Result<(PathBuf, Option<Origin>), Error> {
    let Reading { inputs, config, cache, shutdown, .. } = reading;
    let source = &inputs.interactions;
    let (path, address) = hint::locate(source, &config.hint, &cache.folder, shutdown)?;
    let releases = config.hint.release.iter().cloned().collect();
    Ok((path, address.map(|address| Origin { address, releases })))
}

/// Adds the sequences of those of `accessions` that have none of their own, if that is asked for
/// and there are any.
pub(super) fn complete<'a>(
    reading: &Reading<'_>,
    accessions: impl Iterator<Item = &'a Accession>,
    sequences: &mut SequenceSet,
) -> Result<Option<Audit>, Error> {
    let settings = &reading.config.sequences;
    let missing: Vec<&Accession> = accessions.filter(|name| !sequences.has_own(name)).collect();
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
