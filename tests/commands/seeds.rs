//! `seeds=N` trains again with other seeds and tells how far the results differ.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::metrics::Schema;
use crate::support::kill::{assert_equal, job_with};
use crate::support::{EPOCHS, shown, succeed, text, trained};

/// `train` with so many seeds.
fn train(out: &Path, seeds: usize) -> Command {
    let mut command = trained().train(out);
    command.arg(format!("--seeds={seeds}"));
    command
}

fn read(out: &Path, name: &str) -> Vec<u8> {
    fs::read(out.join(name)).unwrap()
}

fn metrics(out: &Path) -> Value {
    serde_json::from_slice(&read(out, "metrics.json")).unwrap()
}

/// The AUROC of every training on the first test set.
fn aurocs(metrics: &Value) -> Vec<f64> {
    let trainings = metrics["seeds"]["trainings"].as_array().unwrap();
    trainings.iter().map(|one| one["sets"][0]["metrics"]["auroc"].as_f64().unwrap()).collect()
}

#[test]
fn the_model_is_the_first_and_the_spread_is_that_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (_, log) = succeed(&mut train(&out, 3));
    assert_eq!(log.matches("val_auroc=").count(), EPOCHS, "a tuner reads the first seed's: {log}");
    assert_eq!(log.matches(": epoch 1, validation AUROC 0.").count(), 2, "{log}");
    assert_eq!(log.matches("AUROC     pairs     model").count(), 1, "baselines are fitted once");
    assert!(log.contains("mean (standard deviation) of 3 of 3 trainings"), "{log}");
    for name in ["classifier.safetensors", "classifier.json", "split.json", "test_predictions.tsv"]
    {
        assert!(read(&out, name) == read(&trained().model, name), "{name} is another");
    }

    let (ours, alone) = (metrics(&out), metrics(&trained().model));
    assert_eq!(Schema::read().faults(&ours), Vec::<String>::new());
    for field in ["run_id", "complete", "best_epoch", "test", "evaluation", "epochs"] {
        assert_eq!(ours[field], alone[field], "{field}");
    }
    assert_eq!(alone.get("seeds"), None);
    let seeds: Vec<_> = ours["seeds"]["trainings"].as_array().unwrap().iter().collect();
    assert_eq!(seeds.iter().map(|one| &one["seed"]).collect::<Vec<_>>(), [42, 43, 44]);
    let lead = &ours["evaluation"]["sets"][0]["lead"]["auroc"];
    assert_eq!(&seeds[0]["sets"][0]["metrics"]["lead"], lead);

    let aurocs = aurocs(&ours);
    assert_eq!(aurocs[0], alone["test"]["auroc"].as_f64().unwrap());
    assert!(aurocs[0] != aurocs[1] && aurocs[1] != aurocs[2], "{aurocs:?}");
    let mean = aurocs.iter().sum::<f64>() / 3.0;
    let variance = aurocs.iter().map(|auroc| (auroc - mean).powi(2)).sum::<f64>() / 2.0;
    let spread = &ours["seeds"]["spread"][0]["metrics"]["auroc"];
    assert!((spread["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{spread}");
    let deviation = spread["standard_deviation"].as_f64().unwrap();
    assert!((deviation - variance.sqrt()).abs() < 1e-12, "{spread}");
    let report = text(&read(&out, "report.md"));
    assert!(report.contains("How much is chance") && report.contains(&format!("{mean:.3}")));
}

#[test]
fn more_seeds_continue_a_finished_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeed(&mut train(&out, 1));
    let (_, log) = succeed(&mut train(&out, 2));
    assert_eq!(log.matches(": epoch ").count(), EPOCHS, "{log}");
    let first = metrics(&out);
    let (_, log) = succeed(&mut train(&out, 2));
    assert!(!log.contains(": epoch ") && !log.contains("checkpoint written"), "{log}");
    assert_eq!(metrics(&out), first);
    let (_, log) = succeed(&mut train(&out, 3));
    assert_eq!(log.matches(": epoch ").count(), EPOCHS, "{log}");
    assert_eq!(aurocs(&metrics(&out))[..2], aurocs(&first));
}

#[test]
fn what_is_to_do_counts_every_training() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = train(&folder.path().join("run"), 3);
    let arguments: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
    let mut validate = crate::support::dyad();
    let (printed, _) = succeed(validate.arg("validate").args(&arguments));
    let expected =
        format!("for {EPOCHS} epochs in all with each of 3 seeds, the first from the start");
    assert!(printed.contains(&expected), "{printed}");
    succeed(&mut command);
    let timings = read(&folder.path().join("run"), "checkpoints/timings.json");
    let timings: Value = serde_json::from_slice(&timings).unwrap();
    let of_training = |timings: &Value| {
        let parts = timings["components"].as_array().unwrap();
        let training = parts.iter().find(|part| part["component"] == "training").unwrap();
        training["predicted_seconds"].as_f64().unwrap()
    };
    let alone = fs::read(trained().model.join("checkpoints/timings.json")).unwrap();
    let alone: Value = serde_json::from_slice(&alone).unwrap();
    let share = of_training(&timings) / of_training(&alone);
    assert!((share - 3.0).abs() < 0.01, "{share}");
}

/// Waits until the training with a further seed has written a checkpoint; false if the job ended.
fn has_saved(job: &mut Child, checkpoints: &Path, seed: &str) -> bool {
    let folder = format!("seeds/{seed}");
    let started = Instant::now();
    loop {
        let runs = fs::read_dir(checkpoints.join("runs")).into_iter().flatten().flatten();
        let mut seeds = runs.map(|run| run.path().join(&folder));
        if seeds.any(|folder| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())) {
            return true;
        }
        if job.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(started.elapsed() < Duration::from_mins(5), "it never came to the seed {seed}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_job_stopped_in_a_later_training_leaves_the_first_model_and_ends_with_the_same_bytes() {
    let root = job_with(&[("seeds", "3"), ("epochs", "4")]);
    root.complete();
    let expected = root.model_files();
    root.wipe_everything();
    for (signal, seed) in [("TERM", "43"), ("KILL", "44")] {
        let mut job = root.start();
        if !has_saved(&mut job, &root.path("checkpoints"), seed) {
            eprintln!("skipped: a_job_stopped_in_a_later_training: it was too fast");
            return;
        }
        let number = job.id().to_string();
        Command::new("kill").args(["-s", signal, &number]).status().unwrap();
        let output = job.wait_with_output().unwrap();
        if signal == "TERM" && !shown(&output).contains("training 3 of 3") {
            assert!(output.status.success(), "{}", shown(&output));
            let metrics = root.json("metrics.json");
            assert_eq!(Schema::read().faults(&metrics), Vec::<String>::new());
            let seeds = &metrics["seeds"];
            assert_eq!((&metrics["complete"], &seeds["asked"]), (&false.into(), &3.into()));
            assert_eq!(seeds["trainings"].as_array().unwrap().len(), 1, "{seeds}");
            assert_eq!(root.json("manifest.json")["complete"], false);
            let model = "classifier.safetensors";
            assert!(root.model_files()[model] == expected[model], "it is not the first model");
        }
        root.wipe_instance();
    }
    let log = root.complete();
    let epochs = log.matches("[metric] epoch=").count() + log.matches(": epoch ").count();
    assert!(epochs <= 4, "trainings that were over began anew: {log}");
    assert_equal(&root.model_files(), &expected);
}
