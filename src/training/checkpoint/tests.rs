#![expect(clippy::disallowed_methods, reason = "tests damage files as Dyad never would")]

use std::fs;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::super::state::SavedState;
use super::super::tests::{Bench, End, run_of};
use super::super::{Error, Schedule};
use super::*;
use crate::classifier::{NamedTensors, tensor_file};
use crate::shutdown::tests::StopAfter;

mod bucket;
mod repeat;

/// A checkpoint of a few numbers.
fn checkpoint(step: u64) -> Checkpoint {
    let tensors = |value: f32| NamedTensors::from([("a.weight".into(), (vec![value], vec![1]))]);
    let saved = SavedState {
        engine: "test cpu".to_owned(),
        pin: None,
        step,
        batch: 1,
        loss_sum: 0.1,
        schedule: Schedule::new(&Bench::new().settings),
    };
    let value = step as f32;
    Checkpoint { saved, model: tensors(value), best: tensors(0.5), moments: tensors(-value) }
}

fn open(root: &TempDir, run_id: &str) -> CheckpointFolder {
    CheckpointFolder::open(root.path(), &run_of(run_id), None).unwrap()
}

/// The steps of the checkpoints there are, newest first.
fn steps(folder: &CheckpointFolder) -> Vec<u64> {
    folder.names().unwrap().iter().rev().map(|name| name.step).collect()
}

fn newest_step(folder: &CheckpointFolder) -> Option<u64> {
    folder.newest(OnBadCheckpoint::Fail).unwrap().map(|checkpoint| checkpoint.saved.step)
}

