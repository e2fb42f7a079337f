//! Answers of earlier fetches: write-once files named by their digest, on the disk and in the
//! bucket.
//!
//! A file holds what one or a few requests answered, as gzip JSON. Of several files that know an
//! accession, the one of the newest release counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::error::Error;
use super::record::{Outcome, Record};
use crate::digest::Digest;
use crate::protein::{Accession, ProteinSequence};
use crate::storage;
use crate::storage::sync::{KeptFiles, KeptKind, Remote, SharedError, unless_away};

const SCHEMA: &str = "dyad.uniprot.v1";
/// Below the folder of the cache.
const FOLDER: &str = "uniprot/v1";
/// Below the prefix of the bucket, beside the embeddings.
const PREFIX: &str = "cache/uniprot/v1/";
const ENDING: &str = ".json.gz";
/// A thousand of the longest proteins come to less than its limit.
const ANSWER: KeptKind = KeptKind { name: "an answer of UniProt", prefix: PREFIX, limit: 64 << 20 };
const MAX_UNPACKED: u64 = 256 << 20;

/// Where answers are kept.
#[derive(Clone, Debug)]
pub struct KeptAnswers(KeptFiles);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    schema: String,
    records: BTreeMap<Accession, Line>,
}

/// A record as it is stored.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    outcome: Outcome,
    release: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    residues: Option<String>,
}

impl KeptAnswers {
    /// Answers in the cache folder `cache`, shared through a bucket.
    pub fn new(cache: &Path, remote: Option<Remote>) -> Self {
        Self(KeptFiles::new(cache.join(FOLDER), remote, ANSWER))
    }

    /// Everything that is kept, here and there. What is damaged is left out and asked for again.
    pub fn read(&self) -> Result<BTreeMap<Accession, Record>, Error> {
        let here = digests(storage::list(self.0.folder())?);
        let there = self.distant()?;
        let mut records = BTreeMap::new();
        for digest in here.union(&there) {
            let (name, verify) = (name(digest), |bytes: &[u8]| verified(digest, bytes));
            let read = match here.contains(digest) {
                true => self.0.read_here(&name, verify)?,
                false => None,
            };
            let read = match read {
                None if there.contains(digest) => self.0.fetch(&name, verify)?,
                read => read,
            };
            for (accession, record) in read.unwrap_or_default() {
                add(&mut records, accession, record);
            }
        }
        self.offer(here.difference(&there))?;
        Ok(records)
    }

    /// Keeps records. What the bucket does not take stays on the disk and is offered again.
    pub fn keep(&self, records: &BTreeMap<Accession, Record>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let bytes = encode(records);
        Ok(self.0.keep(&name(&Digest::of(&bytes)), &bytes)?)
    }

    /// The files in the bucket; while it does not answer, none.
    fn distant(&self) -> Result<BTreeSet<Digest>, SharedError> {
        let Some(remote) = self.0.remote() else { return Ok(BTreeSet::new()) };
        let listing = unless_away(
            remote.objects().list(PREFIX),
            "answers of UniProt in S3 are left out: what is missing is asked for",
        )?;
        let objects = listing.into_iter().flat_map(|listing| listing.objects);
        Ok(digests(objects.map(|object| object.name)))
    }

    /// Uploads what the bucket lacks.
    fn offer<'d>(&self, digests: impl Iterator<Item = &'d Digest>) -> Result<(), SharedError> {
        if self.0.remote().is_none() {
            return Ok(());
        }
        let mut offered = 0;
        for digest in digests {
            // One that has gone to quarantine meanwhile is offered by nobody.
            offered += usize::from(self.0.offer(&name(digest))?);
        }
        if offered > 0 {
            info!("{offered} answer(s) of UniProt offered to S3");
        }
        Ok(())
    }
}

fn name(digest: &Digest) -> String {
    format!("{digest}{ENDING}")
}

/// Adds a record unless one of a newer release is there; of two of one release, the first by the
/// name of its file.
fn add(records: &mut BTreeMap<Accession, Record>, accession: Accession, record: Record) {
    let newer = |there: &Record| record.release > there.release;
    if records.get(&accession).is_none_or(newer) {
        records.insert(accession, record);
    }
}

fn digests(names: impl IntoIterator<Item = String>) -> BTreeSet<Digest> {
    let digest = |name: String| name.strip_suffix(ENDING)?.parse().ok();
    names.into_iter().filter_map(digest).collect()
}

fn encode(records: &BTreeMap<Accession, Record>) -> Vec<u8> {
    let line = |record: &Record| Line {
        outcome: record.outcome.clone(),
        release: record.release.clone(),
        residues: record.sequence().map(|sequence| sequence.residues().to_owned()),
    };
    let records = records.iter().map(|(name, record)| (name.clone(), line(record))).collect();
    let answers = Answers { schema: SCHEMA.to_owned(), records };
    // Texts always serialise, and writing to memory cannot fail.
    let json = serde_json::to_vec(&answers).unwrap_or_default();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let written = gzip.write_all(&json).and_then(|()| gzip.finish());
    written.unwrap_or_default()
}

/// The records of a file whose name is its digest, or what is wrong with it.
fn verified(name: &Digest, bytes: &[u8]) -> Result<BTreeMap<Accession, Record>, String> {
    if Digest::of(bytes) != *name {
        return Err("its SHA-256 is not its name".to_owned());
    }
    let json = storage::gunzip(bytes, MAX_UNPACKED).map_err(|error| error.to_string())?;
    let answers: Answers = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    if answers.schema != SCHEMA {
        return Err(format!("it is of the format `{}`", answers.schema));
    }
    let records = answers.records.into_iter().map(|(name, line)| {
        let residues = line.residues.map(|residues| residues.parse::<ProteinSequence>());
        let sequence = residues.transpose().map_err(|error| format!("`{name}`: {error}"))?;
        let record = Record::new(line.outcome, &line.release, sequence);
        Ok((name.clone(), record.ok_or_else(|| format!("`{name}` does not fit its outcome"))?))
    });
    records.collect()
}

#[cfg(test)]
mod tests;
