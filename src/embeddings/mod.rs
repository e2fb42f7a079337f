//! Embeddings: one vector per protein from ESM-2, kept in a content-addressed store.

mod batches;
mod begun;
mod compute;
mod error;
pub mod esm2;
mod footprint;
mod plan;
mod reductions;
mod space;
mod store;
mod units;
mod windows;
mod worker;

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::device::{self, ComputeDevice, OutOfMemory};
pub use crate::device::{Precision, PrecisionChoice};
use crate::digest::Digest;
use crate::progress::Observer;
use crate::protein::ProteinSequence;
use crate::shutdown::Shutdown;
use crate::storage::sync::SharedFolder;
pub use error::{Error, TooLarge};
use esm2::{Encoder, Esm2};
pub use space::EmbeddingSpace;
pub use store::upkeep;
pub use store::{CacheLocation, EmbeddingStore, Pin, Row, StoreError};
use worker::Compute;

/// How sequences become vectors. Every field but the token budget is part of the embedding space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Residues the encoder sees at once; longer sequences are truncated or windowed.
    pub max_residues: usize,
    /// What becomes of longer sequences.
    pub long_sequences: LongSequences,
    /// The number format of the forward pass.
    pub precision: PrecisionChoice,
    /// The number format of stored embeddings.
    pub embedding_dtype: EmbeddingDtype,
    /// Tokens per batch; `None` lets the device decide.
    pub token_budget: Option<usize>,
}

/// What becomes of sequences over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongSequences {
    /// The residues after the limit are ignored.
    Truncate,
    /// Overlapping windows, averaged by their number of residues.
    Window,
}

/// The number format of stored embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingDtype {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point: half the space, rounded.
    F16,
}

/// The tokens of each piece of a sequence of so many residues that the encoder sees at once, with
/// `<cls>` and `<eos>`.
pub fn token_lengths(residues: usize, settings: &Settings) -> Vec<usize> {
    windows::windows(residues, settings).into_iter().map(|window| window.len() + 2).collect()
}

/// What computes embeddings, and who watches.
pub struct Job<'a> {
    /// The encoder's files.
    pub encoder: &'a Encoder,
    /// Where the encoder runs.
    pub device: &'a ComputeDevice,
    /// The number format of the forward pass there.
    pub precision: Precision,
    /// How sequences become vectors.
    pub settings: &'a Settings,
    /// Told about progress, in residues.
    pub observer: &'a dyn Observer,
    /// Read between batches.
    pub shutdown: &'a Shutdown,
}

impl Job<'_> {
    /// Tokens per batch and per unit.
    fn token_budget(&self) -> usize {
        let default =
            || footprint::token_budget(self.device, self.encoder.config(), self.precision.bytes());
        self.settings.token_budget.unwrap_or_else(default)
    }
}

/// What an embedding run found and did, in distinct sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Asked for.
    pub total: usize,
    /// Found in the store.
    pub cached: usize,
    /// Computed now, here or by another machine.
    pub computed: usize,
    /// Longer than the encoder sees at once, and therefore truncated or windowed.
    pub long: usize,
}

/// The embeddings of `sequences` in their order, `[sequences, dimension]`, after computing those
/// that are not in `store`.
pub fn table(
    job: &Job<'_>,
    store: &mut EmbeddingStore,
    sequences: &[&ProteinSequence],
) -> Result<Vec<f32>, Error> {
    embed(job, store, sequences)?;
    let keys: Vec<Digest> = sequences.iter().map(|sequence| sequence.digest()).collect();
    match store.load(&keys) {
        Err(StoreError::Storage(error)) if error.is_absent() => {
            store.look_again()?;
            Ok(store.load(&keys)?)
        }
        table => Ok(table?),
    }
}

/// A table of embeddings that stays the same over the attempts of a run.
#[derive(Clone, Debug)]
pub struct PinnedTable {
    /// `[sequences, dimension]`.
    pub values: Vec<f32>,
    /// The digest of the sequences and their values.
    pub digest: Digest,
}

