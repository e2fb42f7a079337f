//! The `TrainingSpecification` of `CreateAlgorithm`, as the platform's API spells it.

use std::ops::Bound;

use serde_json::{Value, json};

use super::{is_tunable, metrics};
use crate::config::{KEYS, Key, Kind};
use crate::container::CHANNELS;
use crate::training::{Goal, METRICS};

/// Stands for the image in the registry, which the program cannot know.
const IMAGE: &str = "IMAGE";

/// One GPU each, and CPU types for small data: more of either would lie idle.
const INSTANCE_TYPES: [&str; 16] = [
    "ml.g4dn.xlarge",
    "ml.g4dn.2xlarge",
    "ml.g5.xlarge",
    "ml.g5.2xlarge",
    "ml.g6.xlarge",
    "ml.g6.2xlarge",
    "ml.p3.2xlarge",
    "ml.p4d.24xlarge",
    "ml.p5.48xlarge",
    "ml.c5.2xlarge",
    "ml.c5.4xlarge",
    "ml.c6i.2xlarge",
    "ml.c6i.4xlarge",
    "ml.m5.2xlarge",
    "ml.m5.4xlarge",
    "ml.m6i.2xlarge",
];

pub(super) fn specification() -> Value {
    json!({
        "TrainingImage": IMAGE,
        "SupportedHyperParameters": KEYS.iter().map(hyperparameter).collect::<Vec<_>>(),
        "SupportedTrainingInstanceTypes": INSTANCE_TYPES,
        "SupportsDistributedTraining": false,
        "MetricDefinitions": metrics(),
        "TrainingChannels": CHANNELS.iter().map(|channel| json!({
            "Name": channel.names[0],
            "Description": channel.help,
            // A hyperparameter may stand for any that a job needs.
            "IsRequired": false,
            // What a file is follows from its content.
            "SupportedContentTypes": [],
            "SupportedCompressionTypes": ["None"],
            "SupportedInputModes": ["File", "FastFile"],
        })).collect::<Vec<_>>(),
        "SupportedTuningJobObjectiveMetrics": objectives(),
    })
}

fn hyperparameter(key: &Key) -> Value {
    let (kind, range) = type_and_range(key.kind);
    let mut entry = json!({
        "Name": key.name,
        "Description": format!("{}: {}", key.help, key.kind.expected()),
        "Type": kind,
        "IsTunable": is_tunable(key),
        "IsRequired": false,
        "DefaultValue": key.default,
    });
    if let Some((name, range)) = range {
        entry["Range"] = json!({ name: range });
    }
    entry
}

/// The platform's type of a key and, where it has one, its range. The platform's ranges are closed:
/// the ends that a key excludes are refused by the program alone.
fn type_and_range(kind: Kind) -> (&'static str, Option<(&'static str, Value)>) {
    let range = |min: String, max: String| json!({ "MinValue": min, "MaxValue": max });
    let words = |words: &[&str]| {
        Some(("CategoricalParameterRangeSpecification", json!({ "Values": words })))
    };
    match kind {
        Kind::Integer { min, max } => {
            let range = range(min.to_string(), max.to_string());
            ("Integer", Some(("IntegerParameterRangeSpecification", range)))
        }
        Kind::Float(
            Bound::Included(min) | Bound::Excluded(min),
            Bound::Included(max) | Bound::Excluded(max),
        ) => {
            let range = range(min.to_string(), max.to_string());
            ("Continuous", Some(("ContinuousParameterRangeSpecification", range)))
        }
        Kind::Choice(choices) => ("Categorical", words(choices)),
        // Python's spelling comes from the SDK.
        Kind::Bool => ("Categorical", words(&["true", "false", "True", "False"])),
        _ => ("FreeText", None),
    }
}

fn objectives() -> Value {
    let objective = |metric: &crate::training::Metric| {
        let goal = match metric.goal? {
            Goal::Maximize => "Maximize",
            Goal::Minimize => "Minimize",
        };
        Some(json!({ "Type": goal, "MetricName": metric.name }))
    };
    METRICS.iter().filter_map(objective).collect()
}
