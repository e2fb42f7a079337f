//! C8: the power fails after any change of a run, and what was not flushed is lost or not.
//!
//! The changes come from real jobs. A state of the disk after a loss of power keeps what was
//! flushed; of the rest, each write is kept, cut, turned into zeros or lost, and each change of a
//! folder is kept or lost, by chance and whatever their order was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dyad::classifier::{self, NamedTensors, embedding_table};
use dyad::device;
use dyad::digest::Digest;
use dyad::embeddings::EmbeddingStore;
use dyad::progress::Silent;
use dyad::shutdown::Shutdown;
use dyad::training::{self, CheckpointFolder, OnBadCheckpoint, RunIdentity};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use serde_json::Value;

use super::full_disk::{assert_finished, model};
use super::store::Shards;
use super::trace::{Change, FileNumber, Trace, continued};
use super::{matrix, memory, space};
use crate::support::Root;
use crate::{rounds, seed};

#[test]
fn c8_power_loss_leaves_what_was_committed() {
    let test = "c8_power_loss_leaves_what_was_committed";
    let (root, place) = (Root::new(), tempfile::tempdir().unwrap());
    let Some(trace) = Trace::of_two_jobs(test, &root, place.path()) else { return };
    let reference = Reference::new(&trace, place.path());
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let (states, reruns) = (rounds(1000, 10_000), rounds(2, 20));
    let (mut changed, mut rows, mut epochs) = (0, 0, 0);
    for number in 0..states {
        let until = random.random_range(0..=trace.changes.len());
        let state = State::after_loss(&trace.changes[..until], &mut random);
        changed += usize::from(state.lost > 0);
        let disk = tempfile::tempdir_in(memory()).unwrap();
        state.write(place.path(), disk.path());
        rows += reference.check_store(disk.path(), &committed(&trace.changes[..until]));
        epochs += reference.check_checkpoints(disk.path(), &committed(&trace.changes[..until]));
        if number < reruns {
            assert_finished(&continued(&root, disk.path()).output().unwrap());
            assert!(model(disk.path()) == reference.model, "another model after {until} changes");
        }
    }
    matrix(
        "C8",
        &format!(
            "{states} states of the disk after a loss of power in {} changes, {changed} of them \
             with something lost",
            trace.changes.len()
        ),
        &format!(
            "all readable; {rows} rows and {epochs} epochs read back, 0 wrong, 0 committed ones \
             lost; {reruns} jobs continued to the same model"
        ),
    );
}

/// The names that were made, and made to last, by these changes.
fn committed(changes: &[Change]) -> BTreeSet<PathBuf> {
    let (mut lasting, mut fresh) = (BTreeSet::new(), BTreeSet::new());
    for change in changes {
        match change {
            Change::Link(_, to) | Change::Rename(_, _, to) => drop(fresh.insert(to.clone())),
            Change::FlushFolder(path) => {
                let (flushed, rest): (BTreeSet<_>, _) =
                    fresh.into_iter().partition(|name: &PathBuf| name.parent() == Some(path));
                lasting.extend(flushed);
                fresh = rest;
            }
            Change::Remove(path) => drop((lasting.remove(path), fresh.remove(path))),
            _ => {}
        }
    }
    lasting
}

/// What a disk holds.
#[derive(Default)]
struct State {
    folders: BTreeSet<PathBuf>,
    entries: BTreeMap<PathBuf, FileNumber>,
    contents: BTreeMap<FileNumber, Vec<u8>>,
    /// Changes that did not last.
    lost: usize,
}

impl State {
    fn after_loss(changes: &[Change], random: &mut ChaCha8Rng) -> Self {
        let (mut files, mut folders) = (BTreeMap::new(), BTreeMap::new());
        for (position, change) in changes.iter().enumerate() {
            match change {
                Change::Flush(file) => drop(files.insert(*file, position)),
                Change::FlushFolder(path) => drop(folders.insert(path.clone(), position)),
                _ => {}
            }
        }
        let luck = random.random_range(0.0..1.0);
        let mut state = Self::default();
        for (position, change) in changes.iter().enumerate() {
            if let Change::Write(file, bytes) = change {
                let flushed = files.get(file).is_some_and(|flush| position < *flush);
                state.apply_write(*file, bytes, flushed || random.random_bool(luck), random);
            } else if let Some(folder) = folder_of(change) {
                let flushed = folders.get(folder).is_some_and(|flush| position < *flush);
                match flushed || random.random_bool(luck) {
                    true => state.apply(change),
                    false => state.lost += 1,
                }
            }
        }
        state
    }

    fn apply_write(&mut self, file: FileNumber, bytes: &[u8], kept: bool, random: &mut ChaCha8Rng) {
        let content = self.contents.entry(file).or_default();
        if kept {
            content.extend(bytes);
            return;
        }
        self.lost += 1;
        match random.random_range(0..3) {
            0 => {}
            1 => content.extend(&bytes[..random.random_range(0..=bytes.len())]),
            _ => content.extend(vec![0; bytes.len()]),
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Create(file, path) | Change::Link(file, path) => {
                self.entries.insert(path.clone(), *file);
            }
            Change::Rename(file, from, to) => {
                self.entries.remove(from);
                self.entries.insert(to.clone(), *file);
            }
            Change::Remove(path) => drop(self.entries.remove(path)),
            Change::MakeFolder(path) => drop(self.folders.insert(path.clone())),
            Change::Write(..) | Change::Flush(_) | Change::FlushFolder(_) => {}
        }
    }

