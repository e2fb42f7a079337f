//! Embeddings: one vector per protein from ESM-2, kept in a content-addressed store.

pub mod esm2;
mod plan;
mod space;
mod store;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::digest::Digest;
use crate::progress::{Event, Observer, Task};
use crate::protein::ProteinSequence;
use crate::shutdown::Shutdown;
use esm2::{Encoder, EncoderError, Esm2, PackedBatch};
use plan::{PlannedSequence, UnitPlan};
pub use space::EmbeddingSpace;
pub use store::{EmbeddingStore, Row, StoreError};

/// How sequences become vectors. Every field but the token budget is part of the embedding space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Residues the encoder sees at once; longer sequences are truncated or windowed.
    pub max_residues: usize,
    /// What becomes of longer sequences.
    pub long_sequences: LongSequences,
    /// The number format of the forward pass.
    pub precision: Precision,
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

/// The number format of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
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

/// Why embedding stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The encoder cannot be used.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encoder produced a number that is none.
    #[error(
        "the encoder gives a value that is not finite for the sequence with SHA-256 `{0}`; its \
         weights are damaged or do not suit the precision"
    )]
    NotFinite(Digest),
    /// A stop was asked for; what was computed is in the store.
    #[error("embedding was interrupted; what was computed is kept")]
    Interrupted,
}

/// What computes embeddings, and who watches.
pub struct Job<'a> {
    /// The encoder's files.
    pub encoder: &'a Encoder,
    /// Where the encoder runs.
    pub device: &'a Device,
    /// Tokens per batch where the settings leave it to the device.
    pub default_token_budget: usize,
    /// How sequences become vectors.
    pub settings: &'a Settings,
    /// Told about progress, in residues.
    pub observer: &'a dyn Observer,
    /// Read between batches.
    pub shutdown: &'a Shutdown,
}

/// What an embedding run found and did, in distinct sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Asked for.
    pub total: usize,
    /// Found in the store.
    pub cached: usize,
    /// Computed now.
    pub computed: usize,
    /// Neither found nor computed.
    pub missing: usize,
    /// Longer than the encoder sees at once, and therefore truncated or windowed.
    pub long: usize,
}

/// Brings the embeddings of all `sequences` into `store`, computing those that are not there.
///
/// The encoder is loaded only if something is missing. Units are computed and appended whole.
pub fn embed(
    job: &Job<'_>,
    store: &mut EmbeddingStore,
    sequences: &[&ProteinSequence],
) -> Result<Report, Error> {
    let distinct: BTreeMap<Digest, &ProteinSequence> =
        sequences.iter().map(|sequence| (sequence.digest(), *sequence)).collect();
    let absent = |store: &EmbeddingStore| -> BTreeSet<Digest> {
        distinct.keys().filter(|digest| !store.contains(digest)).copied().collect()
    };
    let missing = absent(store);
    let long = distinct.values().filter(|s| s.len() > job.settings.max_residues).count();
    if !missing.is_empty() {
        let model = job.encoder.load(job.device)?;
        let units = units(job, store, &distinct, &missing)?;
        compute(job, &model, store, &distinct, &units)?;
    }
    store.seal()?;
    let left = absent(store).len();
    let report = Report {
        total: distinct.len(),
        cached: distinct.len() - missing.len(),
        computed: missing.len() - left,
        missing: left,
        long,
    };
    let Report { total, cached, computed, missing, long } = report;
    info!(
        "embeddings total={total} cached={cached} computed={computed} missing={missing} long={long}"
    );
    Ok(report)
}

