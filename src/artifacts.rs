//! Artifacts: the model directory, everything that scoring new pairs needs and a record of the run.
//!
//! | file | content |
//! |---|---|
//! | `classifier.safetensors` | parameters and the standardisation of embeddings |
//! | `classifier.json` | the network's shape, threshold, temperature, encoder and embedding space |
//! | `report.html`, `report.md` | what the run did and what its numbers mean, for people |
//! | `metrics.json` | metrics, baselines and the leakage card; one record per epoch |
//! | `audit.json`, `split.json`, `config.json` | what was read, which pair is where, all settings |
//! | `test_predictions.tsv` | the probability of every test pair |
//! | `encoder/` | the encoder's files, with `bundle_encoder` |
//! | `manifest.json` | versions, SHA-256 of inputs and of every file; written last |
//!
//! A directory without manifest is not a model. Names of files are ours, never taken from data.

mod error;
mod publish;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::classifier::{self, NamedTensors, Standardizer, Temperature, tensor_file};
use crate::digest::Digest;
use crate::embeddings::esm2::{Encoder, EncoderIdentity};
use crate::embeddings::{self, EmbeddingSpace};
use crate::storage::{self, SourceFile};
pub use error::Error;
pub use publish::publish;

/// The version of the model directory.
const SCHEMA: &str = "dyad.model.v2";
/// The first version, which stored the halves of the first layer; still read.
const FIRST_SCHEMA: &str = "dyad.model.v1";
const MANIFEST: &str = "manifest.json";
const DESCRIPTION: &str = "classifier.json";
const PARAMETERS: &str = "classifier.safetensors";
/// The folder of the bundled encoder.
const ENCODER: &str = "encoder";
const MEAN: &str = "standardizer.mean";
const DEVIATION: &str = "standardizer.deviation";
/// No layer or embedding is wider.
const MAX_WIDTH: usize = 65_536;
/// As the configuration allows.
const MAX_LAYERS: usize = 16;
/// As the configuration demands: fewer would leave windows without stride.
const MIN_RESIDUES: usize = 16;
const MAX_JSON_BYTES: u64 = 64 << 20;
const MAX_PARAMETER_BYTES: u64 = 8 << 30;

/// What `classifier.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The shape of the network.
    pub classifier: classifier::Settings,
    /// Pairs with at least this probability are called interacting: the best MCC on validation.
    pub threshold: f64,
    /// What logits are divided by; 1 in models of versions that did not calibrate.
    #[serde(default)]
    pub temperature: Temperature,
    /// The encoder by name, source and digest.
    pub encoder: EncoderIdentity,
    /// Whether the encoder's files are in the folder `encoder`.
    pub encoder_bundled: bool,
    /// How sequences become vectors.
    pub embeddings: embeddings::Settings,
    /// The space of the embeddings.
    pub space: EmbeddingSpace,
}

impl Description {
    /// What no description that Dyad writes holds, and what a network cannot be made of.
    fn problem(&self) -> Option<String> {
        let sizes = &self.classifier.hidden_sizes;
        let possible = |size: &usize| (1..=MAX_WIDTH).contains(size);
        let checks = [
            ((1..=MAX_LAYERS).contains(&sizes.len()), "hidden_sizes"),
            (sizes.iter().all(possible), "hidden_sizes"),
            ((0.0..1.0).contains(&self.classifier.dropout), "dropout"),
            ((0.0..=1.0).contains(&self.threshold), "threshold"),
            (possible(&self.space.dimension), "dimension"),
            (possible(&self.embeddings.max_residues), "max_residues"),
            (self.embeddings.max_residues >= MIN_RESIDUES, "max_residues"),
        ];
        let failed = checks.iter().find(|(fits, _)| !fits);
        failed.map(|(_, name)| format!("its `{name}` is out of range"))
    }
}

