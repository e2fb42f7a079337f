//! The platform's JSON files below `/opt/ml/input/config`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dyad::container::Root;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::driver::{folder, fuzz, refused};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

const NAMES: [&str; 4] =
    ["hyperparameters", "inputdataconfig", "resourceconfig", "checkpointconfig"];

fn valid() -> BTreeMap<&'static str, Value> {
    let channel = json!({"TrainingInputMode": "File", "ContentType": "text/plain"});
    BTreeMap::from([
        (
            "hyperparameters",
            json!({"epochs": "3", "hidden_sizes": "[64, 32]", "sagemaker_region": "\"eu-west-1\""}),
        ),
        (
            "inputdataconfig",
            json!({"interactions": channel, "sequences": channel, "encoder": channel, "x": channel}),
        ),
        (
            "resourceconfig",
            json!({"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": "ml.m5",
                   "instance_groups": [{"instance_group_name": "g", "hosts": ["algo-1"]}]}),
        ),
        ("checkpointconfig", json!({"LocalPath": "/opt/ml/checkpoints", "S3Uri": "s3://b/p"})),
    ])
}

/// Reads everything below `root`; what is read holds what the files say.
fn check(folder: &Path, texts: &BTreeMap<&str, Vec<u8>>) {
    for name in NAMES {
        fs::write(folder.join("input/config").join(name).with_extension("json"), &texts[name])
            .unwrap();
    }
    let root = Root::new(folder);
    match root.hyperparameters() {
        Ok(read) => {
            let object: Value = serde_json::from_slice(&texts["hyperparameters"]).unwrap();
            let keys: Vec<_> = object.as_object().unwrap().keys().collect();
            assert_eq!(read.keys().collect::<Vec<_>>(), keys);
        }
        Err(error) => refused(&error),
    }
    match root.channels() {
        Ok(channels) => {
            let found = [&channels.interactions, &channels.sequences, &channels.encoder];
            for folder_of in found.into_iter().flatten() {
                assert_eq!(folder_of.parent(), Some(folder.join("input/data").as_path()));
            }
        }
        Err(error) => refused(&error),
    }
    match root.cluster() {
        Ok(cluster) => assert!(cluster.hosts.len() < 2, "{cluster:?}"),
        Err(error) => refused(&error),
    }
    match root.checkpoints() {
        Ok(path) => assert!(path.is_absolute(), "{}", path.display()),
        Err(error) => refused(&error),
    }
}

fn prepared() -> tempfile::TempDir {
    let folder = folder();
    fs::create_dir_all(folder.path().join("input/config")).unwrap();
    folder
}

fn texts(change: impl Fn(&str, Value) -> Vec<u8>) -> BTreeMap<&'static str, Vec<u8>> {
    valid().into_iter().map(|(name, value)| (name, change(name, value))).collect()
}

#[test]
fn changed_values() {
    let folder = prepared();
    let changes = vec(json::change(), 1..4);
    fuzz("platform files, changed values", changes, |changes: Vec<Change>| {
        let change = |value| changes.iter().fold(value, changed).to_string().into_bytes();
        check(folder.path(), &texts(|_, value| change(value)));
    });
}

#[test]
fn damaged() {
    let folder = prepared();
    fuzz("platform files, damaged", mutations(), |mutations| {
        let damage = |value: Value| mutated(value.to_string().as_bytes(), &mutations);
        check(folder.path(), &texts(|_, value| damage(value)));
    });
}

#[test]
fn keys_again_and_values_that_are_none() {
    let folder = prepared();
    let key = select(vec![
        "epochs",
        "hosts",
        "encoder",
        "model",
        "LocalPath",
        "sagemaker_x",
        "\u{1b}[1m",
    ]);
    let raw = select(vec![
        "1",
        "\"1\"",
        "NaN",
        "1e999",
        "-1e999",
        "Infinity",
        "{}",
        "[]",
        "null",
        "\"\\ud800\"",
        "01",
        "'1'",
        "{\"TrainingInputMode\": \"Pipe\"}",
        "1E400",
        "\"\\u0000\"",
        "18446744073709551616",
        "0.1e-7",
    ]);
    let deep = (1..3000_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    let value = prop_oneof![9 => raw.prop_map(str::to_owned), 1 => deep];
    fuzz("platform files, keys again", vec((key, value), 0..6), |entries| {
        let text = json::object(entries.iter().map(|(key, value)| (*key, value.clone())));
        check(folder.path(), &texts(|_, _| text.clone().into_bytes()));
        let mut keys: Vec<_> = entries.iter().map(|(key, _)| key).collect();
        keys.sort();
        let again = keys.windows(2).any(|pair| pair[0] == pair[1]);
        let read = Root::new(folder.path()).hyperparameters();
        assert!(!again || read.is_err(), "one of two values is dropped: {text}");
    });
}
