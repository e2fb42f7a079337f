//! `dyad evaluate`: metrics of a model on labelled pairs, or of a file of scores.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{options, predict};
use crate::evaluation::{self, Metrics, ScoreColumns};
use crate::interactions;
use crate::storage::{Context as _, write_atomic};

pub(super) const NAME: &str = "evaluate";

/// Where a file of scores brings no threshold of its own.
const DEFAULT_THRESHOLD: f64 = 0.5;

const EXAMPLES: &str = "\
Examples:
  dyad evaluate --model run --pairs labelled.tsv --sequences proteins.fasta --encoder DIR
  dyad evaluate --scores scores.tsv --label-column T --score-column S

A model is measured at the threshold chosen on its validation part, scores at 0.5 unless
`--threshold` says otherwise.";

pub(super) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new(NAME)
        .about("Measures a model on labelled pairs, or scores against labels")
        .after_help(EXAMPLES)
        .arg(options::path("model", "DIR", "model directory").requires("pairs"))
        .arg(options::path("pairs", "PATH", "labelled pairs").requires("sequences"))
        .arg(options::path("sequences", "PATH", "FASTA file, or a folder of them"))
        .arg(options::path("encoder", "DIR", "the encoder, where the model does not bundle it"))
        .arg(
            options::path("scores", "FILE", "table with a label and a score column")
                .required_unless_present("model")
                .conflicts_with("model"),
        )
        .arg(text("label-column", "NAME", "label column [default: label, interaction, y or class]"))
        .arg(text(
            "score-column",
            "NAME",
            "score column [default: score, probability or prediction]",
        ))
        .arg(
            text("threshold", "NUMBER", "probability from which a pair counts as interacting")
                .value_parser(value_parser!(f64)),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("print JSON, no table"))
        .arg(options::path("out", "FILE", "JSON file to write as well"))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|key| predict::KEYS.contains(&key.name)))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let metrics = match matches.get_one::<PathBuf>("scores") {
        Some(path) => of_scores(matches, path)?,
        None => of_model(matches, context)?,
    };
    let json = serde_json::to_string_pretty(&metrics).unwrap_or_default() + "\n";
    if let Some(path) = matches.get_one::<PathBuf>("out") {
        write_atomic(path, json.as_bytes())?;
        info!("metrics written to `{}`", path.display());
    }
    let text = if matches.get_flag("json") { json } else { format!("{metrics}\n") };
    let written = io::stdout().write_all(text.as_bytes());
    Ok(written.context("write", Path::new("standard output"))?)
}

fn threshold(matches: &ArgMatches) -> Option<f64> {
    matches.get_one::<f64>("threshold").copied()
}

fn of_scores(matches: &ArgMatches, path: &Path) -> Result<Metrics, Failure> {
    let name = |option: &str| matches.get_one::<String>(option).cloned();
    let columns = ScoreColumns { label: name("label-column"), score: name("score-column") };
    let (scores, labels) = evaluation::read_scores(path, &columns)?;
    let threshold = threshold(matches).unwrap_or(DEFAULT_THRESHOLD);
    Ok(evaluation::metrics(&scores, &labels, threshold)?)
}

fn of_model(matches: &ArgMatches, context: &Context) -> Result<Metrics, Failure> {
    let path = options::required(matches, "pairs");
    let column = matches.get_one::<String>("label-column").map(String::as_str);
    let pairs = interactions::list(&path, column)?;
    if pairs.iter().any(|pair| pair.label.is_none()) {
        let text = format!("`{}` has no label column; add one with 0 and 1", path.display());
        return Err(Failure::usage(text));
    }
    let (model, scores) = predict::score(matches, context, &pairs)?;
    let scored = pairs.iter().zip(scores);
    let (scores, labels): (Vec<f64>, Vec<bool>) =
        scored.filter_map(|(pair, score)| Some((score?, pair.label?))).unzip();
    if scores.len() < pairs.len() {
        warn!("{} of {} pairs are measured", scores.len(), pairs.len());
    }
    let threshold = threshold(matches).unwrap_or(model.description.threshold);
    Ok(evaluation::metrics(&scores, &labels, threshold)?)
}
