//! The account of a fetch: every accession in exactly one bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::record::{Outcome, Record};
use crate::http::BaseUrl;
use crate::protein::Accession;

/// No name of `UniProt`'s, and therefore never sent.
const FOREIGN: &str = "not_uniprot";
/// Not kept and not asked for (`offline`), or the answers contradict each other.
const UNKNOWN: &str = "unresolved";

/// What became of the accessions that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The address of the service.
    pub address: String,
    /// The releases that the answers are of.
    pub releases: BTreeSet<String>,
    /// Requests of this attempt; answers that were kept need none. Not stored: a run that is
    /// repeated leaves equal files.
    #[serde(skip)]
    pub requests: usize,
    /// Accessions by outcome; those without any are left out.
    pub outcomes: BTreeMap<String, usize>,
    /// The first [`Audit::MAX_LISTED`] that have not simply an entry of their own.
    pub listed: Vec<Unresolved>,
}

/// An accession that is not simply there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// The accession.
    pub accession: Accession,
    /// The name of its bucket.
    pub outcome: String,
    /// What took its place, separated by commas.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub detail: String,
}

/// The bucket of an accession, and what there is to know besides.
pub fn bucket(name: &Accession, record: Option<&Record>) -> (&'static str, String) {
    match record {
        Some(record) => (record.outcome.name(), record.outcome.detail()),
        None if name.is_uniprot() => (UNKNOWN, String::new()),
        None => (FOREIGN, String::new()),
    }
}

impl Audit {
    /// How many accessions are listed.
    pub const MAX_LISTED: usize = 1000;

    pub(super) fn new(
        names: &BTreeSet<&Accession>,
        records: &BTreeMap<Accession, Record>,
        url: &BaseUrl,
        requests: usize,
    ) -> Self {
        let mut audit = Self { address: url.to_string(), requests, ..Self::default() };
        for name in names {
            let record = records.get(*name);
            let (outcome, detail) = bucket(name, record);
            *audit.outcomes.entry(outcome.to_owned()).or_default() += 1;
            let release = record.map(|record| record.release.clone());
            audit.releases.extend(release.filter(|release| !release.is_empty()));
            let simple = record.is_some_and(|record| record.outcome == Outcome::Current);
            if !simple && audit.listed.len() < Self::MAX_LISTED {
                let (accession, outcome) = ((*name).clone(), outcome.to_owned());
                audit.listed.push(Unresolved { accession, outcome, detail });
            }
        }
        audit
    }

    /// The accessions of an outcome.
    pub fn count(&self, outcome: &str) -> usize {
        self.outcomes.get(outcome).copied().unwrap_or_default()
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.accession.fmt(f)?;
        match self.detail.as_str() {
            "" => Ok(()),
            detail => write!(f, " (now {detail})"),
        }
    }
}

impl fmt::Display for Audit {
    /// One line: the counts in the order of [`Outcome::NAMES`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accessions", self.outcomes.values().sum::<usize>())?;
        for name in Outcome::NAMES.into_iter().chain([FOREIGN, UNKNOWN]) {
            match self.count(name) {
                0 => {}
                count => write!(f, ", {count} {}", name.replace('_', " "))?,
            }
        }
        write!(f, "; {} request(s)", self.requests)?;
        let releases: Vec<_> = self.releases.iter().map(String::as_str).collect();
        match releases.as_slice() {
            [] => Ok(()),
            releases => write!(f, ", release {}", releases.join(", ")),
        }
    }
}
