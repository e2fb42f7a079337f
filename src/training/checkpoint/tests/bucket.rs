//! Checkpoints in a bucket, for which a store in memory stands in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::storage::remote::{MemoryStore, ObjectStore as _};

/// One machine with a disk of its own, and the bucket.
struct Machine {
    root: TempDir,
    remote: Remote,
}

impl Machine {
    fn new(store: &Arc<MemoryStore>) -> Self {
        let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
        Self { root: tempfile::tempdir().unwrap(), remote }
    }

    fn open(&self) -> CheckpointFolder {
        CheckpointFolder::open(self.root.path(), &run_of("run"), Some(&self.remote)).unwrap()
    }

    /// Waits for all uploads; how many files were uploaded so far, and are left.
    fn drain(&self) -> (usize, usize) {
        let end = Instant::now() + Duration::from_mins(1);
        let drained = self.remote.uploader().drain(|| Some(end));
        (drained.uploaded, drained.left)
    }

    fn save(&self, folder: &CheckpointFolder, steps: &[u64]) {
        for step in steps {
            folder.save(&checkpoint(*step)).unwrap();
            self.drain();
        }
    }
}

/// The steps of the checkpoints in the bucket, oldest first.
fn stored(store: &MemoryStore) -> Vec<u64> {
    let keys = store.keys().into_iter();
    let names = keys.filter_map(|key| key.strip_prefix("runs/run/ckpt/")?.parse::<Name>().ok());
    names.map(|name| name.step).collect()
}

/// The key of a stored checkpoint.
fn key_of(store: &MemoryStore, step: u64) -> String {
    let begin = format!("runs/run/ckpt/{step:012}-");
    store.keys().into_iter().find(|key| key.starts_with(&begin)).unwrap()
}

fn damage_object(store: &MemoryStore, step: u64) {
    let key = key_of(store, step);
    let mut bytes = store.read(&key, MAX_BYTES).unwrap();
    flip(&mut bytes);
    store.put(&key, &bytes);
}

#[test]
fn a_machine_whose_disk_is_gone_goes_on_from_the_bucket() {
    let bench = Bench::new();
    let expected = bench.uninterrupted();
    let store = Arc::new(MemoryStore::default());
    let first = Machine::new(&store);
    bench.run_in(&first.open(), &StopAfter::pieces(5)).unwrap();
    assert_eq!(first.drain(), (1, 0));
    drop(first);

    let second = Machine::new(&store);
    let folder = second.open();
    assert_eq!(folder.attempt.number, 2, "attempts are counted in the bucket");
    let observer = StopAfter::never();
    let outcome = bench.run_in(&folder, &observer).unwrap();
    assert_eq!(observer.advances().len(), 4, "no step is repeated");
    assert_eq!(steps(&folder), [9, 5], "what was fetched lies here too");
    assert_eq!(End::of(second.root.path(), outcome), expected);
}

#[test]
fn two_are_kept_in_the_bucket_and_the_objects_of_others_stay() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    let foreign = ["runs/run/ckpt/notes.txt", "runs/run/ckpt/99-a1-0123456789abcdef.safetensors"];
    foreign.iter().for_each(|key| store.put(key, b"mine"));
    let folder = machine.open();
    machine.save(&folder, &[1, 2, 3, 4]);
    assert_eq!(stored(&store), [3, 4]);
    assert_eq!(steps(&folder), [4, 3]);
    assert!(foreign.iter().all(|key| store.read(key, 9).unwrap() == b"mine"));
}

#[test]
fn without_the_right_to_remove_the_bucket_keeps_all_and_is_asked_once() {
    let store = Arc::new(MemoryStore::default());
    store.deny("s3:DeleteObject");
    let machine = Machine::new(&store);
    let folder = machine.open();
    machine.save(&folder, &[1, 2, 3]);
    let before = store.attempts();
    machine.save(&folder, &[4]);
    assert_eq!(stored(&store), [1, 2, 3, 4]);
    assert_eq!(store.attempts() - before, 2, "one look at the attempts, one upload");
    assert_eq!(steps(&folder), [4, 3]);
}

#[test]
fn while_the_bucket_is_away_four_are_kept_and_the_newest_is_uploaded_later() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    let folder = machine.open();
    store.fail_next(usize::MAX);
    (1..=7).for_each(|step| folder.save(&checkpoint(step)).unwrap());
    assert_eq!(steps(&folder), [7, 6, 5, 4]);
    store.fail_next(0);
    assert_eq!(machine.drain().1, 0);
    assert_eq!(stored(&store).last(), Some(&7));
    machine.save(&folder, &[8]);
    assert_eq!(steps(&folder), [8, 7]);
}

