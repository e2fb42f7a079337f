//! ESM-2 as Hugging Face's `EsmModel` computes it, from the files that Hugging Face or fair-esm
//! publish.
//!
//! [`locate`] finds the folder or file that a [`Source`] means, [`Encoder`] are files that have been
//! checked and digested, and [`Encoder::load`] turns them into an [`Esm2`] on a device.

mod config;
mod model;
mod pt;
mod published;
mod source;
mod tokenizer;
mod weights;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

pub use config::{Esm2Config, shape_name};
pub use model::{Esm2, PackedBatch};
pub use published::{Published, published};
pub use source::{Located, LocatedModel, Lookup, Settings, Source, SourceError, locate};
pub use tokenizer::tokenize;
pub use weights::WeightProblems;

use crate::device::Precision;
use crate::digest::{Digest, Hasher};
use crate::storage::{Context, SourceFile, StorageError};
use weights::WeightFiles;

const CONFIG: &str = "config.json";
const VOCABULARY: &str = "vocab.txt";

/// Why an encoder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// A file could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder has no description of the network.
    #[error(
        "no `config.json` in `{0}`; give the folder of an ESM-2 model as Hugging Face publishes it, \
         with `config.json` and `model.safetensors`, or one `.pt` file of fair-esm"
    )]
    NoConfig(PathBuf),
    /// The folder has no weights in a known form.
    #[error(
        "no `model.safetensors` or `model.safetensors.index.json` in `{0}`; give the folder of an \
         ESM-2 model as Hugging Face publishes it"
    )]
    NoWeights(PathBuf),
    /// The configuration is not one of an ESM-2 model.
    #[error(
        "`{path}` does not describe an ESM-2 model: {problem}; give the folder of one as Hugging \
         Face publishes it"
    )]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A folder has several `.pt` files that could be meant.
    #[error(
        "`{folder}` holds `{}` and `{}`; give the path of one of them, or a folder with one", names[0],
        names[1]
    )]
    SeveralFiles {
        /// The encoder's folder.
        folder: PathBuf,
        /// Two of them.
        names: [String; 2],
    },
    /// A file is none that fair-esm publishes.
    #[error(
        "`{path}` is no `.pt` file of an ESM-2 model ({problem}); give one as fair-esm publishes it, or \
         the folder that Hugging Face publishes"
    )]
    NotFairEsm {
        /// The weights file.
        path: PathBuf,
        /// What is missing or too much.
        problem: String,
    },
    /// A weights file is damaged.
    #[error("`{path}` is damaged or incomplete ({problem}); fetch it again")]
    Damaged {
        /// The weights file.
        path: PathBuf,
        /// What the parser found.
        problem: String,
    },
    /// The weights are not those of the configuration.
    #[error(
        "the weights in `{place}` are not those that its `{description}` describes; take both from \
         the same ESM-2 model: {problems}"
    )]
    Mismatch {
        /// The encoder's folder or file.
        place: PathBuf,
        /// What describes the architecture.
        description: &'static str,
        /// Every tensor that is missing, left over or mis-shaped.
        problems: WeightProblems,
    },
}

/// The files that a folder of Hugging Face has besides the weights and that its encoder needs.
fn around_weights(folder: &Path) -> impl Iterator<Item = &'static str> {
    [CONFIG, VOCABULARY, weights::INDEX].into_iter().filter(|name| folder.join(name).is_file())
}

/// What names an encoder in the model directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderIdentity {
    /// The published name, where the configuration or the file's name tells it, or one made of its
    /// shape.
    pub name: String,
    /// The folder or file it was read from, as the user gave it, or `owner/name@commit` of Hugging Face.
    pub source: String,
    /// The SHA-256 over the architecture and the weight files.
    pub digest: Digest,
}

/// An encoder's files, checked against its configuration but not yet loaded.
#[derive(Debug)]
pub struct Encoder {
    identity: EncoderIdentity,
    config: Esm2Config,
    weights: WeightFiles,
    sources: Vec<SourceFile>,
    /// What a copy needs besides the weights.
    around: Vec<PathBuf>,
}

impl Encoder {
    /// Opens a published model: a folder of Hugging Face with `config.json` and `model.safetensors` or
    /// its shards, a `.pt` file of fair-esm, or a folder with one.
    ///
    /// Reads every byte once, for the digest, and checks the name and shape of every tensor.
    pub fn open(place: &Path) -> Result<Self, EncoderError> {
        if let Some(path) = pt::find(place)? {
            let (config, mapped) = pt::open(&path)?;
            let name = pt::published_name(&path);
            let weights = WeightFiles::of_pt(path, mapped);
            return Self::checked(place, (config, name), weights, Vec::new());
        }
        let config = place.join(CONFIG);
        if !config.try_exists().context("read", &config)? {
            return Err(EncoderError::NoConfig(place.to_owned()));
        }
        let described = Esm2Config::read(&config)?;
        tokenizer::check_vocabulary(&place.join(VOCABULARY))?;
        let weights = WeightFiles::open(place)?;
        let around = around_weights(place).map(|name| place.join(name)).collect();
        Self::checked(place, described, weights, around)
    }

    fn checked(
        place: &Path,
        (config, published_name): (Esm2Config, Option<String>),
        weights: WeightFiles,
        around: Vec<PathBuf>,
    ) -> Result<Self, EncoderError> {
        weights.check(&config, place)?;
        let sources = weights.sources();
        let identity = EncoderIdentity {
            name: published_name.unwrap_or_else(|| config.shape_name()),
            source: place.display().to_string(),
            digest: digest(&config, &sources),
        };
        Ok(Self { identity, config, weights, sources, around })
    }

    /// Name, source and digest.
    pub fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    /// The weight files with their digests.
    pub fn sources(&self) -> &[SourceFile] {
        &self.sources
    }

    /// The architecture.
    pub fn config(&self) -> &Esm2Config {
        &self.config
    }

    /// The files that a copy of the encoder needs.
    pub fn files(&self) -> Vec<PathBuf> {
        let weights = self.weights.paths().map(Path::to_owned);
        self.around.iter().cloned().chain(weights).collect()
    }

    /// The network on `device`, that computes in `precision`.
    pub fn load(&self, device: &Device, precision: Precision) -> Result<Esm2, EncoderError> {
        let tensors = self.weights.tensors()?;
        Ok(Esm2::from_tensors(&self.config, &tensors, precision, device))
    }
}

/// The digest of the architecture and of every byte of the weights.
fn digest(config: &Esm2Config, weights: &[SourceFile]) -> Digest {
    let mut hasher = Hasher::default();
    // A struct of numbers always serialises.
    hasher.update(&serde_json::to_vec(config).unwrap_or_default());
    for file in weights {
        hasher.update(file.sha256.as_bytes());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
