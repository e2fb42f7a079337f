//! `dyad schema`: what the program takes and prints, for other programs and for the documentation.

mod algorithm;
mod page;

use std::ops::Bound;

use clap::{Arg, ArgMatches, Command};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::{estimate, options, output, train, validate};
use crate::config::{Effect, KEYS, Key, Kind, PLATFORM_KEY, PLATFORM_PREFIX};
use crate::container::{CHANNELS, Need};
use crate::training::METRICS;

pub(super) const NAME: &str = "schema";

/// The name and version of the format.
const SCHEMA: &str = "dyad.schema.v1";

/// What a tuner may vary: what shapes the fit alone. The rest changes what is measured, or nothing.
const TUNABLE: [&str; 5] = ["epochs", "batch_size", "learning_rate", "dropout", "patience"];

const EXAMPLES: &str = "\
Examples:
  dyad schema                              everything, as JSON
  dyad schema --format metrics             the metric definitions of a training job
  dyad schema --format algorithm           the TrainingSpecification of CreateAlgorithm
  dyad schema --format markdown            the page docs/hyperparameters.md";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Prints hyperparameters, channels and metrics for other programs")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("WORD")
                .value_parser(["json", "metrics", "algorithm", "markdown"])
                .default_value("json")
                .help("what to print"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let format = matches.get_one::<String>("format").map_or("json", String::as_str);
    let value = match format {
        "markdown" => return output::print(&page::page()),
        "metrics" => metrics(),
        "algorithm" => algorithm::specification(),
        _ => schema(),
    };
    output::print(&(serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"))
}

fn schema() -> Value {
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "hyperparameters": KEYS.iter().map(hyperparameter).collect::<Vec<_>>(),
        // The fractions are used unless the parts are given.
        "sums_below_1": [{
            "keys": ["test_fraction", "validation_fraction"],
            "unless": { "split": "given" },
        }],
        "ignored": { "prefix": PLATFORM_PREFIX, "name": PLATFORM_KEY },
        "channels": CHANNELS.iter().map(|channel| json!({
            "names": channel.names,
            "unless": match channel.need {
                Need::Unless(key) => Some(key),
                Need::IfOneIsUnknown | Need::Never => None,
            },
            "description": channel.help,
        })).collect::<Vec<_>>(),
        "metric_definitions": metrics(),
        "training_specification": algorithm::specification(),
    })
}

/// The metric definitions, as the platform's API spells them.
fn metrics() -> Value {
    METRICS.iter().map(|metric| json!({ "Name": metric.name, "Regex": metric.regex() })).collect()
}

fn hyperparameter(key: &Key) -> Value {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| drop(entry.insert(name.to_owned(), value));
    put("name", key.name.into());
    for (name, value) in described(key.kind) {
        put(name, value);
    }
    put("expected", key.kind.expected().into());
    put("default", key.default.into());
    put("tunable", is_tunable(key).into());
    put("changes_result", (key.effect == Effect::Result).into());
    put("commands", commands(key).into());
    put("description", key.help.into());
    Value::Object(entry)
}

/// The type of a key, its range and how nothing is written.
fn described(kind: Kind) -> Vec<(&'static str, Value)> {
    let kind_is = |name: &str| ("type", Value::from(name));
    match kind {
        Kind::Integer { min, max } => {
            vec![kind_is("integer"), ("min", min.into()), ("max", max.into())]
        }
        Kind::OptionalInteger { min, max, absent } => vec![
            kind_is("integer"),
            ("min", min.into()),
            ("max", max.into()),
            ("absent", absent.into()),
        ],
        Kind::Float(from, to) => {
            let mut fields = vec![kind_is("number")];
            fields.extend(bound(from, ["min", "above"]));
            fields.extend(bound(to, ["max", "below"]));
            fields
        }
        Kind::OptionalFloat { from, to, absent } => {
            let mut fields = described(Kind::Float(from, to));
            fields.push(("absent", absent.into()));
            fields
        }
        Kind::Bool => vec![kind_is("boolean")],
        Kind::Choice(words) => vec![kind_is("choice"), ("choices", words.into())],
        Kind::Integers { min, max, longest } => vec![
            kind_is("integers"),
            ("min", min.into()),
            ("max", max.into()),
            ("longest", longest.into()),
        ],
        Kind::OptionalText { absent } => vec![kind_is("text"), ("absent", absent.into())],
        Kind::OptionalS3Uri { absent } => vec![kind_is("s3_uri"), ("absent", absent.into())],
        Kind::Url => vec![kind_is("url")],
        Kind::OptionalSpecies { absent } => {
            vec![kind_is("species"), ("absent", absent.into())]
        }
        Kind::Device => vec![kind_is("device")],
    }
}

/// A bound under the first name if values may equal it, else under the second.
fn bound(bound: Bound<f64>, names: [&'static str; 2]) -> Option<(&'static str, Value)> {
    match bound {
        Bound::Included(number) => Some((names[0], number.into())),
        Bound::Excluded(number) => Some((names[1], number.into())),
        Bound::Unbounded => None,
    }
}

fn is_tunable(key: &Key) -> bool {
    TUNABLE.contains(&key.name)
}

/// The commands that take a key as part of their configuration, in the order of the help.
fn commands(key: &Key) -> Vec<String> {
    if key.name == options::INTERACTIONS {
        // Its option stands among the paths.
        return [train::NAME, validate::NAME, estimate::NAME].map(str::to_owned).to_vec();
    }
    let is_key = |arg: &Arg| {
        arg.get_id() == key.name && arg.get_help_heading() == Some(options::CONFIGURATION)
    };
    let takes = |command: &&Command| command.get_arguments().any(is_key);
    let program = super::command();
    program.get_subcommands().filter(takes).map(|command| command.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tunable_key_is_there_and_tunable_by_the_platform() {
        for name in TUNABLE {
            let kind = Key::named(name).unwrap().kind;
            assert!(matches!(kind, Kind::Integer { .. } | Kind::Float(..)), "{name}: {kind:?}");
        }
    }
}