/// A trained classifier with everything that scoring needs.
#[derive(Clone, Debug)]
pub struct Model {
    /// Shape, threshold, temperature, encoder.
    pub description: Description,
    /// The network's parameters.
    pub parameters: NamedTensors,
    /// Mean and deviation of the training embeddings.
    pub standardizer: Standardizer,
    /// Whether the run ended by itself; else it may be the best of the epochs so far.
    pub complete: bool,
    /// The folder it was read from.
    folder: PathBuf,
}

/// What `manifest.json` says of the run.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance {
    /// The run's name, a digest of everything that changes its result.
    pub run_id: String,
    /// Whether the run ended by itself; a model of a stopped run may be the best so far.
    pub complete: bool,
    /// Backend and device.
    pub engine: String,
    /// The input files by channel.
    pub inputs: BTreeMap<String, Vec<SourceFile>>,
    /// Where input that was fetched comes from, by channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Origin>,
}

/// Where input was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The address of the service or file.
    pub address: String,
    /// The releases that it is of.
    pub releases: Vec<String>,
}

#[derive(Serialize)]
struct Manifest {
    schema: String,
    dyad: String,
    #[serde(flatten)]
    provenance: Provenance,
    files: BTreeMap<String, Digest>,
}

/// What reading needs of the manifest; the rest is skipped, however large.
#[derive(Deserialize)]
struct Listing {
    schema: String,
    complete: bool,
    files: BTreeMap<String, Digest>,
}

/// A value as the files of a model directory hold it: indented JSON that ends in a line break.
pub fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // Numbers, texts and lists always serialise.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Whether a folder is a model directory.
pub fn is_model(folder: &Path) -> bool {
    folder.join(MANIFEST).exists()
}

/// A model directory being written.
#[derive(Debug)]
pub struct ModelWriter {
    folder: PathBuf,
    files: BTreeMap<String, Digest>,
}

impl ModelWriter {
    /// Begins a model directory; one that was there is no model from now on, and what a shorter
    /// run would not replace is removed.
    pub fn begin(folder: &Path) -> Result<Self, Error> {
        storage::create_folder(folder)?;
        storage::remove_temporaries(folder)?;
        storage::remove_temporaries(&folder.join(ENCODER))?;
        let results = ["report.html", "report.md", "metrics.json", "test_predictions.tsv"];
        for name in [MANIFEST, DESCRIPTION, PARAMETERS].into_iter().chain(results) {
            storage::remove(&folder.join(name))?;
        }
        Ok(Self { folder: folder.to_owned(), files: BTreeMap::new() })
    }

    /// Writes a value as indented JSON under one of the documented names.
    pub fn json<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.bytes(name, &json(value))
    }

    /// Writes a file under one of the documented names.
    pub fn bytes(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), Error> {
        storage::write_atomic(&self.folder.join(name), bytes)?;
        self.files.insert(name.to_owned(), Digest::of(bytes));
        Ok(())
    }

    /// Writes the classifier.
    pub fn classifier(
        &mut self,
        description: &Description,
        parameters: &NamedTensors,
        standardizer: &Standardizer,
    ) -> Result<(), Error> {
        let mut tensors = parameters.clone();
        for (name, values) in [(MEAN, &standardizer.mean), (DEVIATION, &standardizer.deviation)] {
            tensors.insert(name.to_owned(), (values.clone(), vec![values.len()]));
        }
        self.bytes(PARAMETERS, &tensor_file::encode(&tensors, SCHEMA.to_owned()))?;
        self.json(DESCRIPTION, description)
    }

    /// Copies the encoder's files; those of another encoder that was there are removed, because it
    /// would be opened in the place of this one.
    pub fn encoder(&mut self, encoder: &Encoder) -> Result<(), Error> {
        let folder = self.folder.join(ENCODER);
        storage::create_folder(&folder)?;
        let files = encoder.files();
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap_or_default()).collect();
        for old in storage::list(&folder)? {
            if !names.contains(&OsStr::new(&old)) {
                storage::remove(&folder.join(old))?;
            }
        }
        for (file, name) in files.iter().zip(names) {
            let digest = storage::copy(file, &folder.join(name))?;
            self.files.insert(format!("{ENCODER}/{}", name.to_string_lossy()), digest);
        }
        Ok(())
    }

    /// Writes the manifest, which makes the directory a model.
    pub fn finish(self, provenance: Provenance) -> Result<(), Error> {
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            dyad: env!("CARGO_PKG_VERSION").to_owned(),
            provenance,
            files: self.files,
        };
        Ok(storage::write_atomic(&self.folder.join(MANIFEST), &json(&manifest))?)
    }
}

