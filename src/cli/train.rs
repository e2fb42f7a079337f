//! `dyad train`: the pipeline, on paths or below a SageMaker root.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{bucket, encoder, options, output};
use crate::artifacts;
use crate::config::{Key, Resolved, RunConfig, Sources};
use crate::container::Channels;
use crate::embeddings::esm2::Source;
use crate::estimate::{self, Instance};
use crate::pipeline::{self, Inputs, Places, Run, Summary};
use crate::storage;
use crate::storage::sync::Remote;

pub(super) const NAME: &str = "train";

/// Options that name places; with none of them a SageMaker root is used.
const PATHS: [&str; 8] = [
    "interactions",
    "sequences",
    "validation",
    "test",
    "known-interactions",
    "clusters",
    "out",
    "cache",
];

const EXAMPLES: &str = "\
Examples:
  dyad train --interactions hint.txt --sequences proteins.fasta --encoder esm2_t33_650M_UR50D --out run
  dyad train --interactions hint:HomoSapiens --encoder esm2_t33_650M_UR50D --out run
  dyad train ... --max-proteins 500 --epochs 3          a quick test
  dyad train                                            below a SageMaker root

Run it again to continue a run that was stopped, or with more --epochs to go on with a finished one.

Below a SageMaker root (/opt/ml, or what SAGEMAKER_BASE_DIR names) no path is given: the channels
are `interactions` (or `train`, `training`), `encoder` (or `model`) and, if you like, `sequences`,
`validation`, `test`, `known_interactions` and `clusters`. The configuration comes as hyperparameters
(learning_rate for --learning-rate), which win over a --config file; interactions=hint:HomoSapiens
and encoder=esm2_t33_650M_UR50D stand for channels.";

pub(super) fn command() -> Command {
    let about = "Trains a classifier from pairs, sequences and an encoder, and measures it";
    let command = Command::new(NAME).about(about);
    arguments(command).after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
}

/// The arguments of `train`, which `validate` takes as well.
pub(super) fn arguments(command: Command) -> Command {
    command
        .arg(options::path(
            "interactions",
            "PATH",
            "HINT, MITAB or STRING file or table of pairs (also gzip), a folder of them, or hint:SPECIES",
        ))
        .arg(options::path(
            "sequences",
            "PATH",
            "FASTA file, or a folder of them; else from UniProt",
        ))
        .args(options::parts())
        .args(options::background())
        .arg(options::path("out", "DIR", "model directory; checkpoints go to DIR/checkpoints"))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|_| true))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let job = job(matches, context)?;
    let resolved = resolve(matches, context, Some(&job))?;
    job.require(context, Some(&resolved.config))?;
    let encoder = job.encoder(&resolved.config)?;
    let Job { inputs, model, checkpoints, record, .. } = job;
    resolved.settings.iter().for_each(|setting| info!("{setting}"));
    let cache = bucket::cache(matches, context, &resolved.config)?;
    let hub = encoder::access(context, &cache)?;
    let in_root = in_root(matches, context);
    let places = Places { model, checkpoints, cache, record };
    let instance = if in_root { known_instance(context) } else { None };
    let price = instance.as_ref().and_then(|instance| instance.price.as_ref());
    let observer = context.observer_of(price.map(|price| price.usd_per_hour));
    let summary = pipeline::train(&Run {
        inputs: &inputs,
        encoder: &encoder,
        hub: &hub,
        places: &places,
        config: &resolved.config,
        instance: instance.as_ref(),
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    });
    bucket::settle(&places.cache, context);
    let summary = summary.inspect_err(show_audit)?;
    report(&summary, &places);
    if resolved.config.evaluation.strict
        && let Some(evaluation) = &summary.evaluation
    {
        evaluation.without_doubt()?;
    }
    // Below a root the platform takes the model away by itself.
    match &places.cache.remote {
        Some(remote) if summary.complete && !in_root => publish(&summary, &places, remote),
        _ => Ok(()),
    }
}