#[test]
fn damaged_objects_are_passed_over_and_neither_count_nor_go() {
    let store = Arc::new(MemoryStore::default());
    let first = Machine::new(&store);
    first.save(&first.open(), &[10, 20]);
    damage_object(&store, 20);

    let second = Machine::new(&store);
    let folder = second.open();
    assert_eq!(newest_step(&folder), Some(10));
    second.save(&folder, &[11, 12]);
    assert_eq!(stored(&store), [11, 12, 20], "20 would push out what the new attempt writes");
    let third = Machine::new(&store);
    assert_eq!(newest_step(&third.open()), Some(12));
}

#[test]
fn a_damaged_file_is_replaced_by_the_object_of_its_name() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    machine.save(&machine.open(), &[1, 2]);
    let folder = machine.open();
    damage(&folder, 1, |bytes| flip(bytes));
    for _ in 0..2 {
        assert_eq!(newest_step(&folder), Some(2));
    }
    assert_eq!(storage::list(&folder.path().join("damaged")).unwrap().len(), 1);
}

#[test]
fn without_a_usable_one_in_either_place_only_restart_goes_on() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    machine.save(&machine.open(), &[1, 2]);
    let folder = machine.open();
    damage(&folder, 2, |bytes| flip(bytes));
    [1, 2].iter().for_each(|step| damage_object(&store, *step));
    let error = folder.newest(OnBadCheckpoint::Fail).unwrap_err();
    assert!(matches!(error, CheckpointError::NoneUsable { count: 2, .. }), "{error}");
    assert!(error.to_string().contains("and `s3://memory/runs/run/ckpt/` can be"), "{error}");
    assert_eq!(folder.newest(OnBadCheckpoint::Restart).unwrap(), None);
    assert_eq!(stored(&store), [1, 2]);
}

#[test]
fn what_lies_only_here_is_uploaded_at_the_next_start() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    CheckpointFolder::open(machine.root.path(), &run_of("run"), None)
        .unwrap()
        .save(&checkpoint(7))
        .unwrap();
    let folder = machine.open();
    assert_eq!((folder.attempt.number, newest_step(&folder)), (2, Some(7)));
    assert_eq!(machine.drain(), (1, 0));
    assert_eq!(stored(&store), [7]);
    assert_eq!(newest_step(&folder), Some(7));
    assert_eq!(machine.drain(), (1, 0), "once");
}

#[test]
fn a_bucket_that_is_away_has_no_checkpoints_and_one_that_refuses_is_an_error() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    let folder = machine.open();
    machine.save(&folder, &[3]);
    store.fail_next(usize::MAX);
    assert_eq!(newest_step(&folder), Some(3));
    store.fail_next(0);
    store.deny("runs/run/ckpt/");
    // Another machine: this one leaves the server alone for a while.
    let error = Machine::new(&store).open().newest(OnBadCheckpoint::Restart).unwrap_err();
    assert!(matches!(error, CheckpointError::Remote(_)), "{error}");
}

#[test]
fn of_two_machines_at_work_the_older_attempt_uploads_nothing_more_and_stops() {
    let store = Arc::new(MemoryStore::default());
    let (older, newer) = (Machine::new(&store), Machine::new(&store));
    let (old, new) = (older.open(), newer.open());
    assert_eq!((old.attempt.number, new.attempt.number), (1, 2));
    newer.save(&new, &[5]);
    // Its own disk knows nothing of the other.
    old.save(&checkpoint(6)).unwrap();
    assert_eq!(older.drain(), (0, 0));
    assert_eq!(stored(&store), [5]);
    let error = old.save(&checkpoint(7)).unwrap_err();
    assert!(matches!(error, CheckpointError::Superseded { newest: 2, ours: 1, .. }), "{error}");
    assert_eq!(steps(&old), [6]);
    newer.save(&new, &[8]);
    assert_eq!(stored(&store), [5, 8]);
}

#[test]
fn an_older_attempt_that_comes_to_its_end_gives_no_model() {
    let bench = Bench::new();
    let store = Arc::new(MemoryStore::default());
    let (older, newer) = (Machine::new(&store), Machine::new(&store));
    let (old, new) = (older.open(), newer.open());
    let error = bench.run_in(&old, &StopAfter::never()).unwrap_err();
    assert!(matches!(error, Error::Checkpoint(CheckpointError::Superseded { .. })), "{error}");
    assert!(bench.run_in(&new, &StopAfter::never()).unwrap().complete);
}

#[test]
fn attempts_that_begin_together_get_numbers_of_their_own() {
    let store = Arc::new(MemoryStore::default());
    let open = |_: usize| {
        let store = Arc::clone(&store);
        std::thread::spawn(move || Machine::new(&store).open().attempt.number)
    };
    let threads: Vec<_> = (0..8).map(open).collect();
    let mut numbers: Vec<u32> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}
