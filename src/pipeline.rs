//! The stages of `train` in order; with its parts, the only place that names them all.

mod background;
mod check;
mod data;
mod error;
mod evaluate;
mod fetched;
mod record;
mod results;
mod survey;
mod timings;
mod trainings;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tracing::info;

use crate::artifacts::Origin;
use crate::classifier::{self, Standardizer};
use crate::config::RunConfig;
use crate::device::{self, ComputeDevice, DeviceError};
use crate::digest::Digest;
use crate::embeddings::esm2::{self, Encoder};
use crate::embeddings::{self, CacheLocation, EmbeddingSpace, EmbeddingStore, PinnedTable};
use crate::estimate::{Component, EncoderShape, Instance};
use crate::evaluation::{Evaluation, Metrics, Seeds};
use crate::http::hub::HubAccess;
use crate::progress::Observer;
use crate::shutdown::Shutdown;
use crate::storage::sync::SharedFolder;
use crate::training::{CheckpointFolder, EpochRecord, RunIdentity};
pub use check::{Plan, check};
use data::{Data, Reading};
pub use error::Error;
pub use fetched::{FetchError, Fetching};
use record::Record;
pub use survey::{Survey, cached, survey};
use timings::Stopwatch;
pub use timings::profile;
use trainings::Material;

/// Where the input lies: files, or folders of which every file is read; or where it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Pairs; without them those that HINT has of the configured species.
    pub interactions: Option<PathBuf>,
    /// FASTA; without it all sequences are fetched.
    pub sequences: Option<PathBuf>,
    /// The user's own validation pairs.
    pub validation: Option<PathBuf>,
    /// The user's own test pairs.
    pub test: Option<PathBuf>,
    /// Pairs that interact, not to be drawn as negatives.
    pub known_interactions: Option<PathBuf>,
    /// The user's own clusters of similar proteins.
    pub clusters: Option<PathBuf>,
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Places {
    /// The model directory.
    pub model: PathBuf,
    /// Checkpoints of all runs.
    pub checkpoints: PathBuf,
    /// The embedding store, and the bucket that shares it and the checkpoints.
    pub cache: CacheLocation,
    /// The folder of what does not repeat: `timings.json`, and the report with time and cost.
    pub record: PathBuf,
}

/// A training run.
pub struct Run<'a> {
    /// Where the input lies.
    pub inputs: &'a Inputs,
    /// The ESM-2 model.
    pub encoder: &'a esm2::Source,
    /// The hub of Hugging Face, where the encoder is named.
    pub hub: &'a HubAccess,
    /// Where results go.
    pub places: &'a Places,
    /// All settings.
    pub config: &'a RunConfig,
    /// The type of this machine, where it is known.
    pub instance: Option<&'a Instance>,
    /// Told about progress.
    pub observer: &'a dyn Observer,
    /// Read between units of work.
    pub shutdown: &'a Shutdown,
}

impl<'a> Run<'a> {
    fn reading(&self) -> Reading<'a> {
        Reading { inputs: self.inputs, fetching: self.fetching() }
    }

    fn fetching(&self) -> Fetching<'a> {
        Fetching {
            config: self.config,
            cache: &self.places.cache,
            observer: self.observer,
            shutdown: self.shutdown,
        }
    }

    /// The encoder; one of Hugging Face comes with its origin, whose release is a commit.
    fn open_encoder(&self) -> Result<(Encoder, Option<Origin>), Error> {
        let located = self.fetching().encoder(self.encoder, self.hub)?;
        let encoder = located.open()?;
        let origin = located.model.map(|model| Origin {
            address: model.address,
            releases: vec![model.commit.to_string()],
        });
        Ok((encoder, origin))
    }
}

/// What a run ended with, as `metrics.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The version of the file.
    pub schema: &'static str,
    /// The run's name.
    pub run_id: String,
    /// Whether training, with every seed that was asked for, ended by itself.
    pub complete: bool,
    /// The epoch whose parameters were kept, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<usize>,
    /// The validation part, on which epoch and threshold were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Metrics>,
    /// The test part, which nothing else has seen; absent from a run that was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Metrics>,
    /// The test part beside baselines, with the leakage card; absent with `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// What the same training reached with other seeds, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Seeds>,
    /// One record per epoch.
    pub epochs: Vec<EpochRecord>,
}

/// Trains, evaluates and writes a classifier.
pub fn train(run: &Run<'_>) -> Result<Summary, Error> {
    let watch = Stopwatch::new(run.observer);
    let summary = train_watched(&Run { observer: &watch, ..*run }, &watch)?;
    watch.write(&Record(&run.places.record), &summary.run_id, summary.complete);
    Ok(summary)
}

