//! Training and scoring on made-up pairs over random embeddings, as wide as those of ESM-2 650M.

use burn::tensor::{Tensor, TensorData};
use dyad::classifier::{self, PairClassifier};
use dyad::dataset::Example;
use dyad::device::ComputeDevice;
use dyad::digest::Digest;
use dyad::progress::Silent;
use dyad::shutdown::Shutdown;
use dyad::training::{self, CheckpointFolder, Job, OnBadCheckpoint, RunIdentity};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::meter::Meter;
use crate::{Result, merged};

/// As many as the peer's script takes.
const PROTEINS: u32 = 8000;
const DIMENSION: usize = 1280;
const PAIRS: usize = 40_000;
/// Steps before the clock starts.
const WARM_UP: usize = 5;

/// One epoch with its validation of a few pairs and its checkpoint.
pub(crate) fn train(device: &ComputeDevice, batch: usize) -> Result<Value> {
    let (table, train) = (table(device), pairs(PAIRS));
    epoch(device, &table, &train[..WARM_UP * batch], batch)?;
    let meter = Meter::start()?;
    epoch(device, &table, &train, batch)?;
    let (wall, measured) = meter.stop()?;
    Ok(merged([rates(device, PAIRS, wall), json!({"batch": batch}), measured]))
}

fn epoch(
    device: &ComputeDevice,
    table: &Tensor<2>,
    train: &[Example],
    batch_size: usize,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = RunIdentity::of(Digest::of(b"bench"));
    let checkpoints = CheckpointFolder::open(folder.path(), &run, None)?;
    let settings = training::Settings {
        epochs: 1,
        batch_size,
        learning_rate: 1e-3,
        patience: 0,
        checkpoint_seconds: 60,
        on_bad_checkpoint: OnBadCheckpoint::Fail,
        seed: 1,
    };
    let job = Job {
        settings: &settings,
        classifier: &network(),
        table: table.clone(),
        engine: &device.name,
        pin: None,
        train,
        validation: &pairs(100),
        checkpoints: &checkpoints,
        gives_model: false,
        observer: &Silent,
        shutdown: &Shutdown::default(),
    };
    training::train(&job)?;
    Ok(())
}

/// Scores of many pairs, the first layer once per protein.
pub(crate) fn score(device: &ComputeDevice) -> Result<Value> {
    let classifier = PairClassifier::new(DIMENSION, &network(), &device.classifier);
    let classifier = classifier::initialize(classifier, 1, &device.classifier);
    let (table, pairs) = (table(device), pairs(10 * PAIRS));
    let score = |pairs: &[Example]| {
        classifier::score(&classifier, &table, pairs.iter().map(|pair| (pair.left, pair.right)))
    };
    score(&pairs[..100]);
    let meter = Meter::start()?;
    let scores = score(&pairs);
    let (wall, measured) = meter.stop()?;
    Ok(merged([rates(device, scores.len(), wall), measured]))
}

fn rates(device: &ComputeDevice, pairs: usize, wall: f64) -> Value {
    json!({"backend": device.name, "pairs": pairs, "pairs_per_s": pairs as f64 / wall})
}

fn table(device: &ComputeDevice) -> Tensor<2> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let length = PROTEINS as usize * DIMENSION;
    let values: Vec<f32> = (0..length).map(|_| random.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, [PROTEINS as usize, DIMENSION]), &device.classifier)
}

fn pairs(count: usize) -> Vec<Example> {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut protein = || random.random_range(0..PROTEINS);
    let mut pair = |index: usize| Example {
        left: protein(),
        right: protein(),
        label: index.is_multiple_of(2),
    };
    (0..count).map(&mut pair).collect()
}

fn network() -> classifier::Settings {
    classifier::Settings { hidden_sizes: vec![512, 256, 128], dropout: 0.3 }
}
