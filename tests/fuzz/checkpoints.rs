//! Checkpoint files: damaged ones are passed over without changing a bit of the result, forged ones
//! do no harm.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Tensor, TensorData};
use dyad::classifier::{self, NamedTensors};
use dyad::dataset::Example;
use dyad::device;
use dyad::digest::Digest;
use dyad::progress::{Event, Observer};
use dyad::shutdown::Shutdown;
use dyad::training::{self, CheckpointFolder, Error, Job, OnBadCheckpoint, RunIdentity, Settings};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::driver::{folder, fuzz, refused};
use crate::forged::{self, Edit, File};
use crate::mutation::{mutated, mutations};

/// The run that all files are of.
fn run() -> RunIdentity {
    RunIdentity::of(Digest::of(b"run"))
}

/// Asks to stop after so many steps.
struct StopAfter(AtomicUsize, Shutdown);

impl StopAfter {
    fn steps(steps: usize) -> Self {
        Self(AtomicUsize::new(steps), Shutdown::default())
    }
}

impl Observer for StopAfter {
    fn observe(&self, event: Event) {
        if matches!(event, Event::Advanced { .. }) && self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.1.request();
        }
    }
}

/// Trains a classifier that takes milliseconds, below `root`.
fn train(root: &Path, stop: &StopAfter) -> Result<NamedTensors, Error> {
    let settings = Settings {
        epochs: 2,
        batch_size: 4,
        learning_rate: 0.01,
        patience: 0,
        checkpoint_seconds: 0,
        on_bad_checkpoint: OnBadCheckpoint::Restart,
        seed: 3,
    };
    let values: Vec<f32> = (0..8 * 3_u8).map(|value| f32::from(value % 7) - 3.0).collect();
    let pair = |number: u32| Example {
        left: number % 8,
        right: (number * 5 + 1) % 8,
        label: number.is_multiple_of(2),
    };
    let pairs: Vec<Example> = (0..20).map(pair).collect();
    let job = Job {
        settings: &settings,
        classifier: &classifier::Settings { hidden_sizes: vec![4, 3], dropout: 0.25 },
        table: Tensor::from_data(TensorData::new(values, [8, 3]), &device::cpu()),
        engine: "test cpu",
        pin: None,
        train: &pairs[..12],
        validation: &pairs[12..],
        checkpoints: &CheckpointFolder::open(root, &run(), None)?,
        gives_model: true,
        observer: stop,
        shutdown: &stop.1,
    };
    let outcome = training::train(&job)?;
    Ok(outcome.parameters)
}

/// The checkpoints of a run that was stopped in its second epoch, and what it would have become.
struct Bench {
    checkpoints: BTreeMap<String, Vec<u8>>,
    expected: NamedTensors,
}

impl Bench {
    fn new() -> Self {
        let root = folder();
        train(root.path(), &StopAfter::steps(4)).unwrap();
        let folder = root.path().join(run().prefix());
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let file = |path: &Path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
        };
        let checkpoints: BTreeMap<_, _> =
            files.filter(|path| path.is_file()).map(|path| file(&path)).collect();
        assert_eq!(checkpoints.len(), 2);
        let expected = train(root.path(), &StopAfter::steps(usize::MAX)).unwrap();
        Self { checkpoints, expected }
    }

    /// The newest checkpoint.
    fn newest(&self) -> (&str, &[u8]) {
        let (name, bytes) = self.checkpoints.last_key_value().unwrap();
        (name, bytes)
    }
}

/// Goes on from these files.
fn resume<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<NamedTensors, Error> {
    let root = folder();
    let folder = root.path().join(run().prefix());
    fs::create_dir_all(folder.join("attempts")).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    train(root.path(), &StopAfter::steps(usize::MAX))
}

#[test]
fn damaged() {
    let bench = Bench::new();
    let strategy = (vec(mutations(), 2..=2), any::<bool>());
    fuzz("checkpoints, damaged", strategy, |(mutations, both)| {
        let mut files = bench.checkpoints.clone();
        let damaged = files.values_mut().rev().zip(&mutations).take(1 + usize::from(both));
        damaged.for_each(|(bytes, mutations)| *bytes = mutated(bytes, mutations));
        let resumed = resume(files.iter().map(|(name, bytes)| (name.as_str(), &**bytes)));
        assert!(resumed.unwrap() == bench.expected, "another model");
    });
}

#[test]
fn forged() {
    let bench = Bench::new();
    let (name, bytes) = bench.newest();
    let valid = File::parse(bytes);
    let digest = &Digest::of(bytes).to_string()[..16];
    assert!(name.contains(digest));
    let edits = prop_oneof![forged::edits().boxed(), forged::metadata_edits().boxed()];
    fuzz("checkpoints, forged", edits, |edits: Vec<Edit>| {
        let bytes = valid.forged(&edits);
        let name = name.replace(digest, &Digest::of(&bytes).to_string()[..16]);
        match resume([(name.as_str(), bytes.as_slice())]) {
            Ok(parameters) => {
                let mut values = parameters.values().flat_map(|(values, _)| values);
                assert!(values.all(|value| value.is_finite()));
            }
            Err(error) => refused(&error),
        }
    });
}

#[test]
fn names() {
    let bench = Bench::new();
    let (_, bytes) = bench.newest();
    let step = select(vec![
        "000000000000",
        "000000000005",
        "999999999999",
        "+00000000005",
        "-00000000005",
        "5",
        "٠٠٠٠٠٠",
    ]);
    let attempt = select(vec!["a1", "a0", "a4294967295", "a4294967296", "a+1", "a", "1", "a-1"]);
    let digest =
        select(vec![Digest::of(bytes).to_string()[..16].to_owned(), "0".repeat(16), "é".repeat(8)]);
    let attempts = select(vec![
        "1.json",
        "4294967294.json",
        "4294967295.json",
        "4294967296.json",
        "-1.json",
        "+7.json",
        "x",
        "٣.json",
    ]);
    fuzz(
        "checkpoints, names",
        (step, attempt, digest, vec(attempts, 0..3)),
        |(step, attempt, digest, attempts)| {
            let name = format!("{step}-{attempt}-{digest}.safetensors");
            let attempts: Vec<_> = attempts.iter().map(|name| format!("attempts/{name}")).collect();
            let mut files = vec![(name.as_str(), bytes)];
            files.extend(attempts.iter().map(|name| (name.as_str(), b"{}".as_slice())));
            assert!(resume(files).unwrap() == bench.expected, "another model");
        },
    );
}