/// As [`table`], from the rows that the first attempt of the run read, whatever other jobs have
/// added to the store since. `run` is the run's folder, which holds the pin.
pub fn pinned_table(
    job: &Job<'_>,
    store: &mut EmbeddingStore,
    sequences: &[&ProteinSequence],
    run: &SharedFolder,
) -> Result<PinnedTable, Error> {
    let earlier = Pin::of(run, store)?;
    if let Some(pin) = &earlier {
        store.follow(pin)?;
    }
    let values = table(job, store, sequences)?;
    let keys: Vec<Digest> = sequences.iter().map(|sequence| sequence.digest()).collect();
    let ours = Pin::new(store, &keys, &values);
    if earlier.is_none() {
        // Who reads the pin elsewhere needs the shards it names.
        store.wait_for_uploads(job.shutdown);
    }
    let pin = ours.create_once(run, store)?;
    if pin.table_digest() == ours.table_digest() {
        return Ok(PinnedTable { values, digest: ours.table_digest() });
    }
    if earlier.is_none() {
        // Another attempt was faster: its rows are the run's.
        return pinned_table(job, store, sequences, run);
    }
    warn!(
        "embeddings that this run was trained on were lost and computed again with other last bits: \
         the result is not bit-identical"
    );
    Ok(PinnedTable { values, digest: ours.table_digest() })
}

/// Brings the embeddings of all `sequences` into `store`, computing those that are not there.
///
/// The encoder is loaded only if something is missing. Units are computed and appended whole;
/// whatever stops the computation, what was appended is sealed.
pub fn embed(
    job: &Job<'_>,
    store: &mut EmbeddingStore,
    sequences: &[&ProteinSequence],
) -> Result<Report, Error> {
    embed_with(job, store, sequences, &|| load(job))
}

/// The encoder on each device, once where a device is named several times.
fn load(job: &Job<'_>) -> Result<Vec<Compute>, Error> {
    let mut models: Vec<(&Device, Esm2)> = Vec::new();
    let mut load = |device| -> Result<Esm2, Error> {
        if let Some((_, model)) = models.iter().find(|(other, _)| *other == device) {
            return Ok(model.clone());
        }
        let loaded = device::with_memory(|| job.encoder.load(device, job.precision));
        let model = loaded.map_err(|OutOfMemory| Error::NoMemoryForEncoder)??;
        models.push((device, model.clone()));
        Ok(model)
    };
    let devices = &job.device.encoder;
    let side_by_side = devices.len() > 1;
    devices.iter().map(|device| Ok(worker::encoding(load(device)?, side_by_side))).collect()
}

/// The same with any encoder: what `load` gives, one per device.
fn embed_with(
    job: &Job<'_>,
    store: &mut EmbeddingStore,
    sequences: &[&ProteinSequence],
    load: &dyn Fn() -> Result<Vec<Compute>, Error>,
) -> Result<Report, Error> {
    let distinct: BTreeMap<Digest, &ProteinSequence> =
        sequences.iter().map(|sequence| (sequence.digest(), *sequence)).collect();
    let mut too_large: BTreeMap<Digest, usize> = BTreeMap::new();
    let absent = |store: &EmbeddingStore, too_large: &BTreeMap<Digest, usize>| {
        let wanted = distinct.keys().filter(|digest| !too_large.contains_key(digest));
        wanted.filter(|digest| !store.contains(digest)).copied().collect::<BTreeSet<Digest>>()
    };
    let keys: Vec<Digest> = distinct.keys().copied().collect();
    store.fetch(&keys)?;
    let missing = absent(store, &too_large);
    let long = distinct.values().filter(|s| s.len() > job.settings.max_residues).count();
    if long > 0 {
        warn_of_long(long, job.settings);
    }
    let mut left = missing.clone();
    // More than once only if what other machines added meanwhile turns out to be of no use.
    while !left.is_empty() {
        if job.shutdown.requested() {
            return Err(Error::Interrupted);
        }
        let devices = load()?;
        let (units, budgets) = units::units(job, store, &distinct, &left)?;
        let computed = compute::compute(job, devices, store, &distinct, units, budgets);
        store.seal()?;
        too_large.extend(computed?.into_iter().map(|s| (s.digest(), s.len())));
        store.fetch(&keys)?;
        left = absent(store, &too_large);
    }
    // Another machine may have had the memory.
    too_large.retain(|digest, _| !store.contains(digest));
    if !too_large.is_empty() {
        return Err(Error::out_of_memory(too_large));
    }
    let report = Report {
        total: distinct.len(),
        cached: distinct.len() - missing.len(),
        computed: missing.len(),
        long,
    };
    let Report { total, cached, computed, long } = report;
    info!("embeddings total={total} cached={cached} computed={computed} missing=0 long={long}");
    Ok(report)
}

fn warn_of_long(long: usize, settings: &Settings) {
    let limit = settings.max_residues;
    match settings.long_sequences {
        LongSequences::Truncate => warn!(
            "{long} sequence(s) have more than {limit} residues, and the rest of each is ignored; \
             `long_sequences=window` averages over the whole sequence"
        ),
        LongSequences::Window => warn!(
            "{long} sequence(s) have more than {limit} residues and are embedded in windows of that \
             length"
        ),
    }
}

#[cfg(test)]
mod tests;
