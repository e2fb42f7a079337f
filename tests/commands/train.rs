//! `train` repeats itself exactly, and its log suits the platform.

use std::fs;

use super::files;
use crate::support::{EPOCHS, Root, small_encoder, succeed, trained};

/// Every file of the model directory; checkpoints, which may lie in it, are no part of the model.
fn model_files(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let all = files(folder).into_iter();
    all.filter(|(name, _)| !name.starts_with("checkpoints/")).collect()
}

#[test]
fn a_finished_run_is_not_trained_again_and_writes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (first_table, _) = succeed(&mut trained().train(&out));
    let first = model_files(&out);
    let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "audit.json",
        "classifier.json",
        "classifier.safetensors",
        "config.json",
        "manifest.json",
        "metrics.json",
        "report.html",
        "report.md",
        "split.json",
        "test_predictions.tsv",
    ];
    assert_eq!(names, expected);

    let (table, log) = succeed(&mut trained().train(&out));
    assert!(log.contains("resumed from step"), "{log}");
    assert!(!log.contains("[metric]") && !log.contains("checkpoint written"), "{log}");
    assert!(log.contains("computed=0 missing=0"), "{log}");
    assert_eq!(table, first_table);
    assert!(model_files(&out) == first, "the second run wrote other bytes");
    // Another run of the same configuration is the same model, too.
    assert!(model_files(&trained().model) == first, "a repeated run wrote other bytes");
}

#[test]
fn more_epochs_continue_a_finished_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeed(&mut trained().train(&out));
    let (_, log) = succeed(&mut trained().train_with(&out, EPOCHS + 1, &small_encoder()));
    assert_eq!(log.matches("[metric] epoch=").count(), 1, "{log}");
    assert!(log.contains(&format!("[metric] epoch={} ", EPOCHS + 1)), "{log}");
}

#[test]
fn a_run_that_leaves_less_leaves_nothing_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let stale = [
        "test_predictions.tsv",
        "metrics.json",
        "classifier.safetensors",
        "report.html",
        "report.md",
    ];
    stale.iter().for_each(|name| fs::write(folder.path().join(name), "old").unwrap());
    dyad::artifacts::ModelWriter::begin(folder.path()).unwrap();
    assert!(files(folder.path()).is_empty());
}

#[test]
fn the_log_of_a_job_suits_cloudwatch() {
    let root = Root::new();
    // Tabs in the first example of a bucket, and a learning rate that some would print as 1e-7.
    root.write("interactions/more.tsv", "protein_a\tprotein_b\nP00000\tP\u{e9}\textra\tfields\n");
    let settings =
        r#"{"split": "pairs", "epochs": "3", "learning_rate": "1e-7", "hidden_sizes": "8"}"#;
    root.configure("hyperparameters.json", settings);
    let (printed, log) = succeed(root.job().env("DYAD_PROGRESS", "lines"));
    for text in [&printed, &log] {
        assert!(!text.contains(['\r', '\t', '\u{1b}']), "{text}");
        assert_eq!(exponent(text), None, "{text}");
    }
    assert!(log.contains("malformed                  1"), "{log}");

    let metrics: Vec<_> = log.lines().filter_map(|line| line.split_once("[metric] ")).collect();
    assert_eq!(metrics.len(), 3, "{log}");
    for (epoch, (_, line)) in metrics.iter().enumerate() {
        let values = line.strip_suffix(';').unwrap().split(' ');
        let (names, values): (Vec<_>, Vec<_>) =
            values.map(|pair| pair.split_once('=').unwrap()).unzip();
        let expected = [
            "epoch",
            "step",
            "train_loss",
            "val_loss",
            "val_auroc",
            "val_ap",
            "val_mcc",
            "learning_rate",
        ];
        assert_eq!(names, expected, "{line}");
        assert_eq!(values[0], (epoch + 1).to_string());
        assert!(values[2..].iter().all(|value| is_decimal(value)), "{line}");
        assert_eq!(values[7], "0.0000001000");
    }
}

/// Whether the regular expression `[-+]?[0-9]+\.[0-9]+` matches all of `text`.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    unsigned.split_once('.').is_some_and(|(whole, rest)| digits(whole) && digits(rest))
}

/// A number with an exponent, such as `7e-5`, if there is one.
fn exponent(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || ",;=()`".contains(c)).find(|word| {
        let lower = word.to_ascii_lowercase();
        let parts = lower
            .split_once('e')
            .map(|(mantissa, exponent)| (mantissa.to_owned(), exponent.to_owned()));
        parts.is_some_and(|(mantissa, exponent)| {
            mantissa.parse::<f64>().is_ok() && exponent.parse::<i32>().is_ok()
        })
    })
}
