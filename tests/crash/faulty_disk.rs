//! F9, second half: operations on files fail at random.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::full_disk::{assert_finished, model};
use super::store::{Shards, temporaries};
use super::{matrix, usable};
use crate::support::{Root, dyad, dyad_under, shown};
use crate::{rounds, seed};

/// Calls that fail, as libfiu names them; each fails with an error of the kernel drawn at random.
const POINTS: [&str; 4] =
    ["posix/io/rw/write", "posix/io/sync/fsync", "posix/io/dir/rename", "posix/io/oc/open"];

#[test]
fn f9_failing_calls_end_in_a_message_or_in_the_same_model() {
    let test = "f9_failing_calls_end_in_a_message_or_in_the_same_model";
    if !usable(test, "fiu-run", &["-x", "true"]) {
        return;
    }
    let root = Root::new();
    let settings = ["--split=pairs", "--epochs=2", "--seal-seconds=0", "--token-budget=256"];
    let reference = tempfile::tempdir().unwrap();
    let mut clean = root.train_into(dyad(), reference.path());
    assert_finished(&clean.args(settings).output().unwrap());
    let reference = model(reference.path());

    // Which calls fail is drawn by libfiu, from the clock.
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    let runs = rounds(8, 50);
    for _ in 0..runs {
        let place = tempfile::tempdir().unwrap();
        let point = POINTS.choose(&mut random).unwrap();
        // A tenth of all calls rarely lets a job come far, a hundredth does.
        let probability = [0.1, 0.01].choose(&mut random).unwrap();
        let fault = format!("enable_random name={point},probability={probability}");
        let mut faulty = dyad_under("fiu-run", &["-x", "-c", &fault]);
        // A temporary folder that the shell of `fiu-run` itself needs.
        faulty.env("TMPDIR", "/tmp");
        let output = root.train_into(faulty, place.path()).args(settings).output().unwrap();
        *ends.entry(ended(&output, point)).or_default() += 1;
        if output.status.success() {
            assert!(model(place.path()) == reference, "{point}: another model");
        }
        Shards::read(place.path());
        let mut clean = root.train_into(dyad(), place.path());
        assert_finished(&clean.args(settings).output().unwrap());
        assert!(model(place.path()) == reference, "{point}: another model after a clean rerun");
        assert_eq!(temporaries(place.path()), Vec::<PathBuf>::new(), "{point}");
    }
    matrix(
        "F9 failing calls",
        &format!(
            "{runs} jobs in which a tenth or a hundredth of write, fsync, rename or open failed"
        ),
        &format!("{ends:?}; 0 shards damaged; all reruns gave the same model"),
    );
}

/// How a run ended: through, or with one line that says why.
fn ended(output: &Output, point: &str) -> &'static str {
    let shown = shown(output);
    assert!(!shown.contains("panic"), "{point}: {shown}");
    assert!(matches!(output.status.code(), Some(0 | 2 | 3)), "{point}: {shown}");
    if output.status.success() { "finished" } else { "failed with a message" }
}
