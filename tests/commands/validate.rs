//! `validate` finds what `train` would find, and leaves everything for it to do.

use std::process::Command;

use super::files;
use crate::support::{Root, shown, succeed, text, trained};

/// The same command for `validate`.
fn validate(train: &Command) -> Command {
    let mut command = Command::new(train.get_program());
    command.arg("validate").args(train.get_args().skip(1));
    for (name, value) in train.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

#[test]
fn the_last_line_says_what_train_would_do() {
    let root = Root::new();
    let mut train = root.by_paths();
    train.args(["--split=pairs", "--epochs=3", "--hidden-sizes=8"]);
    let (printed, log) = succeed(&mut validate(&train));
    assert!(log.contains("interactions:\n") && log.contains("used"), "{log}");
    assert!(!log.contains("[metric]") && !log.contains("embeddings total"), "{log}");
    let start = "`dyad train` would embed 40 of 40 sequences (0 are in the store), train on ";
    assert!(printed.starts_with(start) && printed.lines().count() == 1, "{printed}");
    assert!(printed.contains(" pairs for 3 epochs in all from the start, choose on "), "{printed}");

    let (_, log) = succeed(&mut train);
    let run = printed.split_once(": run ").unwrap().1.split(' ').next().unwrap();
    assert!(log.contains(&format!("run {run}: encoder")), "{run} {log}");
    let model = files(&root.path().join("out"));
    let (printed, _) = succeed(&mut validate(&train));
    assert!(printed.contains("would embed 0 of 40 sequences (40 are in the store)"), "{printed}");
    assert!(printed.contains("from the checkpoint of step "), "{printed}");
    assert!(files(&root.path().join("out")) == model, "it has changed the run");
}

#[test]
fn a_finished_run_is_told_by_its_checkpoint() {
    let (printed, _) = succeed(&mut validate(&trained().train(&trained().model)));
    assert!(printed.contains("from the checkpoint of step"), "{printed}");
}

#[test]
fn a_disk_that_is_too_small_is_named_before_it_is_full() {
    let root = Root::new();
    let mut train = root.by_paths();
    // Some 60 billion parameters.
    let widths = vec!["65536"; 16].join(",");
    train.args(["--split=pairs", "--hidden-sizes", &widths]);
    let output = validate(&train).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    let log = text(&output.stderr);
    assert!(log.contains("PlatformError: the disk of `"), "{log}");
    assert!(log.contains("free space there or use a larger volume"), "{log}");
}
