//! What a run fetches: a file of HINT, sequences from `UniProt`, an encoder from Hugging Face.

use std::path::PathBuf;

use tracing::warn;

use super::data::Reading;
use super::{Error, Run};
use crate::artifacts::Origin;
use crate::embeddings::esm2::{Encoder, Lookup, locate};
use crate::http::hub::HubLimits;
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

/// The encoder; one of Hugging Face comes with its origin, whose release is a commit.
pub(super) fn encoder(run: &Run<'_>) -> Result<(Encoder, Option<Origin>), Error> {
    let lookup = Lookup {
        hub: run.hub,
        limits: HubLimits::default(),
        offline: run.config.encoder.offline,
        remote: run.places.cache.remote.as_ref(),
        observer: run.observer,
        shutdown: run.shutdown,
    };
    let located = locate(run.encoder, &lookup)?;
    let encoder = located.open()?;
    let origin = located
        .model
        .map(|model| Origin { address: model.address, releases: vec![model.commit.to_string()] });
    Ok((encoder, origin))
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
