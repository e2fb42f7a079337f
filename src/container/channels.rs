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
    pub interactions: Option<PathBuf>,
    /// FASTA files: the channel `sequences`.
    pub sequences: Option<PathBuf>,
    /// The encoder's weights: the channel `encoder` or `model`.
    pub encoder: Option<PathBuf>,
    /// The user's own validation pairs.
    pub validation: Option<PathBuf>,
    /// The user's own test pairs.
    pub test: Option<PathBuf>,
    /// Pairs that interact, not to be drawn as negatives.
    pub known_interactions: Option<PathBuf>,
    /// The user's own clusters of similar proteins.
    pub clusters: Option<PathBuf>,
    /// The names of all that the job has, ours or not.
    pub(super) declared: Vec<String>,
}

/// A channel that Dyad reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its names; the first is the one we advertise.
    pub names: &'static [&'static str],
    /// Whether a job needs it.
    pub need: Need,
    /// What it holds.
    pub help: &'static str,
}

/// Whether a job needs a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It does, unless this key says where else it comes from.
    Unless(&'static str),
    /// It does where the job has channels of unknown names, one of which may be meant.
    IfOneIsUnknown,
    /// It does not.
    Never,
}

/// Every channel, in the order of the fields of [`Channels`].
pub const CHANNELS: [Channel; 7] =
    [INTERACTIONS, SEQUENCES, ENCODER, VALIDATION, TEST, KNOWN_INTERACTIONS, CLUSTERS];

const INTERACTIONS: Channel = Channel {
    names: &["interactions", "train", "training"],
    need: Need::Unless("interactions"),
    help: "HINT, MITAB or STRING files, or tables of pairs, plain or gzip",
};
const SEQUENCES: Channel = Channel {
    names: &["sequences"],
    need: Need::IfOneIsUnknown,
    help: "FASTA files, plain or gzip; without them all sequences come from UniProt",
};
const ENCODER: Channel = Channel {
    names: &["encoder", "model"],
    need: Need::Unless("encoder"),
    help: "an ESM-2 model: config.json and model.safetensors of Hugging Face, or one .pt file of fair-esm",
};
const VALIDATION: Channel = Channel {
    names: &["validation"],
    need: Need::Never,
    help: "your own validation pairs, only with the channel test",
};
const TEST: Channel = Channel {
    names: &["test"],
    need: Need::Never,
    help: "your own test pairs; implies split=given",
};
const KNOWN_INTERACTIONS: Channel = Channel {
    names: &["known_interactions"],
    need: Need::Never,
    help: "more pairs that interact, in the formats of interactions: none of them becomes a negative",
};
const CLUSTERS: Channel = Channel {
    names: &["clusters"],
    need: Need::Never,
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
        Ok(Self {
            interactions: find(INTERACTIONS)?,
            sequences: find(SEQUENCES)?,
            encoder: find(ENCODER)?,
            validation: find(VALIDATION)?,
            test: find(TEST)?,
            known_interactions: find(KNOWN_INTERACTIONS)?,
            clusters: find(CLUSTERS)?,
            declared: declared.into_keys().collect(),
        })
    }

    /// An error if a channel is missing that the job needs; `provided` says of a key whether it
    /// stands for its channel.
    pub fn require(&self, provided: impl Fn(&str) -> bool) -> Result<(), ContainerError> {
        let is_there = |channel: &Channel| {
            channel.names.iter().any(|name| self.declared.iter().any(|d| d == name))
        };
        let is_needed = |channel: &Channel| match channel.need {
            Need::Unless(key) => !provided(key),
            Need::IfOneIsUnknown => !self.declared.iter().all(|name| is_known(name)),
            Need::Never => false,
        };
        let missing = CHANNELS.iter().filter(|channel| is_needed(channel) && !is_there(channel));
        let missing: Vec<_> = missing.map(|channel| channel.names[0]).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(ContainerError::MissingChannels {
            missing: listed(missing),
            found: listed(self.declared.iter().map(String::as_str)),
            expected: expected(),
        })
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
        let mut others: Vec<_> =
            channel.names[1..].iter().map(|name| format!("`{name}`")).collect();
        if let Need::Unless(key) = channel.need {
            others.push(format!("the hyperparameter `{key}`"));
        }
        match others.as_slice() {
            [] => listed([channel.names[0]]),
            others => format!("`{}` (or {})", channel.names[0], others.join(", ")),
        }
    };
    let (possible, needed): (Vec<&Channel>, Vec<&Channel>) = CHANNELS.iter().partition(|channel| {
        matches!(channel.need, Need::IfOneIsUnknown | Need::Never) //
    });
    let needed: Vec<_> = needed.into_iter().map(described).collect();
    let possible = listed(possible.into_iter().map(|channel| channel.names[0]));
    format!("{} and, if you like, {possible}", needed.join(", "))
}
