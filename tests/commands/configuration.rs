//! Layers: a file is weaker than the environment, and that than an option.

use std::fs;

use serde_json::Value;

use crate::support::{Root, succeed};

/// What the log says of a key.
fn setting<'l>(log: &'l str, key: &str) -> &'l str {
    let line = log.lines().find(|line| line.contains(&format!(" {key} = "))).unwrap();
    line.split_once(" INFO ").unwrap().1
}

#[test]
fn later_layers_win_and_the_log_names_them() {
    let root = Root::new();
    let file = root.path().join("run.toml");
    fs::write(&file, "epochs = 5\nseed = 5\nsplit = \"pairs\"\nhidden_sizes = [8, 4]\n").unwrap();
    let mut train = root.by_paths();
    train.arg("--config").arg(&file).args(["--epochs", "1"]);
    train.env("DYAD_EPOCHS", "4").env("DYAD_SEED", "6");
    let (_, log) = succeed(&mut train);
    assert_eq!(setting(&log, "epochs"), "epochs = 1 (command line)");
    assert_eq!(setting(&log, "seed"), "seed = 6 (environment)");
    let expected = format!("split = pairs (config file `{}`)", file.display());
    assert_eq!(setting(&log, "split"), expected);
    assert_eq!(setting(&log, "dropout"), "dropout = 0.3 (default)");

    let saved = fs::read(root.path().join("out/config.json")).unwrap();
    let saved: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!((&saved["epochs"], &saved["seed"]), (&1.into(), &6.into()));
    assert_eq!(saved["hidden_sizes"], serde_json::json!([8, 4]));

    // The saved configuration is a config file: the same run, found finished.
    let mut again = root.by_paths();
    let (_, log) = succeed(again.arg("--config").arg(root.path().join("out/config.json")));
    assert!(!log.contains("[metric]"), "{log}");
}

#[test]
fn hyperparameters_win_over_nothing_but_the_defaults() {
    let root = Root::new();
    let settings =
        r#"{"split": "\"pairs\"", "epochs": "3", "hidden_sizes": "[8, 4]", "seed": "7"}"#;
    root.configure("hyperparameters.json", settings);
    let (_, log) = succeed(root.job().env("DYAD_EPOCHS", "2").args(["train", "--epochs", "1"]));
    assert_eq!(setting(&log, "epochs"), "epochs = 1 (command line)");
    assert_eq!(setting(&log, "seed"), "seed = 7 (hyperparameters.json)");
    assert_eq!(setting(&log, "hidden_sizes"), "hidden_sizes = 8,4 (hyperparameters.json)");
}