/// Changes the bytes of the newest `count` checkpoints.
fn damage(folder: &CheckpointFolder, count: usize, change: impl Fn(&mut Vec<u8>)) {
    for name in folder.names().unwrap().iter().rev().take(count) {
        let path = folder.path_of(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
}

#[test]
fn what_is_saved_comes_back() {
    let root = tempfile::tempdir().unwrap();
    let folder = open(&root, "run");
    assert!(folder.newest(OnBadCheckpoint::Fail).unwrap().is_none());
    folder.save(&checkpoint(7)).unwrap();
    assert_eq!(folder.newest(OnBadCheckpoint::Fail).unwrap(), Some(checkpoint(7)));
    let file = folder.names().unwrap().pop_last().unwrap().to_string();
    let digest = Digest::of(&fs::read(folder.path().join(&file)).unwrap()).short(16);
    assert_eq!(file, format!("000000000007-a1-{digest}.safetensors"));
}

#[test]
fn two_are_kept_and_the_files_of_others_stay() {
    let root = tempfile::tempdir().unwrap();
    let folder = open(&root, "run");
    let foreign = [
        "notes.txt",
        "000000000099-a1-0123456789ABCDEF.safetensors",
        "99-a1-0123456789abcdef.safetensors",
        "model.safetensors",
    ];
    foreign.iter().for_each(|name| fs::write(folder.path().join(name), b"mine").unwrap());
    for step in [3, 6, 9, 11] {
        folder.save(&checkpoint(step)).unwrap();
        assert_eq!(newest_step(&folder), Some(step));
    }
    assert_eq!(steps(&folder), [11, 9]);
    for name in foreign {
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"mine", "{name}");
    }
}

#[test]
fn where_the_platform_copies_a_file_goes_only_after_a_newer_one_was_copied() {
    let root = tempfile::tempdir().unwrap();
    let folder = open(&root, "run");
    let mark = |step: u64, marker: &str| {
        let name = folder.names().unwrap().into_iter().find(|name| name.step == step).unwrap();
        fs::write(folder.path().join(format!("{name}.sagemaker-{marker}")), b"").unwrap();
    };
    // The platform has copied the token of the attempt, and no checkpoint so far.
    fs::write(folder.path().join("attempts/1.json.sagemaker-uploaded"), b"").unwrap();
    [1, 2].iter().for_each(|step| folder.save(&checkpoint(*step)).unwrap());
    mark(1, "uploading");
    mark(2, "uploaded");
    folder.save(&checkpoint(3)).unwrap();
    folder.save(&checkpoint(4)).unwrap();
    assert_eq!(steps(&folder), [4, 3, 2, 1], "2 is the newest copied, 1 is on its way");
    mark(1, "uploaded");
    mark(4, "uploaded");
    folder.save(&checkpoint(5)).unwrap();
    assert_eq!(steps(&folder), [5, 4]);
    let markers = storage::markers(folder.path()).unwrap();
    assert_eq!((markers.uploaded.len(), markers.uploading.len()), (3, 1), "not ours to remove");
}

#[test]
fn an_older_attempt_stops_before_it_writes_and_a_later_start_goes_on() {
    let bench = Bench::new();
    let expected = bench.uninterrupted();
    let root = tempfile::tempdir().unwrap();
    let older = open(&root, "run");
    bench.run_in(&older, &StopAfter::pieces(2)).unwrap();
    let newer = open(&root, "run");
    let error = bench.run_in(&older, &StopAfter::pieces(2)).unwrap_err();
    let Error::Checkpoint(error @ CheckpointError::Superseded { .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(
        error.to_string(),
        "a newer attempt (2) of run `run` is at work; this one (1) stops: leave the run to the \
         newer one, or stop that and start this job again"
    );
    assert_eq!(steps(&older), [2], "nothing was written");
    let outcome = bench.run_in(&newer, &StopAfter::never()).unwrap();
    assert_eq!(End::of(root.path(), outcome), expected);
}

#[test]
fn the_newest_is_told_by_its_step_and_attempt_not_by_its_time() {
    let root = tempfile::tempdir().unwrap();
    let first = open(&root, "run");
    first.save(&checkpoint(1000)).unwrap();
    first.save(&checkpoint(999)).unwrap();
    assert_eq!(newest_step(&first), Some(1000));
    let second = open(&root, "run");
    second.save(&checkpoint(1000)).unwrap();
    let attempts = second.names().unwrap().into_iter().rev().map(|name| name.attempt);
    assert_eq!(attempts.collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_damaged_newest_checkpoint_falls_back_to_the_one_before() {
    let mut bench = Bench::new();
    let expected = bench.uninterrupted();
    bench.settings.checkpoint_seconds = 0;
    let changes: [fn(&mut Vec<u8>); 4] = [
        |bytes| flip(bytes),
        |bytes| bytes.truncate(bytes.len() - 1),
        Vec::clear,
        |bytes| bytes.push(0),
    ];
    for change in changes {
        let root = tempfile::tempdir().unwrap();
        bench.run(root.path(), &StopAfter::pieces(5)).unwrap();
        let folder = open(&root, "run");
        assert_eq!(steps(&folder), [5, 4]);
        damage(&folder, 1, change);
        let observer = StopAfter::never();
        let outcome = bench.run(root.path(), &observer).unwrap();
        assert_eq!(observer.advances().len(), 5, "from step 4");
        assert_eq!(End::of(root.path(), outcome), expected);
        assert_eq!(storage::list(&folder.path().join("damaged")).unwrap().len(), 1);
    }
}

#[test]
fn a_checkpoint_that_cannot_be_read_counts_as_damaged() {
    let root = tempfile::tempdir().unwrap();
    let folder = open(&root, "run");
    folder.save(&checkpoint(5)).unwrap();
    let name = folder.path().join("000000000006-a1-0123456789abcdef.safetensors");
    // Sparse: it takes no space.
    fs::File::create(name).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert_eq!(newest_step(&folder), Some(5));
}

#[test]
fn without_a_usable_checkpoint_only_restart_goes_on() {
    let mut bench = Bench::new();
    let expected = bench.uninterrupted();
    bench.settings.checkpoint_seconds = 0;
    let root = tempfile::tempdir().unwrap();
    bench.run(root.path(), &StopAfter::pieces(8)).unwrap();
    let folder = open(&root, "run");
    damage(&folder, 2, |bytes| flip(bytes));
    for _ in 0..2 {
        let error = bench.run(root.path(), &StopAfter::never()).unwrap_err();
        assert!(matches!(error, Error::Checkpoint(CheckpointError::NoneUsable { count: 2, .. })));
        assert!(error.to_string().contains("set `on_bad_checkpoint=restart` to train from"));
    }
    bench.settings.on_bad_checkpoint = OnBadCheckpoint::Restart;
    let first = StopAfter::pieces(4);
    bench.run(root.path(), &first).unwrap();
    // The damaged files are of later steps; they must not push out what the new attempt writes.
    assert_eq!(steps(&folder), [4, 3]);
    let second = StopAfter::never();
    let outcome = bench.run(root.path(), &second).unwrap();
    assert_eq!((first.advances().len(), second.advances().len()), (4, 5));
    assert_eq!(End::of(root.path(), outcome), expected);
}

#[test]
fn checkpoints_of_another_run_network_or_step_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (ours, theirs) = (open(&root, "ours"), open(&root, "theirs"));
    theirs.save(&checkpoint(5)).unwrap();
    let file = theirs.names().unwrap().pop_last().unwrap().to_string();
    fs::copy(theirs.path().join(&file), ours.path().join(&file)).unwrap();
    let error = ours.newest(OnBadCheckpoint::Fail).unwrap_err();
    assert!(matches!(error, CheckpointError::NoneUsable { count: 1, .. }), "{error}");
    assert_eq!(ours.newest(OnBadCheckpoint::Restart).unwrap(), None);

    let renamed = file.replace("005-", "006-");
    fs::rename(theirs.path().join(&file), theirs.path().join(renamed)).unwrap();
    assert!(theirs.newest(OnBadCheckpoint::Fail).is_err(), "its name lies about the step");

    // It verifies, and holds parameters of no network of ours.
    let bench = Bench::new();
    let folder = open(&root, "run");
    folder.save(&checkpoint(5)).unwrap();
    let error = bench.run_in(&folder, &StopAfter::never()).unwrap_err();
    assert!(matches!(error, Error::Parameters(_)), "{error}");
}

/// Both were found by forged files: numbers without successor, and without multiple.
#[test]
fn counts_that_no_training_leaves_behind_are_refused() {
    let whole = encode(&checkpoint(5), &run_of("run"));
    let changes = [
        ("\\\"batch\\\":1", "\\\"batch\\\":18446744073709551615"),
        ("\\\"step\\\":5", "\\\"step\\\":999999999999"),
        ("\\\"best_epoch\\\":null", "\\\"best_epoch\\\":0"),
        ("\\\"epochs_without_gain\\\":0", "\\\"epochs_without_gain\\\":18446744073709551615"),
        ("\\\"learning_rate\\\":0.01", "\\\"learning_rate\\\":-0.01"),
    ];
    let (length, rest) = whole.split_first_chunk().unwrap();
    let (header, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let header = str::from_utf8(header).unwrap();
    for (from, to) in changes {
        assert!(header.contains(from), "{header}");
        let header = header.replacen(from, to, 1);
        let length = (header.len() as u64).to_le_bytes();
        let error =
            decode(&[&length, header.as_bytes(), data].concat(), &run_of("run")).unwrap_err();
        assert_eq!(error, "its counts contradict each other");
    }
}

#[test]
fn numbers_of_attempts_that_have_no_successor_are_not_ours() {
    let root = tempfile::tempdir().unwrap();
    let attempts = open(&root, "run").path().join("attempts");
    fs::write(attempts.join("4294967295.json"), "{}").unwrap();
    assert_eq!(open(&root, "run").attempt.number, 2);
}

#[test]
fn moments_that_do_not_fit_the_parameters_are_refused() {
    let bench = Bench::new();
    let changes: [fn(&mut NamedTensors); 3] = [
        |moments| drop(moments.remove("output.weight.moment_2")),
        |moments| drop(moments.remove("output.weight.moment_1")),
        |moments| moments.get_mut("output.bias.moment_1").unwrap().0.push(0.0),
    ];
    for change in changes {
        let root = tempfile::tempdir().unwrap();
        let folder = open(&root, "run");
        bench.run_in(&folder, &StopAfter::pieces(2)).unwrap();
        let mut checkpoint = folder.newest(OnBadCheckpoint::Fail).unwrap().unwrap();
        change(&mut checkpoint.moments);
        checkpoint.saved.step += 1;
        for (values, shape) in checkpoint.moments.values_mut() {
            *shape = vec![values.len()];
        }
        folder.save(&checkpoint).unwrap();
        let error = bench.run_in(&folder, &StopAfter::never()).unwrap_err();
        assert!(matches!(error, Error::Parameters(_)), "{error}");
    }
}

/// A change of bytes that keeps the digest in the name would be a collision in 64 bits of SHA-256,
/// so random damage never reaches [`decode`]; it holds all the same, as if it did.
#[test]
fn decoding_never_panics_and_names_what_is_wrong() {
    let run = run_of("run");
    let whole = encode(&checkpoint(5), &run);
    assert_eq!(decode(&whole, &run).unwrap(), checkpoint(5));
    let others =
        [run_of("another"), RunIdentity { digest: Digest::of(b"other settings"), ..run.clone() }];
    assert!(others.iter().all(|other| decode(&whole, other).is_err()));
    let mut random = ChaCha8Rng::seed_from_u64(20_261_122);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..=4) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..4) {
                0 => bytes[at] ^= 1 << random.random_range(0..8),
                1 => bytes[at] = random.random(),
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, random.random()),
            }
        }
        refused += u32::from(decode(&bytes, &run).is_err());
    }
    assert!(refused > 10_000, "{refused}");
    for length in [0, 1, 7, 8, 9, 100] {
        let noise: Vec<u8> = (0..length).map(|_| random.random()).collect();
        assert!(decode(&noise, &run).is_err());
    }
}

#[test]
fn a_checkpoint_of_the_first_version_is_still_read() {
    let run = run_of("run");
    let (tensors, description) = tensor_file::decode(&encode(&checkpoint(5), &run)).unwrap();
    let digest = format!("\"config_digest\":\"{}\",", run.digest);
    assert!(description.contains(&digest), "{description}");
    let before = tensor_file::encode(&tensors, description.replace(&digest, ""));
    assert_eq!(decode(&before, &run).unwrap(), checkpoint(5));
    assert!(decode(&before, &run_of("another")).is_err());
}
