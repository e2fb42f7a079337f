//! Measuring this device: short batches of the encoder, short trainings, one scoring.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tracing::info;

use super::calibration::{Calibration, CalibrationError};
use super::fit::TokenCost;
use super::model::{parameters, score_flops, train_flops};
use super::shape::EncoderShape;
use crate::classifier::{self, EmbeddingTable, PairClassifier};
use crate::dataset::Example;
use crate::device::ComputeDevice;
use crate::digest::Digest;
use crate::embeddings::esm2::{Encoder, EncoderError, Esm2, PackedBatch, tokenize};
use crate::progress::{Event, Observer, Task};
use crate::shutdown::Shutdown;
use crate::storage::{ScratchFolder, StorageError};
use crate::training::{self, CheckpointFolder, OnBadCheckpoint, RunIdentity};

/// Residues of the sequences that are measured, from short proteins to what ESM-2 sees at most.
const LENGTHS: [usize; 4] = [50, 150, 400, 1022];
/// Time for the batches of one length; one sequence is measured whatever it takes.
const BATCH_TIME: Duration = Duration::from_millis(2500);
/// Time for one training.
const TRAINING_TIME: Duration = Duration::from_millis(1500);
/// Proteins and pairs of the trainings and the scoring.
const PROTEINS: u32 = 500;
const PAIRS: usize = 100_000;
/// Another number of pairs per step tells the cost of a step from that of its pairs: so many times
/// smaller where there is room, else larger. Not far away, for large steps leave the caches.
const BATCH_RATIO: usize = 4;
const SEED: u64 = 1;
/// Seconds for which a term of the fit counts that was not seen: none per token, pair of tokens or
/// pair is faster.
const UNSEEN: f64 = 1e-12;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The encoder cannot be loaded.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// There is no place for the checkpoints of the trainings.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A training failed.
    #[error(transparent)]
    Training(#[from] training::Error),
    /// The result could not be kept.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
}

/// What is measured, and for what settings.
pub struct Subject<'a> {
    /// The encoder.
    pub encoder: &'a Encoder,
    /// The device.
    pub device: &'a ComputeDevice,
    /// The shape of the classifier.
    pub classifier: &'a classifier::Settings,
    /// Pairs per training step.
    pub batch_size: usize,
    /// Residues the encoder sees at once.
    pub max_residues: usize,
}

/// Measures a device in about 20 seconds; `scratch` is a folder for what is removed at the end.
pub fn calibrate(
    subject: &Subject<'_>,
    scratch: &ScratchFolder,
) -> Result<Calibration, CalibrateError> {
    let config = subject.encoder.config();
    let shape = EncoderShape::of(config, &config.shape_name());
    let cost = TokenCost::fit(&encoder_times(subject)?);
    let hidden = &subject.classifier.hidden_sizes;
    let steps = step_times(subject, shape.width, scratch)?;
    let table = random_table(subject.device, shape.width);
    let scored = scoring_time(subject, &table);
    // A term that was not seen is as good as none, and a rate must be finite.
    let rate = |flops: f64, seconds: f64| flops / seconds.max(UNSEEN);
    let calibration = Calibration {
        schema: Calibration::schema(),
        engine: subject.device.name.clone(),
        threads: threads(),
        shape: config.shape_name(),
        width: shape.width,
        linear: rate(shape.linear_flops(), cost.token),
        attention: rate(shape.attention_flops(), cost.pair),
        sequence: cost.sequence / shape.layers as f64,
        step: steps.alone,
        parameter: (steps.fixed - steps.alone).max(0.0) / parameters(shape.width, hidden),
        train: rate(train_flops(shape.width, hidden), steps.pair),
        score: rate(score_flops(hidden), scored),
    };
    Ok(calibration)
}

/// The threads that compute here.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Lengths in tokens with seconds per token.
fn encoder_times(subject: &Subject<'_>) -> Result<Vec<(f64, f64)>, EncoderError> {
    let model = subject.encoder.load(&subject.device.device)?;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let run = |batch: &PackedBatch| {
        let started = Instant::now();
        embed(&model, batch);
        started.elapsed()
    };
    // The first batch pays for what all others find done.
    run(&batch(&mut random, 50, 256));
    let small = batch(&mut random, 200, 600);
    let mut rate = small.len() as f64 / run(&small).as_secs_f64().max(1e-6);
    let mut times = Vec::new();
    let mut lengths = LENGTHS.map(|length| length.min(subject.max_residues)).to_vec();
    lengths.dedup();
    for length in lengths {
        let affordable = (rate * BATCH_TIME.as_secs_f64()) as usize;
        let batch = batch(&mut random, length, subject.device.token_budget.min(affordable));
        let (mut spent, mut tokens) = (Duration::ZERO, 0);
        while tokens == 0 || spent + spent / 2 < BATCH_TIME {
            spent += run(&batch);
            tokens += batch.len();
        }
        let per_token = spent.as_secs_f64() / tokens as f64;
        info!("{} residues: {:.0} residues/s", length, 1.0 / per_token);
        times.push((length as f64 + 2.0, per_token));
        rate = 1.0 / per_token;
    }
    Ok(times)
}

fn embed(model: &Esm2, batch: &PackedBatch) {
    // Reading the result waits for it.
    drop(model.embed(batch).into_data());
}

/// Random sequences around one length, no two of the same: most lengths of a proteome are rare,
/// and attention runs once for each. At least one, and as many as `budget` tokens hold.
fn batch(random: &mut ChaCha8Rng, length: usize, budget: usize) -> PackedBatch {
    const AMINO_ACIDS: &[u8] = b"LAGVSERTIDPKQNFYMHWC";
    let mut batch = PackedBatch::default();
    let count = (budget / (length + 2)).max(1);
    for number in 0..count {
        // Shorter and longer ones in turn keep the mean; the last few of a long list repeat.
        let away = (number / 2) % (length / 2).max(1);
        let residues = if number % 2 == 0 { length - away } else { (length + away).min(1022) };
        let mut residue = || char::from(AMINO_ACIDS[random.random_range(0..AMINO_ACIDS.len())]);
        let sequence: String = (0..residues.max(1)).map(|_| residue()).collect();
        batch.push(&tokenize(&sequence));
    }
    batch
}

/// Seconds of training.
struct StepTimes {
    /// A step of next to nothing.
    alone: f64,
    /// A step, whatever its number of pairs.
    fixed: f64,
    /// Each of its pairs.
    pair: f64,
}

fn step_times(
    subject: &Subject<'_>,
    dimension: usize,
    scratch: &ScratchFolder,
) -> Result<StepTimes, CalibrateError> {
    let (size, settings) = (subject.batch_size, subject.classifier);
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
fn scoring_time(subject: &Subject<'_>, table: &EmbeddingTable) -> f64 {
    let device = &subject.device.device;
    let [_, dimension] = table.dims();
    let network = PairClassifier::new(dimension, subject.classifier, device);
    let network = classifier::initialize(network, SEED, device);
    let pairs = random_pairs();
    let time = |count: usize| {
        let started = Instant::now();
        let rows = pairs.iter().take(count).map(|pair| (pair.left, pair.right));
        drop(classifier::score(&network, table, rows));
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
    classifier::embedding_table(values, dimension, &device.device)
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
