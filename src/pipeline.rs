//! The stages of `train` in order; with its parts, the only place that names them all.

mod background;
mod check;
mod data;
mod evaluate;
mod fetched;
mod record;
mod results;
mod survey;
mod timings;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tracing::info;

use crate::artifacts;
use crate::classifier::{self, EmbeddingTable, ParameterError, Standardizer};
use crate::config::RunConfig;
use crate::dataset;
use crate::device::{self, ComputeDevice, DeviceError};
use crate::digest::Digest;
use crate::embeddings::esm2::{self, Encoder, EncoderError, SourceError};
use crate::embeddings::{self, CacheLocation, EmbeddingSpace, EmbeddingStore, PinnedTable};
use crate::estimate::{Component, EncoderShape, Instance};
use crate::evaluation::{self, Evaluation, Metrics};
use crate::http::hub::HubAccess;
use crate::interactions;
use crate::interactions::hint::{HintError, Source};
use crate::progress::Observer;
use crate::sequences::{self, uniprot};
use crate::shutdown::Shutdown;
use crate::storage::StorageError;
use crate::storage::sync::SharedFolder;
use crate::training::{self, CheckpointFolder, EpochRecord, RunIdentity};
pub use check::{Plan, check};
use data::{Data, Reading};
use record::Record;
pub use survey::{Survey, cached, survey};
use timings::Stopwatch;
pub use timings::profile;

/// Why a run failed, by stage.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "one variant per stage, each holding that stage's error")]
pub enum Error {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Interactions(#[from] interactions::Error),
    #[error(transparent)]
    Sequences(#[from] sequences::Error),
    #[error(
        "validation pairs are given and test pairs are not; give both, or neither and let `split` \
         cut the interactions"
    )]
    ValidationAlone,
    #[error(
        "no sequences are given, and `missing_sequences` is `drop`; give FASTA files, or set it to \
         `fetch` for those of UniProt"
    )]
    NoSequences,
    #[error(transparent)]
    Hint(#[from] HintError),
    #[error(transparent)]
    Uniprot(#[from] uniprot::Error),
    #[error("clusters are given, but `split` is not `clusters`: leave out the one or the other")]
    UnusedClusters,
    #[error(transparent)]
    Clusters(#[from] dataset::ClusterTableError),
    #[error(transparent)]
    EncoderSource(#[from] SourceError),
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    #[error(transparent)]
    Embeddings(#[from] embeddings::Error),
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    #[error(transparent)]
    Training(#[from] training::Error),
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    #[error(transparent)]
    Evaluation(#[from] evaluation::Error),
    #[error(transparent)]
    Artifacts(#[from] artifacts::Error),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(
        "the disk of `{}` has {free} bytes free, and the run needs about {needed} there; free space \
         there or use a larger volume",
        folder.display()
    )]
    NoRoom { folder: PathBuf, needed: u64, free: u64 },
}

impl From<training::CheckpointError> for Error {
    fn from(error: training::CheckpointError) -> Self {
        Self::Training(error.into())
    }
}

impl From<embeddings::StoreError> for Error {
    fn from(error: embeddings::StoreError) -> Self {
        Self::Embeddings(error.into())
    }
}

/// Where the input lies: files, or folders of which every file is read; or where it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Pairs, or the species whose pairs HINT has.
    pub interactions: Source,
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
        Reading {
            inputs: self.inputs,
            config: self.config,
            cache: &self.places.cache,
            observer: self.observer,
            shutdown: self.shutdown,
        }
    }
}

/// What a run ended with, as `metrics.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The version of the file.
    pub schema: &'static str,
    /// The run's name.
    pub run_id: String,
    /// Whether training ended by itself.
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
    let (encoder, origin) = fetched::encoder(run)?;
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
    let outcome = job.fit(table.clone(), digest, &checkpoints)?;
    watch.finish(Component::Training);
    let scored = job.evaluate(&table, &outcome)?;
    let summary = job.write(&outcome, scored, &standardizer)?;
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

    fn fit(
        &self,
        table: EmbeddingTable,
        pin: Digest,
        checkpoints: &CheckpointFolder,
    ) -> Result<training::Outcome, Error> {
        let job = training::Job {
            settings: &self.run.config.training,
            classifier: &self.run.config.classifier,
            table,
            engine: &self.device.name,
            pin: Some(pin),
            train: &self.data.dataset.train,
            validation: &self.data.dataset.validation,
            checkpoints,
            observer: self.run.observer,
            shutdown: self.run.shutdown,
        };
        Ok(training::train(&job)?)
    }
}
