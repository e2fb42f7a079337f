//! The dry run: everything that can be known before computing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use tracing::info;

use super::data::{self, Data};
use super::{Error, Run, identity, resolve_device, space, survey};
use crate::dataset::Part;
use crate::device::ComputeDevice;
use crate::digest::Digest;
use crate::embeddings::esm2::Encoder;
use crate::embeddings::{EmbeddingDtype, EmbeddingSpace};
use crate::protein::ProteinSequence;
use crate::storage::{self, FreeSpace};
use crate::training::CheckpointFolder;

/// Numbers per parameter in a checkpoint: its value, the best epoch's, and the two moments of Adam.
const CHECKPOINT_NUMBERS: u64 = 4;
/// Two checkpoints are kept while a third is written.
const CHECKPOINTS: u64 = 3;

/// What a run would do, shown as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The run's name.
    pub run_id: String,
    /// Backend and device.
    pub engine: String,
    /// Distinct sequences.
    pub sequences: usize,
    /// Those whose embeddings are in the store.
    pub cached: usize,
    /// The pairs of training, validation and test.
    pub pairs: [usize; 3],
    /// Passes over the training part.
    pub epochs: usize,
    /// Trainings, each with a seed of its own.
    pub seeds: usize,
    /// The step of the checkpoint that it, or the first training, would go on from.
    pub step: Option<u64>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run_id, engine, sequences, cached, epochs, seeds, .. } = self;
        let [train, validation, test] = self.pairs;
        write!(
            f,
            "would embed {} of {sequences} sequences ({cached} are in the store), train on {train} \
             pairs for {epochs} epochs in all ",
            sequences - cached
        )?;
        if *seeds > 1 {
            write!(f, "with each of {seeds} seeds, the first ")?;
        }
        f.write_str("from ")?;
        match self.step {
            Some(step) => write!(f, "the checkpoint of step {step}")?,
            None => f.write_str("the start")?,
        }
        write!(f, ", choose on {validation} and test on {test}: run {run_id} on {engine}")
    }
}

/// What [`super::train`] would do, or all that keeps it from beginning.
///
/// Reads all input, opens the encoder and the store, and tries the bucket, as `train` does, but
/// embeds and trains nothing and counts no attempt.
pub fn check(run: &Run<'_>) -> Result<Plan, Vec<Error>> {
    let mut problems = Vec::new();
    let device = noted(resolve_device(run.config), &mut problems);
    let data = noted(data::read(run.reading(), || ()), &mut problems);
    let encoder = noted(run.open_encoder(), &mut problems);
    let (Some(device), Some(data), Some((encoder, _))) = (device, data, encoder) else {
        return Err(problems);
    };
    info!("encoder: {}", encoder.identity().name);
    let (device, config) = device;
    plan(&Run { config: &config, ..*run }, &device, &data, &encoder)
        .map_err(|problem| vec![problem])
}

fn noted<T, E: Into<Error>>(result: Result<T, E>, problems: &mut Vec<Error>) -> Option<T> {
    result.map_err(|problem| problems.push(problem.into())).ok()
}

fn plan(
    run: &Run<'_>,
    device: &ComputeDevice,
    data: &Data,
    encoder: &Encoder,
) -> Result<Plan, Error> {
    let places = run.places;
    let space = space(run.config, device, encoder)?;
    let identity = identity(run.config, &space, data);
    let remote = places.cache.remote.as_ref();
    let step = CheckpointFolder::newest_step(&places.checkpoints, &identity, remote)?;

    let sequences: BTreeSet<Digest> =
        data.protein_sequences().map(ProteinSequence::digest).collect();
    let cached = survey::cached(&places.cache, &space, &device.name, sequences.iter())?.len();

    check_room(run, &space, encoder, sequences.len() - cached)?;
    let count = |part| {
        let counts = &data.dataset.manifest.parts.get(part).counts;
        counts.positives + counts.negatives
    };
    Ok(Plan {
        run_id: identity.id,
        engine: device.name.clone(),
        sequences: sequences.len(),
        cached,
        pairs: [Part::Train, Part::Validation, Part::Test].map(count),
        epochs: run.config.training.epochs,
        seeds: run.config.seeds,
        step,
    })
}

/// An error if a disk has not the room for what the run will write.
fn check_room(
    run: &Run<'_>,
    space: &EmbeddingSpace,
    encoder: &Encoder,
    missing: usize,
) -> Result<(), Error> {
    let width = match space.stored {
        EmbeddingDtype::F32 => 4,
        EmbeddingDtype::F16 => 2,
    };
    let embeddings = missing as u64 * space.dimension as u64 * width;
    let classifier = 4 * run.config.classifier.parameters(space.dimension);
    let bundled: u64 = match run.config.bundle_encoder {
        true => encoder.sources().iter().map(|file| file.bytes).sum(),
        false => 0,
    };
    let checkpoints = classifier
        .saturating_mul(CHECKPOINT_NUMBERS * CHECKPOINTS)
        .saturating_mul(run.config.seeds as u64);
    let places = run.places;
    let needs: [(&Path, u64); 3] = [
        (&places.cache.folder, embeddings),
        (&places.checkpoints, checkpoints),
        (&places.model, classifier + bundled),
    ];
    let mut rooms = Vec::new();
    for (folder, bytes) in needs {
        rooms.push((folder, bytes, storage::free_space(folder)?));
    }
    match shortage(&rooms) {
        Some((folder, needed, free)) => Err(Error::NoRoom { folder, needed, free }),
        None => Ok(()),
    }
}

/// The first disk that has less room than is needed there in all: a folder on it, what is needed
/// and what is free.
fn shortage(needs: &[(&Path, u64, FreeSpace)]) -> Option<(PathBuf, u64, u64)> {
    let mut disks: BTreeMap<u64, (&Path, u64, u64)> = BTreeMap::new();
    for (folder, bytes, free) in needs {
        let disk = disks.entry(free.device).or_insert((folder, 0, free.bytes));
        disk.1 = disk.1.saturating_add(*bytes);
    }
    let short = disks.into_values().find(|(_, needed, free)| needed > free);
    short.map(|(folder, needed, free)| (folder.to_owned(), needed, free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_disk_share_its_room() {
        let (a, b) = (Path::new("a"), Path::new("b"));
        let free = |device, bytes| FreeSpace { device, bytes };
        assert_eq!(shortage(&[(a, 60, free(1, 100)), (b, 60, free(2, 100))]), None);
        let short = shortage(&[(a, 60, free(1, 100)), (b, 60, free(1, 100))]);
        assert_eq!(short, Some((a.to_owned(), 120, 100)));
        assert_eq!(shortage(&[(a, 100, free(1, 100))]), None);
    }
}
