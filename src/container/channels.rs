//! Input channels: which folder holds what.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ContainerError, json, listed};
use crate::config::UniqueKeys;
use crate::storage::Context;

/// The folders of a job's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Pairs: the channel `interactions`, `train` or `training`.
    pub interactions: PathBuf,
    /// FASTA files: the channel `sequences`.
    pub sequences: PathBuf,
    /// The encoder's weights: the channel `encoder` or `model`; a job without it names its encoder.
    pub encoder: Option<PathBuf>,
    /// The user's own validation pairs.
    pub validation: Option<PathBuf>,
    /// The user's own test pairs.
    pub test: Option<PathBuf>,
    /// Pairs that interact, not to be drawn as negatives.
    pub known_interactions: Option<PathBuf>,
    /// The user's own clusters of similar proteins.
    pub clusters: Option<PathBuf>,
}

/// A channel that Dyad reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its names; the first is the one we advertise.
    pub names: &'static [&'static str],
    /// Whether a job needs it.
    pub required: bool,
    /// The hyperparameter that may take its place.
    pub instead: Option<&'static str>,
    /// What it holds.
    pub help: &'static str,
}

/// Every channel, in the order of the fields of [`Channels`].
pub const CHANNELS: [Channel; 7] =
    [INTERACTIONS, SEQUENCES, ENCODER, VALIDATION, TEST, KNOWN_INTERACTIONS, CLUSTERS];

const INTERACTIONS: Channel = Channel {
    names: &["interactions", "train", "training"],
    required: true,
    instead: None,
    help: "HINT files or tables of pairs, plain or gzip",
};
const SEQUENCES: Channel = Channel {
    names: &["sequences"],
    required: true,
    instead: None,
    help: "FASTA files, plain or gzip",
};
const ENCODER: Channel = Channel {
    names: &["encoder", "model"],
    required: true,
    instead: Some("encoder"),
    help: "an ESM-2 model as Hugging Face publishes it: config.json and model.safetensors",
};
const VALIDATION: Channel = Channel {
    names: &["validation"],
    required: false,
    instead: None,
    help: "your own validation pairs, only with the channel test",
};
const TEST: Channel = Channel {
    names: &["test"],
    required: false,
    instead: None,
    help: "your own test pairs; implies split=given",
};
const KNOWN_INTERACTIONS: Channel = Channel {
    names: &["known_interactions"],
    required: false,
    instead: None,
    help: "more pairs that interact, in the formats of interactions: none of them becomes a negative",
};
const CLUSTERS: Channel = Channel {
    names: &["clusters"],
    required: false,
    instead: None,
    help: "your own clusters of similar proteins: a representative, a tab and a member per line",
};

/// What `inputdataconfig.json` says of a channel; local mode writes no more than the mode.
#[derive(Default, Deserialize)]
struct ChannelConfig {
    #[serde(rename = "TrainingInputMode")]
    mode: Option<String>,
}

impl Channels {
    /// The channels that `config` declares or, where there is no such file, the folders in `data`.
    pub(super) fn read(config: &Path, data: &Path) -> Result<Self, ContainerError> {
        let declared = match json::read::<UniqueKeys<ChannelConfig>>(config)? {
            Some(UniqueKeys(declared)) => declared,
            None => folders(data)?,
        };
        let unknown: Vec<_> =
            declared.keys().map(String::as_str).filter(|name| !is_known(name)).collect();
        if !unknown.is_empty() {
            tracing::warn!(channels = unknown.join(" "), "channels of unknown names are ignored");
        }
        let find = |channel: Channel| {
            find(&declared, channel.names).map(|name| name.map(|n| data.join(n)))
        };
        match (find(INTERACTIONS)?, find(SEQUENCES)?) {
            (Some(interactions), Some(sequences)) => Ok(Self {
                interactions,
                sequences,
                encoder: find(ENCODER)?,
                validation: find(VALIDATION)?,
                test: find(TEST)?,
                known_interactions: find(KNOWN_INTERACTIONS)?,
                clusters: find(CLUSTERS)?,
            }),
            (interactions, sequences) => {
                let folders = [interactions, sequences];
                let names = CHANNELS.iter().map(|channel| channel.names[0]);
                let missing = names.zip(&folders).filter(|(_, folder)| folder.is_none());
                Err(ContainerError::MissingChannels {
                    missing: listed(missing.map(|(name, _)| name)),
                    found: listed(declared.keys().map(String::as_str)),
                    expected: expected(),
                })
            }
        }
    }
}

/// The one of `names` that is declared, if any.
fn find<'a>(
    declared: &BTreeMap<String, ChannelConfig>,
    names: &[&'a str],
) -> Result<Option<&'a str>, ContainerError> {
    let found: Vec<_> = names.iter().copied().filter(|name| declared.contains_key(*name)).collect();
    if found.len() > 1 {
        return Err(ContainerError::SameChannel { names: listed(found) });
    }
    let piped = |name: &&&str| {
        declared.get(**name).is_some_and(|channel| channel.mode.as_deref() == Some("Pipe"))
    };
    match found.iter().find(piped) {
        Some(name) => Err(ContainerError::PipeMode { channel: (*name).to_owned() }),
        None => Ok(found.first().copied()),
    }
}

/// The folders in `data`; the manifests that the platform puts beside them are files.
fn folders(data: &Path) -> Result<BTreeMap<String, ChannelConfig>, ContainerError> {
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.context("list", data)?,
    };
    let mut channels = BTreeMap::new();
    for entry in entries {
        let entry = entry.context("list", data)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            channels.insert(name, ChannelConfig::default());
        }
    }
    Ok(channels)
}

fn is_known(name: &str) -> bool {
    CHANNELS.iter().any(|channel| channel.names.contains(&name))
}

fn expected() -> String {
    let described = |channel: &Channel| {
        let aliases = channel.names.iter().skip(1).map(|name| format!("`{name}`"));
        let instead = channel.instead.map(|key| format!("the hyperparameter `{key}`"));
        let others: Vec<_> = aliases.chain(instead).collect();
        match others.is_empty() {
            true => format!("`{}`", channel.names[0]),
            false => format!("`{}` (or {})", channel.names[0], others.join(", ")),
        }
    };
    let required = CHANNELS.iter().filter(|channel| channel.required);
    let required: Vec<_> = required.map(described).collect();
    let possible = CHANNELS.iter().filter(|channel| !channel.required).map(|c| c.names[0]);
    format!("{} and, if you like, {}", required.join(", "), listed(possible))
}
