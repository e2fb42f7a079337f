//! C3: `kill -9` at random moments of training, sometimes with the disk lost.

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::store::temporaries;
use super::{Kill, matrix, usable};
use crate::support::job::Job;
use crate::support::kill::{assert_equal, job, uninterrupted};
use crate::{rounds, seed};

/// What writing a checkpoint or a file of the model is made of.
const CALLS: [&str; 3] = ["fsync", "rename", "unlink"];

#[test]
fn c3_kills_in_training_change_no_byte() {
    let root = job();
    let (reference, _) = uninterrupted(&root);
    // From here on every embedding is stored: attempts are all training.
    root.complete();
    wipe_training(&root);
    let started = Instant::now();
    root.complete();
    let whole = started.elapsed();
    wipe_training(&root);

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let wanted = rounds(10, 100);
    let (mut kills, mut wiped, mut writing, mut models, mut attempts) = (0, 0, 0, 0, 0);
    let traced = usable("the kills of C3 inside writes", "strace", &["-f", "true"]);
    while kills < wanted {
        attempts += 1;
        assert!(attempts < 20 * wanted, "only {kills} kills came in time");
        let aimed = traced && attempts % 2 == 0;
        let kill = match aimed {
            true => {
                Kill::Before(CALLS[random.random_range(0..CALLS.len())], random.random_range(1..30))
            }
            false => Kill::After(whole.mul_f64(random.random_range(0.1..1.0))),
        };
        let (_, killed) = kill.run(&mut root.inside(kill.command()));
        if !killed {
            assert_equal(&root.model_files(), &reference);
            wipe_training(&root);
            models += 1;
            continue;
        }
        kills += 1;
        writing += usize::from(!temporaries(&root.path("")).is_empty());
        if random.random() {
            wiped += 1;
            root.wipe_instance();
        }
    }
    root.complete();
    models += 1;
    assert_equal(&root.model_files(), &reference);
    assert_eq!(temporaries(&root.path("")), Vec::<std::path::PathBuf>::new());
    // A few kills may all miss.
    let meaningful = !traced || wanted < 100 || writing * 10 >= wanted;
    assert!(meaningful, "only {writing} of {kills} kills hit a write");
    matrix(
        "C3",
        &format!(
            "{kills} kills in training, {writing} of them inside a write, {wiped} with the disk \
             wiped but for the checkpoints"
        ),
        &format!("{models} models finished, bit-identical with their metrics"),
    );
}

/// Leaves what the first attempt of a job finds whose proteins an earlier one has embedded.
fn wipe_training(root: &Job) {
    root.wipe_instance();
    std::fs::remove_dir_all(root.path("checkpoints/runs")).unwrap();
}
