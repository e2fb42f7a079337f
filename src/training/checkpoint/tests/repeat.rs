//! Checkpoints of further trainings of a run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::storage::remote::MemoryStore;

#[test]
fn each_seed_has_checkpoints_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let first = open(&root, "run");
    first.save(&checkpoint(7)).unwrap();
    let second = first.of_seed(43, &run_of("second")).unwrap();
    assert_eq!(newest_step(&second), None);
    second.save(&checkpoint(3)).unwrap();
    assert_eq!((newest_step(&first), newest_step(&second)), (Some(7), Some(3)));
    assert_eq!(second.path(), first.path().join("seeds/43"));
    assert_eq!(storage::list_folders(&root.path().join("runs")).unwrap(), ["run"]);
}

#[test]
fn the_checkpoints_of_one_seed_are_of_no_use_to_another() {
    let root = tempfile::tempdir().unwrap();
    let first = open(&root, "run");
    first.of_seed(43, &run_of("second")).unwrap().save(&checkpoint(3)).unwrap();
    let other = first.of_seed(43, &run_of("another")).unwrap();
    let error = other.newest(OnBadCheckpoint::Fail).unwrap_err();
    assert!(matches!(error, CheckpointError::NoneUsable { count: 1, .. }), "{error}");
}

#[test]
fn a_newer_attempt_of_the_run_stops_an_older_one_at_any_seed() {
    let root = tempfile::tempdir().unwrap();
    let older = open(&root, "run").of_seed(43, &run_of("second")).unwrap();
    older.save(&checkpoint(3)).unwrap();
    let newer = open(&root, "run");
    let error = older.save(&checkpoint(6)).unwrap_err();
    assert!(matches!(error, CheckpointError::Superseded { newest: 2, ours: 1, .. }), "{error}");
    let newer = newer.of_seed(43, &run_of("second")).unwrap();
    assert_eq!(newest_step(&newer), Some(3));
}

#[test]
fn in_the_bucket_they_lie_below_the_run_and_another_machine_finds_them() {
    let store = Arc::new(MemoryStore::default());
    let remote =
        crate::storage::sync::Remote::with_patience(store.clone(), Duration::from_millis(1));
    let machine = || {
        let root = tempfile::tempdir().unwrap();
        let first = CheckpointFolder::open(root.path(), &run_of("run"), Some(&remote)).unwrap();
        (first.of_seed(43, &run_of("second")).unwrap(), root)
    };
    let (second, _root) = machine();
    second.save(&checkpoint(3)).unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    remote.uploader().drain(|| Some(end));
    let place = "runs/run/seeds/43/ckpt/000000000003-a1-";
    assert!(store.keys().iter().any(|key| key.starts_with(place)), "{:?}", store.keys());
    let (elsewhere, _root) = machine();
    assert_eq!(newest_step(&elsewhere), Some(3));
}