/// The instance type that the platform names, if the table of prices has it.
fn known_instance(context: &Context) -> Option<Instance> {
    estimate::named_instance(&context.root.instance_type()?).ok()
}

/// Whether a SageMaker root says where everything lies.
fn in_root(matches: &ArgMatches, context: &Context) -> bool {
    context.root.exists() && !PATHS.iter().any(|name| matches.contains_id(name))
}

/// Where a run reads and writes.
pub(super) struct Job {
    pub(super) inputs: Inputs,
    pub(super) model: PathBuf,
    pub(super) checkpoints: PathBuf,
    /// Where equal runs need not leave equal bytes.
    pub(super) record: PathBuf,
    /// The channels that the inputs are, below a root.
    channels: Option<Channels>,
}

impl Job {
    /// An error if a channel is missing that the job needs. In a configuration that cannot be used, a
    /// key that is given counts, whatever its value.
    pub(super) fn require(
        &self,
        context: &Context,
        config: Option<&RunConfig>,
    ) -> Result<(), Failure> {
        let hyperparameters = context.root.hyperparameters().unwrap_or_default();
        let is_given = |key: &str| {
            hyperparameters.contains_key(key) || context.variable(&Key::variable(key)).is_some()
        };
        let provided = |key: &str| match (key, config) {
            (options::INTERACTIONS, Some(config)) => config.hint.species.is_some(),
            ("encoder", Some(config)) => config.encoder.name.is_some(),
            (key, None) => is_given(key),
            _ => false,
        };
        match &self.channels {
            Some(channels) => Ok(channels.require(provided)?),
            None => Ok(()),
        }
    }
}

impl Job {
    /// The encoder: the channel's, or what the configuration names.
    pub(super) fn encoder(&self, config: &RunConfig) -> Result<Source, Failure> {
        let channel = self.channels.as_ref().and_then(|channels| channels.encoder.as_ref());
        match (channel, &config.encoder.name) {
            (Some(channel), None) => Ok(Source::Folder(channel.clone())),
            (Some(channel), Some(name)) => Err(Failure::usage(format!(
                "the job has an encoder as a channel, `{}`, and names another, `encoder` = `{name}`; \
                 leave out the one or the other",
                channel.display()
            ))),
            (None, _) => {
                let source = encoder::named(config, NAME)?;
                refuse_input(source.folder(), &self.model)?;
                refuse_within(source.folder(), &self.model)?;
                Ok(source)
            }
        }
    }
}

/// The places of a run, tried for writing.
pub(super) fn job(matches: &ArgMatches, context: &Context) -> Result<Job, Failure> {
    match in_root(matches, context) {
        true => from_root(context),
        false => from_paths(matches, context),
    }
}

/// The configuration of a run; `job` says what the input implies, if it is known.
pub(super) fn resolve(
    matches: &ArgMatches,
    context: &Context,
    job: Option<&Job>,
) -> Result<Resolved, Failure> {
    let given = job.is_some_and(|job| job.inputs.test.is_some());
    let mut implied = options::implied_by_parts(given);
    let sequences = job.is_none_or(|job| job.inputs.sequences.is_some());
    implied.extend(options::implied_by_sequences(sequences));
    let mut sources = Sources { implied, ..Sources::default() };
    if in_root(matches, context) {
        sources.hyperparameters = context.root.hyperparameters()?;
    }
    options::resolve(matches, context, sources)
}

/// Logs the account of the rows up to the one that ended a run.
pub(super) fn show_audit(error: &pipeline::Error) {
    if let pipeline::Error::Interactions(error) = error
        && let Some(audit) = error.audit()
    {
        info!("the account of the rows so far:\n{audit}");
    }
}

/// Uploads a finished model, which a failure leaves where it is.
fn publish(summary: &Summary, places: &Places, remote: &Remote) -> Result<(), Failure> {
    let place = artifacts::publish(&places.model, &summary.run_id, remote).inspect_err(|_| {
        let model = places.model.display();
        warn!("the model is complete in `{model}`; run again to upload it");
    })?;
    info!("model uploaded to `{place}`");
    Ok(())
}

