//! The places of a training run: where it reads and writes, on paths or below a SageMaker root.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::context::Context;
use super::failure::Failure;
use super::train::NAME;
use super::{encoder, options};
use crate::config::{Key, RunConfig};
use crate::container::Channels;
use crate::embeddings::esm2::Source;
use crate::pipeline::Inputs;
use crate::storage;

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

/// The places of a run, tried for writing.
pub(super) fn find(matches: &ArgMatches, context: &Context) -> Result<Job, Failure> {
    match in_root(matches, context) {
        true => from_root(context),
        false => from_paths(matches, context),
    }
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

/// Whether a SageMaker root says where everything lies.
pub(super) fn in_root(matches: &ArgMatches, context: &Context) -> bool {
    context.root.exists() && !PATHS.iter().any(|name| matches.contains_id(name))
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
