//! Trainings and a scoring of the classifier.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tracing::info;

use super::{CalibrateError, SEED, Subject};
use crate::classifier::{self, EmbeddingTable, PairClassifier};
use crate::dataset::Example;
use crate::device::ComputeDevice;
use crate::digest::Digest;
use crate::progress::{Event, Observer, Task};
use crate::shutdown::Shutdown;
use crate::storage::ScratchFolder;
use crate::training::{self, CheckpointFolder, OnBadCheckpoint, RunIdentity};

/// Time for one training.
const TRAINING_TIME: Duration = Duration::from_millis(1500);
/// Proteins and pairs of the trainings and the scoring.
const PROTEINS: u32 = 500;
const PAIRS: usize = 100_000;
/// Another number of pairs per step tells the cost of a step from that of its pairs: so many times
/// smaller where there is room, else larger. Not far away, for large steps leave the caches.
const BATCH_RATIO: usize = 4;

/// Seconds of training.
pub(super) struct StepTimes {
    /// A step of next to nothing.
    pub(super) alone: f64,
    /// A step, whatever its number of pairs.
    pub(super) fixed: f64,
    /// Each of its pairs.
    pub(super) pair: f64,
}

/// The steps of trainings of the configured classifier, and of next to nothing.
pub(super) fn step_times(
    subject: &Subject<'_>,
    dimension: usize,
    scratch: &ScratchFolder,
) -> Result<StepTimes, CalibrateError> {
    // A training of one step would show no time.
    let (size, settings) = (subject.batch_size.min(PAIRS / 16), subject.classifier);
    let other = if size >= 64 { size / BATCH_RATIO } else { size * BATCH_RATIO };
    let tiny = classifier::Settings { hidden_sizes: vec![8], dropout: settings.dropout };
    let table = random_table(subject.device, dimension);
    let tiny_table = random_table(subject.device, 8);
    let alone = step_time(subject, &tiny_table, &tiny, 2, scratch)?;
    let one = step_time(subject, &table, settings, size, scratch)?;
    let two = step_time(subject, &table, settings, other, scratch)?;
    let pair = ((two - one) / (other as f64 - size as f64)).max(one / size as f64 / 100.0);
    let fixed = (one - pair * size as f64).max(0.0);
    info!("training: {:.0} pairs/s in steps of {size}", size as f64 / one);
    Ok(StepTimes { alone: alone.min(fixed), fixed, pair })
}

/// Seconds per step of a training that is stopped after a while.
fn step_time(
    subject: &Subject<'_>,
    table: &EmbeddingTable,
    classifier: &classifier::Settings,
    batch_size: usize,
    scratch: &ScratchFolder,
) -> Result<f64, CalibrateError> {
    let pairs = random_pairs();
    let settings = training::Settings {
        epochs: 1,
        batch_size,
        learning_rate: 1e-4,
        patience: 0,
        checkpoint_seconds: 3600,
        on_bad_checkpoint: OnBadCheckpoint::Restart,
        seed: SEED,
    };
    let [_, dimension] = table.dims();
    let name = format!("{dimension} {batch_size} {:?}", classifier.hidden_sizes);
    let run = RunIdentity::of(Digest::of(name.as_bytes()));
    let checkpoints =
        CheckpointFolder::open(scratch.path(), &run, None).map_err(training::Error::from)?;
    let shutdown = Shutdown::default();
    let clock = StepClock { shutdown: &shutdown, steps: Mutex::default() };
    training::train(&training::Job {
        settings: &settings,
        classifier,
        table: table.clone(),
        engine: &subject.device.name,
        pin: None,
        train: &pairs,
        validation: &pairs[..2],
        checkpoints: &checkpoints,
        gives_model: false,
        observer: &clock,
        shutdown: &shutdown,
    })?;
    Ok(clock.seconds_per_pair() * batch_size as f64)
}

/// Stops a training after [`TRAINING_TIME`], and knows how long its pairs took.
struct StepClock<'a> {
    shutdown: &'a Shutdown,
    steps: Mutex<Vec<(Instant, u64)>>,
}

impl Observer for StepClock<'_> {
    fn observe(&self, event: Event) {
        let Event::Advanced { task: Task::Epoch(_), units } = event else { return };
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.push((Instant::now(), units));
        if steps.len() > 3 && steps[0].0.elapsed() >= TRAINING_TIME {
            self.shutdown.request();
        }
    }
}

impl StepClock<'_> {
    /// Without the first step, which pays for what all others find done.
    fn seconds_per_pair(&self) -> f64 {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some((first, _)), Some((last, _))) = (steps.first(), steps.last()) else { return 0.0 };
        let pairs: u64 = steps.iter().skip(1).map(|(_, units)| units).sum();
        last.duration_since(*first).as_secs_f64() / pairs.max(1) as f64
    }
}

/// Seconds per scored pair.
pub(super) fn scoring_time(subject: &Subject<'_>, dimension: usize) -> f64 {
    let device = &subject.device.classifier;
    let table = random_table(subject.device, dimension);
    let network = PairClassifier::new(dimension, subject.classifier, device);
    let network = classifier::initialize(network, SEED, device);
    let pairs = random_pairs();
    let time = |count: usize| {
        let started = Instant::now();
        let rows = pairs.iter().take(count).map(|pair| (pair.left, pair.right));
        drop(classifier::score(&network, &table, rows));
        started.elapsed().as_secs_f64()
    };
    time(1);
    let (few, many) = (PAIRS / 10, PAIRS / 2);
    ((time(many) - time(few)) / (many - few) as f64).max(1e-9)
}

fn random_table(device: &ComputeDevice, dimension: usize) -> EmbeddingTable {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let length = PROTEINS as usize * dimension;
    let values = (0..length).map(|_| random.random_range(-1.0..1.0)).collect();
    classifier::embedding_table(values, dimension, &device.classifier)
}

fn random_pairs() -> Vec<Example> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut protein = || random.random_range(0..PROTEINS);
    let mut pair = |index: usize| Example {
        left: protein(),
        right: protein(),
        label: index.is_multiple_of(2),
    };
    (0..PAIRS).map(&mut pair).collect()
}