fn report(summary: &Summary, places: &Places) {
    let Some(test) = &summary.test else {
        info!("stopped before the end; run again to continue");
        return;
    };
    if !summary.complete {
        info!("stopped before the last of the trainings; run again to continue");
    }
    info!("model written to `{}`; begin with `report.html` there", places.model.display());
    let auroc = summary.validation.as_ref().and_then(|metrics| metrics.auroc).unwrap_or_default();
    let epoch = summary.best_epoch.unwrap_or_default();
    let table = format!("Test part (best epoch {epoch}, validation AUROC {auroc:.4})\n{test}\n");
    // The table is also in metrics.json; a closed output loses nothing.
    let _ = output::print(&table);
}

fn from_root(context: &Context) -> Result<Job, Failure> {
    let root = &context.root;
    root.probe()?;
    root.cluster()?;
    let channels = root.channels()?;
    let found = channels.clone();
    let inputs = Inputs {
        interactions: found.interactions,
        sequences: found.sequences,
        validation: found.validation,
        test: found.test,
        known_interactions: found.known_interactions,
        clusters: found.clusters,
    };
    let (model, checkpoints, record) = (root.model(), root.checkpoints()?, root.output_data());
    Ok(Job { inputs, model, checkpoints, record, channels: Some(channels) })
}

fn from_paths(matches: &ArgMatches, context: &Context) -> Result<Job, Failure> {
    let given = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let needed = ["interactions", "encoder", "out"];
    let missing: Vec<_> =
        needed.iter().copied().filter(|name| !matches.contains_id(name)).collect();
    // The configuration may name interactions and encoder; that is seen when it is known.
    if missing.contains(&"out") {
        let options: Vec<_> = missing.iter().map(|name| format!("`--{name}`")).collect();
        let nothing_given = missing.len() == needed.len() && given("sequences").is_none();
        let root = match nothing_given {
            true => format!(" or a SageMaker root (`{}` has no folder `input`)", context.root),
            false => String::new(),
        };
        let text =
            format!("`dyad train` needs {}{root}; see `dyad train --help`", options.join(", "));
        return Err(Failure::usage(text));
    }
    let inputs = Inputs {
        interactions: options::interactions(matches),
        sequences: given("sequences"),
        validation: given("validation"),
        test: given("test"),
        known_interactions: given("known-interactions"),
        clusters: given("clusters"),
    };
    let model = options::required(matches, "out");
    let folders = [
        inputs.interactions.as_deref(),
        inputs.sequences.as_deref(),
        inputs.validation.as_deref(),
        inputs.test.as_deref(),
        inputs.known_interactions.as_deref(),
        inputs.clusters.as_deref(),
    ];
    folders.into_iter().try_for_each(|folder| refuse_input(folder, &model))?;
    storage::probe_writable(&model)?;
    let checkpoints = model.join("checkpoints");
    let record = checkpoints.clone();
    Ok(Job { inputs, model, checkpoints, record, channels: None })
}

/// The encoder must not lie in the model directory, where the run keeps its own.
fn refuse_within(encoder: Option<&Path>, model: &Path) -> Result<(), Failure> {
    let Some(encoder) = encoder else { return Ok(()) };
    match (encoder.canonicalize(), model.canonicalize()) {
        (Ok(place), Ok(model)) if place.starts_with(&model) => Err(Failure::usage(format!(
            "the encoder `{}` lies in the folder of `--out`, which replaces its files; give another \
             folder",
            encoder.display()
        ))),
        _ => Ok(()),
    }
}

/// A model directory must not be a folder of the input, whose files it would replace.
fn refuse_input(input: Option<&Path>, model: &Path) -> Result<(), Failure> {
    // A folder that does not exist yet is nobody's input.
    let place = model.canonicalize().ok();
    let input = input.and_then(|input| input.canonicalize().ok());
    if place.is_some() && input == place {
        let text =
            format!("`--out` is the input folder `{}`; give another folder", model.display());
        return Err(Failure::usage(text));
    }
    Ok(())
}