    /// Puts it from below `root` to below `place`; what lies in a lost folder is lost.
    fn write(&self, root: &Path, place: &Path) {
        let root = root.canonicalize().unwrap();
        let there = |path: &Path| {
            let folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
            folders.into_iter().all(|folder| self.folders.contains(folder))
        };
        let moved = |path: &Path| place.join(path.strip_prefix(&root).unwrap());
        for folder in self.folders.iter().filter(|folder| there(folder)) {
            fs::create_dir(moved(folder)).unwrap();
        }
        for (path, file) in self.entries.iter().filter(|(path, _)| there(path)) {
            let content = self.contents.get(file).map_or(&[][..], Vec::as_slice);
            fs::write(moved(path), content).unwrap();
        }
    }
}

/// The folder whose entries a change is one of.
fn folder_of(change: &Change) -> Option<&Path> {
    match change {
        Change::Create(_, path)
        | Change::Link(_, path)
        | Change::Rename(_, _, path)
        | Change::Remove(path)
        | Change::MakeFolder(path) => path.parent(),
        Change::Write(..) | Change::Flush(_) | Change::FlushFolder(_) => None,
    }
}

/// The run that a checkpoint says it is of; `None` for the pin, which lies beside them.
fn run_of(bytes: &[u8]) -> Option<RunIdentity> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let metadata: Value = serde_json::from_str(&header.metadata().as_ref()?["dyad"]).ok()?;
    Some(RunIdentity::of(metadata["config_digest"].as_str()?.parse().ok()?))
}

/// What the undisturbed jobs have computed.
struct Reference {
    run: RunIdentity,
    /// The bits of each sequence's embedding.
    rows: BTreeMap<Digest, Vec<u8>>,
    /// The sequences of each shard.
    shards: BTreeMap<PathBuf, Vec<Digest>>,
    /// The finished epochs in each checkpoint.
    epochs: BTreeMap<PathBuf, usize>,
    /// The best parameters after each number of epochs.
    parameters: BTreeMap<usize, NamedTensors>,
    model: Vec<(PathBuf, Vec<u8>)>,
}

impl Reference {
    fn new(trace: &Trace, place: &Path) -> Self {
        let mut reference = Self {
            run: RunIdentity::of(Digest::of(b"")),
            rows: Shards::read(place).rows(),
            shards: BTreeMap::new(),
            epochs: BTreeMap::new(),
            parameters: BTreeMap::new(),
            model: model(place),
        };
        for (path, bytes) in trace.committed() {
            let folder = path.parent().unwrap();
            let alone = tempfile::tempdir().unwrap();
            let copy = |below: &str| {
                let folder = alone.path().join(below);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(path.file_name().unwrap()), &bytes).unwrap();
            };
            if folder.ends_with("shards") {
                copy("shards");
                let keys = Shards::read(alone.path()).rows().into_keys().collect();
                reference.shards.insert(path, keys);
            } else if folder.parent().unwrap().ends_with("runs") {
                let Some(run) = run_of(&bytes) else { continue };
                copy(&format!("out/checkpoints/{}", run.prefix()));
                reference.run = run;
                let (epochs, parameters) = reference.resume(alone.path());
                reference.epochs.insert(path, epochs);
                reference.parameters.insert(epochs, parameters);
            }
        }
        assert!(reference.shards.len() > 10 && reference.epochs.len() > 5, "a short trace");
        reference
    }

    /// Opens the store on `disk`: every row in it is right, and those of `committed` are in it.
    fn check_store(&self, disk: &Path, committed: &BTreeSet<PathBuf>) -> usize {
        let store = EmbeddingStore::open(disk.join("cache").as_path(), space(), "cpu").unwrap();
        let kept: Vec<Digest> =
            self.rows.keys().filter(|key| store.contains(key)).copied().collect();
        let values = store.load(&kept).unwrap();
        let expected: Vec<u8> = kept.iter().flat_map(|key| self.rows[key].clone()).collect();
        let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert!(values == expected, "a wrong row");
        for key in committed.iter().filter_map(|path| self.shards.get(path)).flatten() {
            assert!(store.contains(key), "a committed row is lost");
        }
        kept.len()
    }

    /// Resumes from the checkpoints on `disk`: no older than the newest of `committed`, and right.
    fn check_checkpoints(&self, disk: &Path, committed: &BTreeSet<PathBuf>) -> usize {
        let (epochs, parameters) = self.resume(disk);
        let newest = committed.iter().filter_map(|path| self.epochs.get(path)).max();
        assert!(newest.is_none_or(|newest| *newest <= epochs), "a committed checkpoint is lost");
        let expected = self.parameters.get(&epochs);
        assert!(epochs == 0 || expected == Some(&parameters), "wrong parameters");
        epochs
    }

    /// Resumes the run on `disk` without training on: finished epochs and best parameters.
    fn resume(&self, disk: &Path) -> (usize, NamedTensors) {
        let checkpoints = disk.join("out/checkpoints");
        let checkpoints = CheckpointFolder::open(&checkpoints, &self.run, None).unwrap();
        let dimension = space().dimension;
        let outcome = training::train(&training::Job {
            settings: &training::Settings {
                epochs: 0,
                batch_size: 32,
                learning_rate: 1e-4,
                patience: 0,
                checkpoint_seconds: 60,
                on_bad_checkpoint: OnBadCheckpoint::Fail,
                seed: 42,
            },
            classifier: &classifier::Settings { hidden_sizes: vec![16, 8], dropout: 0.3 },
            table: embedding_table(vec![0.0; dimension], dimension, &device::cpu()),
            engine: "cpu",
            pin: None,
            train: &[],
            validation: &[],
            checkpoints: &checkpoints,
            gives_model: true,
            observer: &Silent,
            shutdown: &Shutdown::default(),
        });
        let outcome = outcome.unwrap();
        (outcome.history.len(), outcome.parameters)
    }
}
