//! Sequences from `UniProt`, by accession, in few requests.
//!
//! Accessions are asked for by the thousand. What does not come back is asked for once more and
//! then resolved in groups: entries that list it as a secondary accession say that it was merged
//! or demerged, archived sequences (`UniParc`) that it was deleted. Single requests are left for
//! what groups cannot tell. Every answer is kept at once, on the disk and, where there is one, in
//! the bucket, so that a fetch that was stopped asks for nothing again.

mod answers;
mod audit;
mod error;
mod fetcher;
mod groups;
mod kept;
mod record;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::http::BaseUrl;
use crate::progress::Observer;
use crate::protein::Accession;
use crate::shutdown::Shutdown;

pub use audit::{Audit, Unresolved, bucket};
pub use error::Error;
pub use kept::KeptAnswers;
pub use record::{Outcome, Record};

/// How `UniProt` is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The address of its REST service.
    pub url: BaseUrl,
    /// Requests at a time.
    pub parallel: usize,
    /// Seconds that all requests together may take.
    pub seconds: u64,
    /// Whether nobody is asked, and only what is kept counts.
    pub offline: bool,
}

/// What a fetch works with.
pub struct Job<'a> {
    /// How `UniProt` is asked.
    pub settings: &'a Settings,
    /// Answers of earlier fetches.
    pub kept: &'a KeptAnswers,
    /// Told about progress.
    pub observer: &'a dyn Observer,
    /// Read while waiting for answers.
    pub shutdown: &'a Shutdown,
}

/// Whether answers of earlier fetches count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// What is kept is not asked for.
    Kept,
    /// Everything is asked for again; the newest release counts from now on.
    Nothing,
}

/// What is known of accessions.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// What `UniProt` knows of each, also of the parents that stand in for isoforms.
    pub records: BTreeMap<Accession, Record>,
    /// What became of the accessions that were asked for.
    pub audit: Audit,
}

/// Finds what `UniProt` knows of accessions. Names that are none of `UniProt`'s are never sent.
pub fn fetch<'n>(
    job: &Job<'_>,
    names: impl IntoIterator<Item = &'n Accession>,
    reuse: Reuse,
) -> Result<Fetched, Error> {
    let names: BTreeSet<&Accession> = names.into_iter().collect();
    let wanted: BTreeSet<Accession> =
        names.iter().filter(|name| name.is_uniprot()).map(|name| (*name).clone()).collect();
    let of_string: Vec<_> = names.iter().filter(|name| name.taxon().is_some()).collect();
    if let Some(example) = of_string.first() {
        warn!(
            "UniProt is not asked for {} names of STRING, e.g. `{example}`: give the sequences that STRING \
             publishes beside its links",
            of_string.len()
        );
    }
    let mut records = match reuse {
        Reuse::Kept => job.kept.read()?,
        Reuse::Nothing => BTreeMap::new(),
    };
    let requests = match job.settings.offline {
        true => 0,
        false => fetcher::run(job, &wanted, &mut records)?,
    };
    let parents: BTreeSet<Accession> = wanted.iter().filter_map(Accession::parent).collect();
    records.retain(|name, _| wanted.contains(name) || parents.contains(name));
    let audit = Audit::new(&names, &records, &job.settings.url, requests);
    info!("UniProt: {audit}");
    Ok(Fetched { records, audit })
}

impl Fetched {
    /// The accessions that have a sequence, each with its own or that of the entry that took its
    /// place.
    pub fn entries(&self) -> impl Iterator<Item = super::Entry> + '_ {
        self.records.iter().filter_map(|(accession, record)| {
            let sequence = record.sequence()?.clone();
            Some(super::Entry { accession: accession.clone(), sequence })
        })
    }
}
