//! `dyad evaluate`: metrics of a model on labelled pairs, or of a file of scores.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{options, output, predict};
use crate::evaluation::{self, Metrics, ScoreColumns};
use crate::interactions;
use crate::storage::write_atomic;

pub(super) const NAME: &str = "evaluate";

/// Where a file of scores brings no threshold of its own.
const DEFAULT_THRESHOLD: f64 = 0.5;

const EXAMPLES: &str = "\
Examples:
  dyad evaluate --model run --pairs labelled.tsv --sequences proteins.fasta --encoder DIR
  dyad evaluate --scores run/test_predictions.tsv --threshold 0.4
  dyad evaluate --scores scores.csv --label-column truth --score-column p

Pairs are labelled in a column `label` with 1 (they interact) and 0. A model is measured at the
threshold chosen on its validation part, scores at 0.5, unless `--threshold` says otherwise.";

pub(super) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new(NAME)
        .about("Measures a model on labelled pairs, or scores against labels")
        .after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
        .group(ArgGroup::new("measured").args(["model", "scores"]).required(true))
        .arg(
            options::path("model", "DIR", "model directory of `dyad train`, to be measured")
                .requires("pairs"),
        )
        .arg(
            options::path("pairs", "PATH", "labelled pairs, with --model").conflicts_with("scores"),
        )
        .arg(predict::sequences().conflicts_with("scores"))
        .arg(options::path(
            "scores",
            "FILE",
            "table with a label and a score column, to be measured",
        ))
        .arg(text("label-column", "NAME", "label column [default: label, interaction, y or class]"))
        .arg(
            text(
                "score-column",
                "NAME",
                "score column, with --scores [default: score, probability or prediction]",
            )
            .requires("scores"),
        )
        .arg(
            text("threshold", "NUMBER", "probability from which on a pair counts as interacting")
                .value_parser(options::number::<f64>("expected a number from 0 to 1")),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("print JSON instead of a table"),
        )
        .arg(options::path("out", "FILE", "JSON file to write besides"))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(predict::takes).map(|key| key.conflicts_with("scores")))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let out = output::file(matches)?;
    let metrics = match matches.get_one::<PathBuf>("scores") {
        Some(path) => of_scores(matches, path)?,
        None => of_model(matches, context)?,
    };
    let json = serde_json::to_string_pretty(&metrics).unwrap_or_default() + "\n";
    if let Some(path) = out {
        write_atomic(&path, json.as_bytes())?;
        info!("metrics written to `{}`", path.display());
    }
    output::print(&if matches.get_flag("json") { json } else { format!("{metrics}\n") })
}

fn threshold(matches: &ArgMatches) -> Result<Option<f64>, Failure> {
    let threshold = matches.get_one::<f64>("threshold").copied();
    match threshold.filter(|threshold| !(0.0..=1.0).contains(threshold)) {
        Some(wrong) => Err(Failure::usage(format!(
            "`--threshold` is `{wrong}`, expected a number from 0 to 1"
        ))),
        None => Ok(threshold),
    }
}

fn of_scores(matches: &ArgMatches, path: &Path) -> Result<Metrics, Failure> {
    let name = |option: &str| matches.get_one::<String>(option).cloned();
    let columns = ScoreColumns { label: name("label-column"), score: name("score-column") };
    let (scores, labels) = evaluation::read_scores(path, &columns)?;
    let threshold = threshold(matches)?.unwrap_or(DEFAULT_THRESHOLD);
    Ok(evaluation::metrics(&scores, &labels, threshold)?)
}

fn of_model(matches: &ArgMatches, context: &Context) -> Result<Metrics, Failure> {
    let path = options::required(matches, "pairs");
    let column = matches.get_one::<String>("label-column").map(String::as_str);
    let pairs = interactions::list(&path, column)?;
    if pairs.iter().any(|pair| pair.label.is_none()) {
        return Err(Failure::usage(format!(
            "`{}` has no label column: add a column `label` with 1 for pairs that interact and 0 \
             for others, or name yours with `--label-column`",
            path.display()
        )));
    }
    let (model, scores) = predict::score(matches, context, &pairs)?;
    let scored = pairs.iter().zip(scores);
    let (scores, labels): (Vec<f64>, Vec<bool>) =
        scored.filter_map(|(pair, score)| Some((score?, pair.label?))).unzip();
    if scores.len() < pairs.len() {
        warn!("metrics are of the {} pairs with a score, out of {}", scores.len(), pairs.len());
    }
    let threshold = threshold(matches)?.unwrap_or(model.description.threshold);
    Ok(evaluation::metrics(&scores, &labels, threshold)?)
}
