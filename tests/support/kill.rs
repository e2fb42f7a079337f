//! Killing jobs and comparing what they end with.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::job::Job;
use super::{sample_folder, shown};

/// A small job of some seconds, half of them embedding.
pub(crate) fn job() -> Job {
    job_with(&[])
}

/// The same with other settings, or more of them.
pub(crate) fn job_with(settings: &[(&str, &str)]) -> Job {
    let sample = sample_folder(3, false);
    let channels = [
        ("interactions", &*sample.path().join("interactions.txt")),
        ("sequences", &*sample.path().join("proteins.fasta")),
    ];
    let usual = [
        ("max_proteins", "300"),
        ("epochs", "12"),
        ("token_budget", "1024"),
        // So that there are checkpoints enough for kills to hit.
        ("checkpoint_seconds", "0"),
    ];
    Job::new(&channels, &[&usual, settings].concat())
}

/// Interrupts jobs with SIGKILL at `kills` random moments, each on a new instance, and compares
/// the models with that of a job that ran through.
pub(crate) fn kill_and_compare(kills: usize, seed: u64) {
    let root = job();
    let (reference, whole) = uninterrupted(&root);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut interrupted, mut attempts) = (0, 0);
    while interrupted < kills {
        attempts += 1;
        assert!(attempts < 20 * kills, "only {interrupted} kills came in time, seed {seed}");
        let delay = whole.mul_f64(random.random_range(0.02..0.6));
        let (output, killed) = root.run_with_signal(delay, "KILL");
        assert!(killed || output.status.success(), "seed {seed}: {}", shown(&output));
        if killed {
            interrupted += 1;
            root.wipe_instance();
        } else {
            // It was through before the signal came: compare, and begin another job.
            assert_equal(&root.model_files(), &reference);
            root.wipe_everything();
        }
    }
    root.complete();
    assert_equal(&root.model_files(), &reference);
    eprintln!("{kills} kills in {attempts} attempts, seed {seed}: same bytes");
}

/// The model of a job that ran through and how long it took; the root is as before.
pub(crate) fn uninterrupted(root: &Job) -> (BTreeMap<String, Vec<u8>>, Duration) {
    let started = Instant::now();
    root.complete();
    let (model, whole) = (root.model_files(), started.elapsed());
    root.wipe_everything();
    (model, whole)
}

pub(crate) fn assert_equal(ours: &BTreeMap<String, Vec<u8>>, theirs: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, bytes) in ours {
        assert!(*bytes == theirs[name], "{name} differs");
    }
}
