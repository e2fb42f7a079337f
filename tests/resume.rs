//! Kill it anywhere, at any time: the next attempt ends with the same bytes.

use std::time::{Duration, Instant};

use crate::support::kill::{assert_equal, job, kill_and_compare, uninterrupted};
use crate::support::shown;

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

#[test]
fn a_stop_while_embedding_leaves_the_model_that_was_there() {
    let root = job();
    root.complete();
    let before = root.model_files();
    std::fs::remove_dir_all(root.path("checkpoints")).unwrap();
    let (output, _) = root.run_with_signal(Duration::from_millis(400), "TERM");
    assert!(output.status.success(), "{}", shown(&output));
    if shown(&output).contains("Test part") || shown(&output).contains("[metric]") {
        eprintln!("skipped: a_stop_while_embedding_leaves_the_model: the job was too fast");
        return;
    }
    assert_equal(&root.model_files(), &before);
}