fn train_watched(run: &Run<'_>, watch: &Stopwatch<'_>) -> Result<Summary, Error> {
    let (device, config) = resolve_device(run.config)?;
    let run = &Run { config: &config, ..*run };
    watch.finish(Component::StartUp);
    let read = || watch.finish(Component::Sequences);
    let mut data = data::read(run.reading(), read)?;
    watch.finish(Component::Negatives);
    let (encoder, origin) = run.open_encoder()?;
    data.origins.extend(origin.map(|origin| ("encoder".to_owned(), origin)));
    let space = space(run.config, &device, &encoder)?;
    let identity = identity(run.config, &space, &data);
    info!("run {}: encoder {}, space {}", identity.id, encoder.identity().name, space.id());
    let job = Job { run, device, data, encoder, space, identity };
    // Before any work: it counts this attempt, which stops older ones, and tries the bucket.
    let remote = run.places.cache.remote.as_ref();
    let checkpoints = CheckpointFolder::open(&run.places.checkpoints, &job.identity, remote)?;
    job.foresee(watch);
    watch.finish(Component::StartUp);

    let PinnedTable { values: mut table, digest } = match job.embed() {
        Err(embeddings::Error::Interrupted) => {
            watch.finish(Component::Embedding);
            return job.write_interrupted();
        }
        table => table?,
    };
    watch.finish(Component::Embedding);
    let standardizer = job.standardize(&mut table);
    let table = classifier::embedding_table(table, job.space.dimension, &job.device.classifier);
    watch.finish(Component::Evaluation);
    let material = Material { table, pin: digest };
    let outcome = job.fit(&material, &run.config.training, &checkpoints)?;
    watch.finish(Component::Training);
    let scored = job.evaluate(&material.table, &outcome)?;
    watch.finish(Component::Evaluation);
    let seeds = job.repeat(&material, &outcome, &scored, &checkpoints, watch)?;
    let summary = job.write(&outcome, scored, seeds, &standardizer)?;
    watch.finish(Component::Evaluation);
    job.record(&summary, watch.spending(run.instance).as_ref());
    Ok(summary)
}

/// The device that the configuration means, and the configuration with the number format that it
/// means there: the format changes the result, and therefore counts for the run's identity.
fn resolve_device(config: &RunConfig) -> Result<(ComputeDevice, RunConfig), DeviceError> {
    let device = device::resolve(config.device)?;
    info!("device: {} ({})", device.name, device.reason);
    let (precision, reason) = device.precision(config.embeddings.precision)?;
    info!("precision: {precision} ({reason})");
    let mut config = config.clone();
    config.embeddings.precision = precision.into();
    Ok((device, config))
}

/// The space of the embeddings that `encoder` computes on `device`.
fn space(
    config: &RunConfig,
    device: &ComputeDevice,
    encoder: &Encoder,
) -> Result<EmbeddingSpace, DeviceError> {
    let (precision, _) = device.precision(config.embeddings.precision)?;
    Ok(EmbeddingSpace::new(encoder, &config.embeddings, precision))
}

/// The digest of everything that changes the result.
fn identity(config: &RunConfig, space: &EmbeddingSpace, data: &Data) -> RunIdentity {
    let parts = (config.identity(), classifier::NUMERICS, space, &data.dataset.manifest);
    // Numbers, strings and lists always serialise.
    RunIdentity::of(Digest::of_json(&parts).unwrap_or_else(|_| Digest::of(b"")))
}

/// A run whose input has been read.
struct Job<'a> {
    run: &'a Run<'a>,
    device: ComputeDevice,
    data: Data,
    encoder: Encoder,
    space: EmbeddingSpace,
    identity: RunIdentity,
}

impl Job<'_> {
    /// Predicts what is to come.
    fn foresee(&self, watch: &Stopwatch<'_>) {
        let shape = EncoderShape::of(self.encoder.config(), &self.encoder.identity().name);
        let cache = &self.run.places.cache.folder;
        let (precision, name) = (self.space.compute, shape.shape_name());
        let profile = timings::profile(&self.device, precision, &name, cache, self.run.instance);
        watch.foresee(&Survey::of(&self.data), shape, self.run, profile);
    }

    /// The embeddings of the catalogue's proteins in its order, the same in every attempt.
    fn embed(&self) -> Result<PinnedTable, embeddings::Error> {
        let sequences: Vec<_> = self.data.protein_sequences().collect();
        let cache = self.run.places.cache.clone();
        let folder = self.run.places.checkpoints.join(self.identity.prefix());
        let shared = cache.remote.clone().map(|remote| (remote, self.identity.prefix()));
        let run = SharedFolder::new(folder, shared);
        let mut store = EmbeddingStore::open(cache, self.space.clone(), &self.device.name)?;
        store.seal_after(Duration::from_secs(self.run.config.seal_seconds));
        let job = embeddings::Job {
            encoder: &self.encoder,
            device: &self.device,
            precision: self.space.compute,
            settings: &self.run.config.embeddings,
            observer: self.run.observer,
            shutdown: self.run.shutdown,
        };
        embeddings::pinned_table(&job, &mut store, &sequences, &run)
    }

    /// Standardises the table with the statistics of the training proteins.
    fn standardize(&self, table: &mut [f32]) -> Standardizer {
        let train = &self.data.dataset.train;
        let mut rows: Vec<u32> = train.iter().flat_map(|pair| [pair.left, pair.right]).collect();
        rows.sort_unstable();
        rows.dedup();
        let standardizer = Standardizer::fit(table, self.space.dimension, &rows);
        standardizer.apply(table);
        standardizer
    }
}