/// The units that still have to be computed, from the plan that was written first.
fn units(
    job: &Job<'_>,
    store: &EmbeddingStore,
    sequences: &BTreeMap<Digest, &ProteinSequence>,
    missing: &BTreeSet<Digest>,
) -> Result<Vec<Vec<Digest>>, Error> {
    let budget = job.settings.token_budget.unwrap_or(job.default_token_budget);
    let cut = |digests: &BTreeSet<Digest>| {
        let planned = digests.iter().filter_map(|digest| sequences.get(digest)).map(|sequence| {
            let windows = windows::windows(sequence.len(), job.settings);
            let tokens = windows.iter().map(|window| window.len() + 2).sum();
            PlannedSequence { digest: sequence.digest(), tokens }
        });
        UnitPlan::new(planned.collect(), budget)
    };
    let ours = serde_json::to_vec(&cut(missing)).unwrap_or_default();
    let set = plan::set_digest(sequences.keys().copied());
    let stored = store.plan_once(&set, &ours)?;
    // A plan that does not parse was damaged; ours replaces it for this attempt.
    let plan: UnitPlan = serde_json::from_slice(&stored).unwrap_or_else(|_| cut(missing));
    let mut units: Vec<Vec<Digest>> = plan.units;
    units.retain(|unit| unit.iter().any(|digest| missing.contains(digest)));
    // Rows that the plan took for granted and that were lost since.
    let planned: BTreeSet<Digest> = units.iter().flatten().copied().collect();
    let lost: BTreeSet<Digest> = missing.difference(&planned).copied().collect();
    units.extend(cut(&lost).units);
    Ok(units)
}

/// Computes and appends unit after unit.
fn compute(
    job: &Job<'_>,
    model: &Esm2,
    store: &mut EmbeddingStore,
    sequences: &BTreeMap<Digest, &ProteinSequence>,
    units: &[Vec<Digest>],
) -> Result<(), Error> {
    let task = Task::Embedding;
    let residues_of = |unit: &[Digest]| -> u64 {
        unit.iter().filter_map(|digest| sequences.get(digest)).map(|s| s.len() as u64).sum()
    };
    let total = sequences.values().map(|sequence| sequence.len() as u64).sum();
    let left: u64 = units.iter().map(|unit| residues_of(unit)).sum();
    job.observer.observe(Event::Started { task, done: total - left.min(total), total });
    for unit in units {
        if job.shutdown.requested() {
            store.seal()?;
            return Err(Error::Interrupted);
        }
        let members: Vec<_> = unit.iter().filter_map(|d| sequences.get(d).copied()).collect();
        store.append(embed_unit(job, model, &members)?)?;
        job.observer.observe(Event::Advanced { task, units: residues_of(unit) });
    }
    job.observer.observe(Event::Finished { task });
    Ok(())
}

/// The embeddings of the sequences of one unit.
fn embed_unit(
    job: &Job<'_>,
    model: &Esm2,
    members: &[&ProteinSequence],
) -> Result<Vec<Row>, Error> {
    let budget = job.settings.token_budget.unwrap_or(job.default_token_budget);
    let mut batch = PackedBatch::default();
    let mut pooled: Vec<f32> = Vec::new();
    let mut flush = |batch: &mut PackedBatch| {
        if !batch.is_empty() {
            pooled.extend(model.embed(&std::mem::take(batch)).into_data().iter::<f32>());
        }
    };
    let mut parts = Vec::new();
    for (member, sequence) in members.iter().enumerate() {
        for window in windows::windows(sequence.len(), job.settings) {
            let tokens = esm2::tokenize(&sequence.residues()[window.clone()]);
            if batch.len() + tokens.len() > budget {
                flush(&mut batch);
            }
            batch.push(&tokens);
            parts.push((member, window.len()));
        }
    }
    flush(&mut batch);

    let dimension = job.encoder.config().hidden_size;
    let mut rows = pooled.chunks_exact(dimension);
    let mut embedded = Vec::with_capacity(members.len());
    for windows in parts.chunk_by(|one, other| one.0 == other.0) {
        let sequence = members[windows[0].0];
        let weighted: Vec<_> = windows.iter().map(|part| part.1).zip(&mut rows).collect();
        let values = match weighted.as_slice() {
            [(_, only)] => only.to_vec(),
            several => windows::average(several),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite(sequence.digest()));
        }
        let residues = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
        embedded.push(Row { key: sequence.digest(), residues, values });
    }
    Ok(embedded)
}
