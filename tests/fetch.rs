//! Sequences and interactions that are fetched, against a stand-in for UniProt and HINT: what
//! becomes of every accession, how few requests it takes, and which faults it survives.

mod command;
mod faults;
mod hint;
mod jobs;
mod outcomes;
mod scale;
mod scoring;
mod training;

use std::path::Path;
use std::time::Duration;

use dyad::progress::Silent;
use dyad::protein::{Accession, ProteinSequence};
use dyad::sequences::uniprot::{self, Error, Fetched, Job, KeptAnswers, Outcome, Reuse, Settings};
use dyad::shutdown::Shutdown;

use crate::support::uniprot::{Proteome, StandIn};

/// What a fetch from `server` with the cache folder `cache` finds out about `names`.
fn fetch(server: &StandIn, cache: &Path, names: &[&str]) -> Result<Fetched, Error> {
    let names: Vec<Accession> = names.iter().map(|name| name.parse().unwrap()).collect();
    let settings =
        Settings { url: server.url("").parse().unwrap(), parallel: 3, seconds: 60, offline: false };
    let kept = KeptAnswers::new(cache, None);
    let shutdown = Shutdown::default();
    let job = Job { settings: &settings, kept: &kept, observer: &Silent, shutdown: &shutdown };
    uniprot::fetch(&job, &names, Reuse::Kept)
}

/// A service without latency.
fn start(proteome: Proteome) -> StandIn {
    StandIn::start(proteome, Duration::ZERO)
}

/// The outcome of an accession and the residues that stand for it.
fn found<'f>(fetched: &'f Fetched, name: &str) -> Option<(&'f Outcome, Option<&'f str>)> {
    let record = fetched.records.get(&name.parse().unwrap())?;
    Some((&record.outcome, record.sequence().map(ProteinSequence::residues)))
}
