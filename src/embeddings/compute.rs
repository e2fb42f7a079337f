//! Running the encoder: unit after unit, batch after batch.

use std::collections::{BTreeMap, VecDeque};

use rand::seq::SliceRandom;
use tracing::debug;

use super::esm2::{self, Esm2, PackedBatch};
use super::worker::Worker;
use super::{EmbeddingDtype, EmbeddingStore, Error, Job, Row, plan, windows};
use crate::digest::Digest;
use crate::progress::{Event, Task};
use crate::protein::ProteinSequence;

/// Computes and appends unit after unit.
///
/// A unit is appended whole or, if a stop is asked for between two of its batches or one takes too
/// long then, not at all. A log line of level `debug` names each before it is computed: `unit` is
/// the SHA-256 of its sequences' digests, sorted, 32 bytes each. What other machines compute
/// meanwhile is left out. Where others may be at work, only the first unit has a fixed place: the
/// longest, it shows whether memory suffices. The others come in an order of each machine's own, so
/// that it finds most of what it comes to undone. The order changes no bit.
pub(super) fn compute(
    job: &Job<'_>,
    model: Esm2,
    store: &mut EmbeddingStore,
    sequences: &BTreeMap<Digest, &ProteinSequence>,
    units: &[Vec<Digest>],
) -> Result<(), Error> {
    let task = Task::Embedding;
    let residues_of = |unit: &[Digest]| -> u64 {
        unit.iter().filter_map(|digest| sequences.get(digest)).map(|s| s.len() as u64).sum()
    };
    let total = sequences.values().map(|sequence| sequence.len() as u64).sum();
    // Units that are computed again count as not done, though some of their rows are there.
    let left: u64 = units.iter().map(|unit| residues_of(unit)).sum();
    job.observer.observe(Event::Started { task, done: total - left.min(total), total });
    let mut worker = Worker::encoding(model);
    let mut waiting: VecDeque<&Vec<Digest>> = units.iter().collect();
    if store.is_shared()
        && let Some((_, others)) = waiting.make_contiguous().split_first_mut()
    {
        others.shuffle(&mut rand::rng());
    }
    while let Some(unit) = waiting.pop_front() {
        if unit.iter().all(|digest| store.contains(digest)) {
            // Another machine was faster.
            job.observer.observe(Event::Advanced { task, units: residues_of(unit) });
            continue;
        }
        debug!(unit = %plan::set_digest(unit.iter().copied()), sequences = unit.len(), "embedding");
        let members: Vec<_> = unit.iter().filter_map(|d| sequences.get(d).copied()).collect();
        store.append(embed_unit(job, &mut worker, &members)?)?;
        store.wait_for_room(&job.shutdown.flag());
        job.observer.observe(Event::Advanced { task, units: residues_of(unit) });
        store.look_for_others()?;
    }
    job.observer.observe(Event::Finished { task });
    Ok(())
}

/// The embeddings of the sequences of one unit.
fn embed_unit(
    job: &Job<'_>,
    worker: &mut Worker,
    members: &[&ProteinSequence],
) -> Result<Vec<Row>, Error> {
    let mut batches: Vec<PackedBatch> = Vec::new();
    let mut parts = Vec::new();
    for (member, sequence) in members.iter().enumerate() {
        for window in windows::windows(sequence.len(), job.settings) {
            let tokens = esm2::tokenize(&sequence.residues()[window.clone()]);
            match batches.last_mut() {
                Some(batch) if batch.len() + tokens.len() <= job.token_budget() => {
                    batch.push(&tokens);
                }
                _ => batches.push(PackedBatch::of(&tokens)),
            }
            parts.push((member, window.len()));
        }
    }
    let mut pooled: Vec<f32> = Vec::new();
    for batch in batches {
        if job.shutdown.requested() {
            return Err(Error::Interrupted);
        }
        pooled.extend(worker.run(batch, job.shutdown)?);
    }

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
        if !values.iter().all(|value| is_storable(*value, job.settings.embedding_dtype)) {
            return Err(Error::NotFinite(sequence.digest()));
        }
        let residues = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
        embedded.push(Row { key: sequence.digest(), residues, values });
    }
    Ok(embedded)
}

/// Whether `value` is a number, and stays one when it is stored.
fn is_storable(value: f32, stored: EmbeddingDtype) -> bool {
    match stored {
        EmbeddingDtype::F32 => value.is_finite(),
        EmbeddingDtype::F16 => half::f16::from_f32(value).is_finite(),
    }
}
