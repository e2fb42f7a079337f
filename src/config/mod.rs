//! Configuration: layers of settings resolved into one checked, saved and hashed configuration.
//!
//! Later wins: built-in defaults < what the input implies < `--config` file (TOML or JSON) <
//! `SageMaker`'s `hyperparameters.json` < environment `DYAD_*` < command line. Names are the same in
//! every layer and stand in one table, [`KEYS`]. All problems of all layers are reported at once.

mod identity;
mod keys;
mod kind;
mod layers;
mod problem;
mod unique;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use figment::Figment;
use serde::{Deserialize, Serialize};

pub use identity::Identity;
pub use keys::{Effect, KEYS, Key};
pub use kind::Kind;
pub use layers::{PLATFORM_KEY, PLATFORM_PREFIX};
pub use problem::{ConfigError, Problem};
pub use unique::UniqueKeys;

use crate::device::DeviceChoice;
use crate::storage::remote::{Access, S3Uri};
use crate::{classifier, dataset, embeddings, evaluation, interactions, sequences, training};
use layers::Layer;
use values::Values;

/// Everything a run depends on besides its data, resolved.
///
/// It is saved flat, one field per key, so that a saved configuration is a config file again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Values", into = "Values")]
pub struct RunConfig {
    /// Which encoder is used.
    pub encoder: embeddings::esm2::Settings,
    /// How interaction files are read and filtered.
    pub interactions: interactions::Settings,
    /// Which of HINT's files is fetched, where none is given.
    pub hint: interactions::hint::Settings,
    /// What becomes of proteins without sequence.
    pub sequences: sequences::Settings,
    /// How sequences become vectors.
    pub embeddings: embeddings::Settings,
    /// How pairs are split and negatives are drawn.
    pub dataset: dataset::Settings,
    /// How similar proteins are found.
    pub clustering: dataset::Clustering,
    /// The shape of the network.
    pub classifier: classifier::Settings,
    /// How the classifier is fitted.
    pub training: training::Settings,
    /// What is expected of the test result.
    pub evaluation: evaluation::Settings,
    /// The seed that every stage was given.
    pub seed: u64,
    /// How many trainings there are, with the seeds `seed`, `seed + 1` and so on.
    pub seeds: usize,
    /// The device asked for.
    pub device: DeviceChoice,
    /// The age in seconds at which computed embeddings are written to the store.
    pub seal_seconds: u64,
    /// Whether the encoder's weights are put into the model directory.
    pub bundle_encoder: bool,
    /// Where embeddings, checkpoints and models are shared.
    pub storage_uri: Option<S3Uri>,
    /// The KMS key of what is written there; `None` leaves it to the bucket.
    pub sse_kms_key_id: Option<String>,
}

impl RunConfig {
    /// What it takes to use the bucket, if there is one.
    pub fn access(&self) -> Option<Access> {
        let sse_kms_key_id = self.sse_kms_key_id.clone();
        self.storage_uri.clone().map(|uri| Access { uri, sse_kms_key_id })
    }
}

/// Where values come from, from the weakest to the strongest; names are those of [`KEYS`].
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What follows from the input, such as `split` = `given` from a test channel.
    pub implied: Vec<(&'static str, &'static str)>,
    /// The user's config file; `.toml` or `.json`.
    pub file: Option<PathBuf>,
    /// The platform's hyperparameters; its own keys among them are ignored.
    pub hyperparameters: BTreeMap<String, String>,
    /// The environment, of which `DYAD_*` counts.
    pub environment: Vec<(String, String)>,
    /// Command line options by key.
    pub command_line: Vec<(String, String)>,
}

/// A configuration and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The configuration.
    pub config: RunConfig,
    /// One entry per key, in the order of [`KEYS`].
    pub settings: Vec<Setting>,
}

/// A key's value and the layer that it came from, shown as `key = value (layer)`.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key.
    pub key: &'static Key,
    /// The value, as a user would write it.
    pub value: String,
    /// The layer.
    pub layer: String,
}

/// Merges the layers of `sources` and checks every value of every layer, also those that a later
/// layer overrides.
pub fn resolve(sources: &Sources) -> Result<Resolved, ConfigError> {
    let mut problems = Vec::new();
    let mut figment = Figment::new();
    for layer in Layer::all(sources, &mut problems) {
        figment = figment.merge(layer.checked(&mut problems));
    }
    let config: RunConfig = figment.extract().map_err(table_error)?;
    let settings =
        KEYS.iter().map(|key| Setting::of(key, &figment)).collect::<Result<Vec<_>, _>>()?;
    problems.extend(exhausted_by_fractions(&config, &settings, &problems));
    if problems.is_empty() {
        Ok(Resolved { config, settings })
    } else {
        Err(ConfigError::Problems(problems))
    }
}

impl Setting {
    fn of(key: &'static Key, figment: &Figment) -> Result<Self, ConfigError> {
        let value = figment.find_value(key.name).map_err(table_error)?;
        let layer = figment.get_metadata(value.tag()).map(|metadata| metadata.name.to_string());
        Ok(Self { key, value: key.kind.write(&value), layer: layer.unwrap_or_default() })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key.name, self.value, self.layer)
    }
}

/// The test and validation fractions must leave something to train on, where they are used at all.
fn exhausted_by_fractions(
    config: &RunConfig,
    settings: &[Setting],
    problems: &[Problem],
) -> Option<Problem> {
    let names = ["test_fraction", "validation_fraction"];
    let dataset = &config.dataset;
    let exhausted = dataset.split != dataset::SplitRule::Given
        && dataset.test_fraction + dataset.validation_fraction >= 1.0;
    // A refused value was replaced by a weaker layer's, which says nothing about the user's.
    let refused = names.iter().any(|name| problems.iter().any(|problem| problem.refuses(name)));
    let [first, second] = names.map(|name| {
        let setting = settings.iter().find(|setting| setting.key.name == name);
        setting.map(|s| format!("`{}` = `{}` ({})", s.key.name, s.value, s.layer))
    });
    (exhausted && !refused).then_some(Problem::Together {
        first: first?,
        second: second?,
        expected: "a sum below 1, to leave pairs for training",
    })
}

fn table_error(error: figment::Error) -> ConfigError {
    ConfigError::Table(Box::new(error))
}

#[cfg(test)]
mod tests;
