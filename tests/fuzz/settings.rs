//! Settings from config files and hyperparameters, in every spelling.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dyad::config::{self, ConfigError, KEYS, Sources};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::driver::{folder, fuzz, refused};
use crate::json;
use crate::mutation::{mutated, mutations};

/// A value as launchers and people write it, in JSON.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "1",
        "2.0",
        "1e3",
        "0.5",
        "-1",
        "1e-4",
        "-0.0",
        "1e999",
        "NaN",
        "true",
        "\"True\"",
        "\"false\"",
        "\"1\"",
        "\"\\\"given\\\"\"",
        "\"proteins\"",
        "\"pairs\"",
        "\"auto\"",
        "\"cpu\"",
        "\"cuda:0\"",
        "\"cuda:99999999999999999999\"",
        "\"none\"",
        "null",
        "\"None\"",
        "\"\"",
        "[64, 32]",
        "\"[64, 32]\"",
        "\"(64,)\"",
        "\"['64', '32']\"",
        "[[1]]",
        "[]",
        "{}",
        "\"window\"",
        "\"f16\"",
        "\"restart\"",
        "18446744073709551615",
        "9007199254740993.0",
        "[1, \"2\", 3.0]",
        "\"inf\"",
        "\" 7 \"",
        "1000000000",
    ];
    prop_oneof![
        6 => select(words.to_vec()).prop_map(str::to_owned),
        1 => json::value().prop_map(|value| value.to_string()),
        1 => any::<f64>().prop_map(|number| Value::from(number).to_string()),
        1 => vec(any::<u32>(), 0..30).prop_map(|list| Value::from(list).to_string()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let known: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    prop_oneof![
        12 => select(known).prop_map(str::to_owned),
        1 => select(vec!["epoch", "Epochs", "sagemaker_program", "_tuning_objective_metric", "a.b"])
            .prop_map(str::to_owned),
        1 => json::text(),
    ]
}

fn entries() -> impl Strategy<Value = Vec<(String, String)>> {
    prop_oneof![3 => vec((key(), value()), 0..3), 1 => vec((key(), value()), 3..12)]
}

/// Resolves; the result is a configuration that can be saved and read back as it is.
fn check(folder: &Path, sources: &Sources) {
    let resolved = match config::resolve(sources) {
        Ok(resolved) => resolved,
        Err(error) => {
            assert!(!matches!(error, ConfigError::Table(_)), "{error}");
            return refused(&error);
        }
    };
    assert_eq!(resolved.settings.len(), KEYS.len());
    let saved = serde_json::to_string(&resolved.config).unwrap();
    let path = folder.join("saved.json");
    fs::write(&path, &saved).unwrap();
    let again = config::resolve(&Sources { file: Some(path), ..Sources::default() }).unwrap();
    assert_eq!(again.config, resolved.config, "{saved}");
}

fn file(path: PathBuf, content: &[u8]) -> Sources {
    fs::write(&path, content).unwrap();
    Sources { file: Some(path), ..Sources::default() }
}

fn is_again(entries: &[(String, String)]) -> bool {
    let mut keys: Vec<_> = entries.iter().map(|(key, _)| key).collect();
    keys.sort();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[test]
fn files_built() {
    let folder = folder();
    fuzz("config files, built", entries(), |entries| {
        let path = |name| folder.path().join(name);
        let text = json::object(entries.iter().map(|(key, value)| (key.as_str(), value.clone())));
        let json = file(path("a.json"), text.as_bytes());
        check(folder.path(), &json);
        let quoted = |key: &str| Value::from(key).to_string();
        let lines = entries.iter().map(|(key, value)| format!("{} = {value}\n", quoted(key)));
        let toml = file(path("a.toml"), lines.collect::<String>().as_bytes());
        check(folder.path(), &toml);
        let refuses = |sources: &Sources| config::resolve(sources).is_err();
        let both = refuses(&json) && refuses(&toml);
        assert!(!is_again(&entries) || both, "one of two values is dropped: {text}");
    });
}

#[test]
fn files_damaged() {
    let json = config::resolve(&Sources::default()).unwrap().config;
    let json = serde_json::to_string_pretty(&json).unwrap();
    let toml = "# comment\nepochs = 3\nhidden_sizes = [64, 32]\nlearning_rate = 1e-3\n\n[table]\na = 1979-05-27\n";
    let valid = [("b.json", json), ("b.toml", toml.to_owned())];
    let folder = folder();
    let strategy = (select(valid.to_vec()), mutations());
    fuzz("config files, damaged", strategy, |((name, text), mutations)| {
        let content = mutated(text.as_bytes(), &mutations);
        check(folder.path(), &file(folder.path().join(name), &content));
    });
}

#[test]
fn hyperparameters_and_environment() {
    let folder = folder();
    let strategy = (entries(), entries());
    fuzz("hyperparameters and environment", strategy, |(hyperparameters, environment)| {
        // The container hands texts on, whatever JSON type they came in.
        let text = |value: &String| match serde_json::from_str(value) {
            Ok(Value::String(text)) => text,
            _ => value.clone(),
        };
        let hyperparameters: BTreeMap<_, _> =
            hyperparameters.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        let variable =
            |(key, value): &(String, String)| (format!("DYAD_{}", key.to_uppercase()), text(value));
        let environment = environment.iter().map(variable).collect();
        check(folder.path(), &Sources { hyperparameters, environment, ..Sources::default() });
    });
}