impl Model {
    /// Reads a model directory, comparing each file with the manifest.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        if !path.exists() {
            return Err(Error::NotAModel(folder.to_owned()));
        }
        let manifest: Listing = parse(&path, &storage::read(&path, MAX_JSON_BYTES)?)?;
        if ![SCHEMA, FIRST_SCHEMA].contains(&manifest.schema.as_str()) {
            let problem = format!("its schema is `{}`, expected `{SCHEMA}`", manifest.schema);
            return Err(Error::Damaged { path, problem });
        }
        if !manifest.files.contains_key(PARAMETERS) {
            return Err(Error::NoModelYet(folder.to_owned()));
        }
        let verified = |name: &str, limit| -> Result<Vec<u8>, Error> {
            let path = folder.join(name);
            let problem = match storage::read(&path, limit) {
                Ok(bytes) if manifest.files.get(name) == Some(&Digest::of(&bytes)) => {
                    return Ok(bytes);
                }
                Ok(_) => "its SHA-256 is not the one in `manifest.json`",
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => "it is missing",
                Err(error) => return Err(error.into()),
            };
            Err(Error::Damaged { path, problem: problem.to_owned() })
        };
        let bytes = verified(DESCRIPTION, MAX_JSON_BYTES)?;
        let path = folder.join(DESCRIPTION);
        let description: Description = parse(&path, &bytes)?;
        if let Some(problem) = description.problem() {
            return Err(Error::Damaged { path, problem });
        }
        let bytes = verified(PARAMETERS, MAX_PARAMETER_BYTES)?;
        let damaged = |problem| Error::Damaged { path: folder.join(PARAMETERS), problem };
        let (mut parameters, _) = tensor_file::decode(&bytes).map_err(damaged)?;
        if manifest.schema == FIRST_SCHEMA {
            parameters = classifier::from_left_and_right(parameters);
        }
        let mut take = |name: &str| match parameters.remove(name) {
            Some((values, _)) if values.len() == description.space.dimension => Ok(values),
            _ => Err(damaged(format!("`{name}` is missing or has another length"))),
        };
        let standardizer = Standardizer { mean: take(MEAN)?, deviation: take(DEVIATION)? };
        if standardizer.deviation.iter().any(|deviation| *deviation <= 0.0) {
            return Err(damaged(format!("`{DEVIATION}` holds a number that is not positive")));
        }
        let (folder, complete) = (folder.to_owned(), manifest.complete);
        Ok(Self { description, parameters, standardizer, complete, folder })
    }

    /// Opens the encoder the model was trained with: in the folder `given`, else bundled.
    pub fn open_encoder(&self, given: Option<&Path>) -> Result<Encoder, Error> {
        let expected = &self.description.encoder;
        let folder = match given {
            Some(folder) => folder.to_owned(),
            None if self.description.encoder_bundled => self.folder.join(ENCODER),
            None => return Err(Error::EncoderNotGiven(Box::new(expected.clone()))),
        };
        let encoder = Encoder::open(&folder)?;
        if encoder.identity().digest != expected.digest {
            let expected = Box::new(expected.clone());
            return Err(Error::OtherEncoder { folder, expected });
        }
        let Description { embeddings, space, .. } = &self.description;
        match EmbeddingSpace::new(&encoder, embeddings, space.compute) == *space {
            true => Ok(encoder),
            false => Err(Error::OtherSpace(self.folder.clone())),
        }
    }
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Damaged { path: path.to_owned(), problem: error.to_string() })
}

#[cfg(test)]
mod tests;
