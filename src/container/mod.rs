//! Container: the SageMaker training contract, all paths below one root.
//!
//! The readers take the full shape that the platform writes and the sparse ones of local mode:
//! unknown fields are ignored, missing files and optional fields have defaults.

mod channels;
mod cluster;
mod failure;
mod json;
mod signals;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

pub use channels::{CHANNELS, Channel, Channels, Need};
pub use cluster::Cluster;
pub use failure::{failure_line, forget_failure, write_failure};
pub use signals::{install as install_signals, leave};

use crate::config::UniqueKeys;
use crate::storage::{self, StorageError};

/// The folder that the platform shares with a training container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(PathBuf);

/// A root that a job cannot run with.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// A file or folder that cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file of the platform that is not what it should be.
    #[error(
        "`{}` is not valid: {source}; correct it, or remove it to run with defaults",
        path.display()
    )]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A folder that the job must write to and cannot.
    #[error(
        "cannot write to the folder `{}`, which the job needs: {}",
        folder.display(),
        storage::reason(source)
    )]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Input channels that a job needs and that are not there.
    #[error(
        "missing input channels: {missing}; the job has {found}; Dyad reads the channels {expected}"
    )]
    MissingChannels {
        /// The channels that are needed.
        missing: String,
        /// Those that are there.
        found: String,
        /// All those that Dyad knows.
        expected: String,
    },
    /// Two names of one channel.
    #[error("the channels {names} mean the same: remove all but one")]
    SameChannel {
        /// The names that were found.
        names: String,
    },
    /// A channel that arrives as a pipe.
    #[error(
        "channel `{channel}` has input mode `Pipe`: set its input mode to `File` or `FastFile`"
    )]
    PipeMode {
        /// The channel.
        channel: String,
    },
    /// More than one host.
    #[error(
        "the job has {hosts} hosts and each would train the same model over the other's \
         checkpoints: set the instance count to 1"
    )]
    Hosts {
        /// How many there are.
        hosts: usize,
    },
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Root {
    /// Where the platform mounts it.
    pub const DEFAULT: &str = "/opt/ml";

    /// The root at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Whether a platform, or somebody in its place, has prepared this root.
    pub fn exists(&self) -> bool {
        self.input().is_dir()
    }

    /// The folder whose content becomes `model.tar.gz`.
    pub fn model(&self) -> PathBuf {
        self.0.join("model")
    }

    /// The folder whose content becomes `output.tar.gz`.
    pub fn output_data(&self) -> PathBuf {
        self.output().join("data")
    }

    /// The file whose first 1024 characters the platform shows as the reason of a failure.
    pub fn failure(&self) -> PathBuf {
        self.output().join("failure")
    }

    /// The folder that the platform keeps in S3 and brings back after an interruption: the
    /// `LocalPath` of `checkpointconfig.json`, or `checkpoints` below the root.
    ///
    /// Paths below [`Self::DEFAULT`] are taken to lie below this root, wherever it is.
    pub fn checkpoints(&self) -> Result<PathBuf, ContainerError> {
        let config: CheckpointConfig =
            json::read(&self.config("checkpointconfig"))?.unwrap_or_default();
        let path = config.local_path.filter(|path| !path.as_os_str().is_empty());
        let path = path.unwrap_or_else(|| "checkpoints".into());
        Ok(self.0.join(path.strip_prefix(Self::DEFAULT).unwrap_or(&path)))
    }

    /// The job's hyperparameters as texts, whatever JSON type they came in; empty without
    /// `hyperparameters.json`.
    pub fn hyperparameters(&self) -> Result<BTreeMap<String, String>, ContainerError> {
        let values: Option<UniqueKeys<Value>> = json::read(&self.config("hyperparameters"))?;
        let text = |value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let values = values.into_iter().flat_map(|values| values.0);
        Ok(values.map(|(key, value)| (key, text(value))).collect())
    }

    /// The folders of the job's input, as far as there are any.
    pub fn channels(&self) -> Result<Channels, ContainerError> {
        Channels::read(&self.config("inputdataconfig"), &self.input().join("data"))
    }

    /// The hosts of the job; more than one is an error.
    pub fn cluster(&self) -> Result<Cluster, ContainerError> {
        Cluster::read(&self.config("resourceconfig"))
    }

    /// The type of this machine, where the platform tells it.
    pub fn instance_type(&self) -> Option<String> {
        cluster::instance_type(&self.config("resourceconfig"))
    }

    /// Makes the folders that the job writes to and proves that it can.
    pub fn probe(&self) -> Result<(), ContainerError> {
        for folder in [self.model(), self.output(), self.output_data(), self.checkpoints()?] {
            storage::probe_writable(&folder)
                .map_err(|error| ContainerError::Unwritable { folder, source: error.source })?;
        }
        Ok(())
    }

    /// A folder for what need not outlive the instance.
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    fn input(&self) -> PathBuf {
        self.0.join("input")
    }

    fn output(&self) -> PathBuf {
        self.0.join("output")
    }

    fn config(&self, name: &str) -> PathBuf {
        self.input().join("config").join(name).with_extension("json")
    }
}

#[derive(Default, Deserialize)]
struct CheckpointConfig {
    #[serde(rename = "LocalPath")]
    local_path: Option<PathBuf>,
}

/// Names in backticks, separated by commas.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
