//! Residues and pairs per second of the main stages, on this machine, as a Markdown table.
//!
//! `make bench` runs it on the embedded default, `make bench-tch` on libtorch. Numbers of two
//! machines or two runs do not compare; the peers are to be run beside it, on an idle machine.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::path::Path;
use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use dyad::classifier::{self, PairClassifier};
use dyad::dataset::Example;
use dyad::device::{self, ComputeDevice, DeviceChoice};
use dyad::digest::Digest;
use dyad::embeddings::esm2::{Encoder, PackedBatch, tokenize};
use dyad::progress::Silent;
use dyad::sample;
use dyad::shutdown::Shutdown;
use dyad::training::{self, CheckpointFolder, Job, OnBadCheckpoint, RunIdentity};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// As many proteins and dimensions as ESM-2 650M gives a small proteome.
const PROTEINS: u32 = 4000;
const DIMENSION: usize = 1280;
const PAIRS: usize = 20_000;

fn main() -> Result<()> {
    let device = device::resolve(DeviceChoice::Auto)?;
    println!("| work on {} | rate |\n|---|---|", device.name);
    println!("| small encoder, sample proteins | {:.0} residues/s |", embedding(&device)?);
    for batch_size in [32, 1024] {
        let rate = training_rate(&device, batch_size)?;
        println!("| training, batch {batch_size}, {DIMENSION} dimensions | {rate:.0} pairs/s |");
    }
    println!("| scoring, {DIMENSION} dimensions | {:.0} pairs/s |", scoring(&device));
    Ok(())
}

fn embedding(device: &ComputeDevice) -> Result<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esm2_t6_tiny");
    let model = Encoder::open(&folder)?.load(&device.device)?;
    let fasta = sample::generate(&sample::Settings { seed: 1, shuffled: false }).sequences;
    let records = fasta.split('>').skip(1).filter_map(|record| record.split_once('\n'));
    let sequences: Vec<String> = records.map(|(_, lines)| lines.replace('\n', "")).collect();
    let mut batches = vec![PackedBatch::default()];
    for sequence in &sequences {
        if batches[batches.len() - 1].len() > device.token_budget {
            batches.push(PackedBatch::default());
        }
        let last = batches.len() - 1;
        batches[last].push(&tokenize(sequence));
    }
    let residues: usize = sequences.iter().map(String::len).sum();
    let run = || batches.iter().for_each(|batch| drop(model.embed(batch).into_data()));
    run();
    let started = Instant::now();
    run();
    Ok(residues as f64 / started.elapsed().as_secs_f64())
}

fn table(device: &ComputeDevice) -> Tensor<2> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let length = PROTEINS as usize * DIMENSION;
    let values: Vec<f32> = (0..length).map(|_| random.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, [PROTEINS as usize, DIMENSION]), &device.device)
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

/// One epoch of training with its validation of a few pairs and its checkpoint.
fn training_rate(device: &ComputeDevice, batch_size: usize) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let run = RunIdentity::of(Digest::of(b"bench"));
    let checkpoints = CheckpointFolder::open(folder.path(), &run, None)?;
    let (train, validation) = (pairs(PAIRS), pairs(100));
    let settings = training::Settings {
        epochs: 1,
        batch_size,
        learning_rate: 1e-4,
        patience: 0,
        checkpoint_seconds: 60,
        on_bad_checkpoint: OnBadCheckpoint::Fail,
        seed: 1,
    };
    let job = Job {
        settings: &settings,
        classifier: &network(),
        table: table(device),
        engine: &device.name,
        pin: None,
        train: &train,
        validation: &validation,
        checkpoints: &checkpoints,
        observer: &Silent,
        shutdown: &Shutdown::default(),
    };
    let started = Instant::now();
    training::train(&job)?;
    Ok(PAIRS as f64 / started.elapsed().as_secs_f64())
}

fn scoring(device: &ComputeDevice) -> f64 {
    let classifier = PairClassifier::new(DIMENSION, &network(), &device.device);
    let classifier = classifier::initialize(classifier, 1, &device.device);
    let table = table(device);
    let pairs = pairs(10 * PAIRS);
    let started = Instant::now();
    let rows = pairs.iter().map(|pair| (pair.left, pair.right));
    let scores = classifier::score(&classifier, &table, rows);
    scores.len() as f64 / started.elapsed().as_secs_f64()
}
