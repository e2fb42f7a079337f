//! Kill it anywhere, at any time: the next attempt ends with the same bytes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::root::Root;
use crate::support::{sample_folder, shown};

/// A small job of some seconds, half of them embedding.
pub(crate) fn job() -> Root {
    let sample = sample_folder(3, false);
    let channels = [
        ("interactions", &*sample.path().join("interactions.txt")),
        ("sequences", &*sample.path().join("proteins.fasta")),
    ];
    let settings = [("max_proteins", "300"), ("epochs", "12"), ("token_budget", "1024")];
    Root::new(&channels, &settings)
}

/// Interrupts a job with SIGKILL at `kills` random moments, each on a new instance, and compares
/// the model with that of a job that ran through.
pub(crate) fn kill_and_compare(kills: usize, seed: u64) {
    let root = job();
    let (reference, whole) = uninterrupted(&root);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut interrupted = 0;
    for kill in 0..kills {
        let delay = whole.mul_f64(random.random_range(0.05..0.8));
        let (output, killed) = root.run_with_signal(delay, "KILL");
        assert!(killed || output.status.success(), "kill {kill}, seed {seed}: {}", shown(&output));
        if killed {
            interrupted += 1;
            root.wipe_instance();
        } else {
            // It was through before the signal came: compare, and begin another job.
            assert_equal(&root.model_files(), &reference);
            root.wipe_everything();
        }
    }
    assert!(interrupted > kills / 3, "{interrupted} kills came in time, seed {seed}");
    root.complete();
    assert_equal(&root.model_files(), &reference);
    eprintln!("{interrupted} of {kills} kills interrupted the job, seed {seed}: same bytes");
}

/// The model of a job that ran through and how long it took; the root is as before.
fn uninterrupted(root: &Root) -> (BTreeMap<String, Vec<u8>>, Duration) {
    let started = Instant::now();
    root.complete();
    let (model, whole) = (root.model_files(), started.elapsed());
    root.wipe_everything();
    (model, whole)
}

fn assert_equal(ours: &BTreeMap<String, Vec<u8>>, theirs: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, bytes) in ours {
        assert!(*bytes == theirs[name], "{name} differs");
    }
}

#[test]
fn killed_jobs_end_with_the_same_bytes() {
    kill_and_compare(6, 20_261_122);
}

#[test]
fn a_terminated_job_says_so_and_continues() {
    let root = job();
    let (reference, whole) = uninterrupted(&root);
    for share in [0.25, 0.5, 0.75] {
        let (output, _) = root.run_with_signal(whole.mul_f64(share), "TERM");
        assert!(output.status.success(), "a clean stop exits 0: {}", shown(&output));
        assert!(!root.path("output/failure").exists());
        if !shown(&output).contains("Test part") {
            assert_eq!(root.json("manifest.json")["complete"], false, "{}", shown(&output));
        }
        root.wipe_instance();
    }
    root.complete();
    assert_equal(&root.model_files(), &reference);
    let again = root.complete();
    assert!(again.contains("resumed from step"), "{again}");
    assert!(!again.contains("[metric]"), "a finished run does not train again: {again}");
}

#[test]
fn a_second_signal_ends_the_job_at_once() {
    let root = job();
    let job = root.start();
    std::thread::sleep(Duration::from_millis(1500));
    let number = job.id().to_string();
    let kill = || std::process::Command::new("kill").args(["-s", "TERM", &number]).output();
    let _ = kill();
    let _ = kill();
    let started = Instant::now();
    let output = job.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{}", shown(&output));
}
