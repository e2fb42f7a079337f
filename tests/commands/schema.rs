//! What other programs and the documentation take from the binary is what they hold.

use std::fs;
use std::path::Path;

use dyad::storage;
use serde_json::Value;

use crate::support::{dyad, succeed};

/// Files of the project that the program prints, by format.
const PRINTED: [(&str, &str); 3] = [
    ("markdown", "docs/hyperparameters.md"),
    ("json", "sagemaker/schema.json"),
    ("metrics", "sagemaker/metrics.json"),
];

#[test]
fn committed_files_are_what_the_binary_prints() {
    let mut stale = Vec::new();
    for (format, path) in PRINTED {
        let (printed, _) = succeed(dyad().args(["schema", "--format", format]));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            storage::write_atomic(&path, printed.as_bytes()).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&printed) {
            stale.push(path);
        }
    }
    let command = "UPDATE_DOCS=1 cargo test --test promises schema";
    assert!(stale.is_empty(), "out of date: {stale:?}; run `{command}`");
}

#[test]
fn parts_of_the_schema_are_printed_alone() {
    let print = |format: &str| -> Value {
        let (printed, _) = succeed(dyad().args(["schema", "--format", format]));
        serde_json::from_str(&printed).unwrap()
    };
    let schema = print("json");
    assert_eq!(schema["metric_definitions"], print("metrics"));
    assert_eq!(schema["training_specification"], print("algorithm"));
    // What a key is taken by comes from the options of the commands.
    let keys = schema["hyperparameters"].as_array().unwrap();
    let commands =
        |name: &str| keys.iter().find(|key| key["name"] == name).unwrap()["commands"].clone();
    assert_eq!(commands("epochs"), serde_json::json!(["train", "validate", "estimate"]));
    // Its option stands among the paths; that of `fetch` is no setting.
    assert_eq!(commands("interactions"), serde_json::json!(["train", "validate", "estimate"]));
    // `sample` has a seed of its own.
    assert_eq!(commands("seed"), serde_json::json!(["train", "validate", "estimate"]));
    let all = serde_json::json!(["train", "validate", "embed", "predict", "evaluate", "estimate"]);
    assert_eq!(commands("device"), all);
}
