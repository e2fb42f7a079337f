//! Kill it anywhere, at any time: the next attempt ends with the same bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::job::Job;
use crate::support::kill::{assert_equal, job, kill_and_compare, uninterrupted};
use crate::support::{dyad, sample_folder, shown, small_encoder};

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

/// A job that trains for a while in long epochs, and saves every second.
fn slow_training(epochs: &str) -> Job {
    let sample = sample_folder(3, false);
    let channels = [
        ("interactions", &*sample.path().join("interactions.txt")),
        ("sequences", &*sample.path().join("proteins.fasta")),
    ];
    let settings = [
        ("max_proteins", "300"),
        ("epochs", epochs),
        ("batch_size", "2"),
        ("hidden_sizes", "1024,512"),
        ("checkpoint_seconds", "1"),
    ];
    Job::new(&channels, &settings)
}

/// The steps of the checkpoints of the only run in a folder, oldest first.
fn saved_steps(checkpoints: &Path) -> Vec<u64> {
    let runs = fs::read_dir(checkpoints.join("runs")).into_iter().flatten().flatten();
    let files = runs.flat_map(|run| fs::read_dir(run.path()).unwrap().flatten());
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let step = |name: String| name.strip_suffix(".safetensors")?.split('-').next()?.parse().ok();
    let mut steps: Vec<u64> = names.filter_map(step).collect();
    steps.sort_unstable();
    steps
}

/// Waits until `happened`, which it must while `job` runs.
fn wait_for(job: &mut Child, happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(job.try_wait().unwrap().is_none(), "the job ended before it");
        assert!(started.elapsed() < Duration::from_mins(5), "it never happened");
        thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, job: &Child) {
    let number = job.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &number]).status().unwrap().success());
}

#[test]
fn a_job_killed_within_an_epoch_goes_on_within_it() {
    let root = slow_training("1");
    let mut first = root.start();
    let saved = || saved_steps(&root.path("checkpoints"));
    wait_for(&mut first, || !saved().is_empty());
    send("KILL", &first);
    first.wait().unwrap();
    let step = *saved().last().unwrap();
    root.wipe_instance();
    let log = root.complete();
    assert!(log.contains(&format!("resumed from step {step} (epoch 1)")), "{step}: {log}");
    let per_epoch = root.json("metrics.json")["epochs"][0]["step"].as_u64().unwrap();
    assert!(step < per_epoch, "{step} of {per_epoch}");
    let interrupted = root.model_files();
    root.wipe_everything();
    root.complete();
    assert_equal(&interrupted, &root.model_files());
}

#[test]
fn of_two_attempts_of_a_run_the_older_stops_and_the_newer_goes_on() {
    let (older, newer) = (slow_training("4"), slow_training("4"));
    let shared = older.path("checkpoints");
    let config = format!("{{\"LocalPath\": \"{}\"}}", shared.display());
    fs::write(newer.path("input/config/checkpointconfig.json"), config).unwrap();

    let mut first = older.start();
    wait_for(&mut first, || !saved_steps(&shared).is_empty());
    let second = newer.start();
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(3), "{}", shown(&first));
    let failure = fs::read_to_string(older.path("output/failure")).unwrap();
    let expected = "PlatformError: a newer attempt (2) of run `";
    assert!(failure.starts_with(expected), "{failure}");
    assert!(failure.contains("is at work; this one (1) stops"), "{failure}");
    assert!(!older.path("model/manifest.json").exists());

    let second = second.wait_with_output().unwrap();
    assert!(second.status.success(), "{}", shown(&second));
}

/// Starts embedding proteins that all go into one batch, which takes half a minute here.
fn embed_in_one_batch(folder: &Path) -> Child {
    let mut fasta = String::new();
    for protein in 0..200_usize {
        let residue = |i: usize| char::from(b"ACDEFGHIKLMNPQRSTVWY"[(i * (protein + 7) / 3) % 20]);
        let residues: String = (0..1000).map(residue).collect();
        writeln!(fasta, ">P{protein}\n{residues}").unwrap();
    }
    let (sequences, out) = (folder.join("proteins.fasta"), folder.join("out.safetensors"));
    fs::write(&sequences, fasta).unwrap();
    let mut command = dyad();
    command.arg("embed").arg("--sequences").arg(sequences).arg("--encoder").arg(small_encoder());
    command.arg("--out").arg(out).arg("--cache").arg(folder.join("cache"));
    command.args(["--token-budget", "1000000"]).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_batch_that_takes_too_long_is_abandoned() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = embed_in_one_batch(folder.path());
    // The plan is the last that is written before.
    let planned = || {
        let spaces = fs::read_dir(folder.path().join("cache/v1")).into_iter().flatten().flatten();
        let plans = spaces.map(|space| fs::read_dir(space.path().join("plans")));
        plans.flatten().flatten().next().is_some()
    };
    wait_for(&mut job, planned);
    thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    send("TERM", &job);
    let output: Output = job.wait_with_output().unwrap();
    if output.status.success() || !shown(&output).contains("abandoned") {
        eprintln!("skipped: a_batch_that_takes_too_long_is_abandoned: the batch was too fast");
        return;
    }
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    assert_eq!(output.status.code(), Some(143), "{}", shown(&output));
}
