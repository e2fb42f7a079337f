//! The stages of `train` in order; the only file that names them all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use tracing::{info, warn};

use crate::artifacts::{self, Description, ModelWriter, Provenance};
use crate::classifier::{self, PairClassifier, ParameterError, Standardizer};
use crate::config::RunConfig;
use crate::dataset::{self, Catalogue, Dataset, Example, Pairs, Source};
use crate::device::{self, ComputeDevice, DeviceError};
use crate::digest::Digest;
use crate::embeddings::esm2::{Encoder, EncoderError};
use crate::embeddings::{self, EmbeddingSpace, EmbeddingStore};
use crate::evaluation::{self, Metrics};
use crate::interactions::{self, Audit, InteractionSet};
use crate::progress::Observer;
use crate::sequences::{self, SequenceSet};
use crate::shutdown::Shutdown;
use crate::storage::SourceFile;
use crate::training::{self, CheckpointFolder, EpochRecord};

/// The channel of the pairs that a run learns from.
const INTERACTIONS: &str = "interactions";

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

/// Where the input lies: files, or folders of which every file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Pairs.
    pub interactions: PathBuf,
    /// FASTA.
    pub sequences: PathBuf,
    /// The folder of an ESM-2 model.
    pub encoder: PathBuf,
    /// The user's own validation pairs.
    pub validation: Option<PathBuf>,
    /// The user's own test pairs.
    pub test: Option<PathBuf>,
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The model directory.
    pub model: PathBuf,
    /// Checkpoints of all runs.
    pub checkpoints: PathBuf,
    /// The embedding store.
    pub cache: PathBuf,
}

/// A training run.
pub struct Run<'a> {
    /// Where the input lies.
    pub inputs: &'a Inputs,
    /// Where results go.
    pub places: &'a Places,
    /// All settings.
    pub config: &'a RunConfig,
    /// Told about progress.
    pub observer: &'a dyn Observer,
    /// Read between units of work.
    pub shutdown: &'a Shutdown,
}

/// What a run ended with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
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
    /// One record per epoch.
    pub epochs: Vec<EpochRecord>,
}

/// Trains, evaluates and writes a classifier.
pub fn train(run: &Run<'_>) -> Result<Summary, Error> {
    let device = device::resolve(run.config.device)?;
    info!("device: {} ({})", device.name, device.reason);
    let data = read(run)?;
    let encoder = Encoder::open(&run.inputs.encoder)?;
    let space = EmbeddingSpace::new(&encoder, &run.config.embeddings);
    let run_id = run_id(run.config, &space, &data);
    info!("run {run_id}: encoder {}, space {}", encoder.identity().name, space.id());
    let job = Job { run, device, data, encoder, space, run_id };

    let mut table = match job.embed() {
        Err(embeddings::Error::Interrupted) => return job.write_interrupted(),
        table => table?,
    };
    let standardizer = job.standardize(&mut table);
    let dimension = job.space.dimension;
    let shape = [table.len() / dimension, dimension];
    let table = Tensor::from_data(TensorData::new(table, shape), &job.device.device);
    let outcome = job.fit(table.clone())?;
    let scored = job.evaluate(&table, &outcome)?;
    job.write(&outcome, scored, &standardizer)
}

/// Everything read from the user's files.
struct Data {
    catalogue: Catalogue,
    sequences: SequenceSet,
    dataset: Dataset,
    audits: BTreeMap<&'static str, Audit>,
    sources: BTreeMap<String, Vec<SourceFile>>,
}

/// Reads pairs and sequences, and cuts the pairs into parts.
fn read(run: &Run<'_>) -> Result<Data, Error> {
    if run.inputs.validation.is_some() && run.inputs.test.is_none() {
        return Err(Error::ValidationAlone);
    }
    let sequences = sequences::read(&[run.inputs.sequences.clone()])?;
    info!("sequences: {} proteins", sequences.len());
    let mut sets: BTreeMap<&'static str, InteractionSet> = BTreeMap::new();
    let channels = [
        (INTERACTIONS, Some(&run.inputs.interactions)),
        ("validation", run.inputs.validation.as_ref()),
        ("test", run.inputs.test.as_ref()),
    ];
    for (channel, path) in channels {
        let Some(path) = path else { continue };
        let settings = settings_for(channel, run.config);
        let read = interactions::read(&[path.clone()], &settings)?;
        let set = read.resolve(|accession| sequences.get(accession).is_some(), &settings)?;
        info!("{channel}:\n{}", set.audit);
        sets.insert(channel, set);
    }
    let proteins = sets.values().flat_map(|set| &set.pairs).flat_map(|labelled| {
        [labelled.pair.first(), labelled.pair.second()].map(|accession| {
            let found = sequences.get(accession).map(|found| found.sequence().digest());
            (accession.clone(), found.unwrap_or_else(|| Digest::of(b"")))
        })
    });
    let catalogue = Catalogue::new(proteins)?;
    report_isoforms(&catalogue, &sequences);
    let mut sources: BTreeMap<String, Vec<SourceFile>> = BTreeMap::new();
    sources.insert("sequences".to_owned(), sequences.sources().to_vec());
    let mut audits = BTreeMap::new();
    let mut parts: BTreeMap<&'static str, Pairs> = BTreeMap::new();
    for (channel, set) in sets {
        parts.insert(channel, indexed(&catalogue, &set));
        sources.insert(channel.to_owned(), set.sources);
        audits.insert(channel, set.audit);
    }
    let dataset = dataset::build(&catalogue, source(parts), &run.config.dataset)?;
    info!("split:\n{}", dataset.manifest);
    dataset.manifest.warnings.iter().for_each(|warning| warn!("{warning}"));
    Ok(Data { catalogue, sequences, dataset, audits, sources })
}

fn report_isoforms(catalogue: &Catalogue, sequences: &SequenceSet) {
    let names = catalogue.proteins().iter().map(|(accession, _)| accession);
    let isoforms = sequences.isoform_fallbacks(names);
    if isoforms > 0 {
        warn!("{isoforms} isoforms have no sequence of their own and use their parent's");
    }
}

fn indexed(catalogue: &Catalogue, set: &InteractionSet) -> Pairs {
    let examples = set.pairs.iter().filter_map(|labelled| {
        let left = catalogue.index(labelled.pair.first())?;
        let right = catalogue.index(labelled.pair.second())?;
        Some(Example { left, right, label: labelled.label })
    });
    Pairs { examples: examples.collect(), has_negatives: set.has_negatives }
}

fn source(mut parts: BTreeMap<&'static str, Pairs>) -> Source {
    let train = parts.remove(INTERACTIONS).unwrap_or_default();
    match parts.remove("test") {
        Some(test) => Source::Given { train, validation: parts.remove("validation"), test },
        None => Source::Whole(train),
    }
}

/// The filters and the quick test's subset are for the pairs that a run splits; the user's own
/// validation and test parts are taken as they are.
fn settings_for(channel: &str, config: &RunConfig) -> interactions::Settings {
    let settings = config.interactions.clone();
    if channel == INTERACTIONS {
        return settings;
    }
    interactions::Settings {
        min_publications: 0,
        evidence: interactions::Evidence::Any,
        max_proteins: None,
        max_pairs: None,
        ..settings
    }
}

/// The digest of everything that changes the result.
fn run_id(config: &RunConfig, space: &EmbeddingSpace, data: &Data) -> String {
    let parts = (config.identity(), space, &data.dataset.manifest);
    // Numbers, strings and lists always serialise.
    Digest::of_json(&parts).map_or_else(|_| String::new(), |digest| digest.short(16))
}

/// A run whose input has been read.
struct Job<'a> {
    run: &'a Run<'a>,
    device: ComputeDevice,
    data: Data,
    encoder: Encoder,
    space: EmbeddingSpace,
    run_id: String,
}

/// Metrics with the test scores they come from.
struct Scored {
    validation: Metrics,
    test: Option<(Metrics, Vec<f64>)>,
}

impl Job<'_> {
    /// The embeddings of the catalogue's proteins in its order, `[proteins, dimension]`.
    fn embed(&self) -> Result<Vec<f32>, embeddings::Error> {
        let proteins = self.data.catalogue.proteins();
        let found = proteins.iter().filter_map(|(name, _)| self.data.sequences.get(name));
        let sequences: Vec<_> = found.map(|found| found.sequence()).collect();
        let cache = &self.run.places.cache;
        let mut store = EmbeddingStore::open(cache, self.space.clone(), &self.device.name)?;
        let job = embeddings::Job {
            encoder: &self.encoder,
            device: &self.device.device,
            default_token_budget: self.device.token_budget,
            settings: &self.run.config.embeddings,
            observer: self.run.observer,
            shutdown: self.run.shutdown,
        };
        embeddings::embed(&job, &mut store, &sequences)?;
        let keys: Vec<Digest> = proteins.iter().map(|(_, digest)| *digest).collect();
        Ok(store.load(&keys)?)
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

    fn fit(&self, table: Tensor<2>) -> Result<training::Outcome, Error> {
        let checkpoints = CheckpointFolder::open(&self.run.places.checkpoints, &self.run_id)?;
        let job = training::Job {
            settings: &self.run.config.training,
            classifier: &self.run.config.classifier,
            table,
            engine: &self.device.name,
            train: &self.data.dataset.train,
            validation: &self.data.dataset.validation,
            checkpoints: &checkpoints,
            observer: self.run.observer,
            shutdown: self.run.shutdown,
        };
        Ok(training::train(&job)?)
    }

    /// Chooses the threshold on validation and, if training is over, measures the test part.
    fn evaluate(&self, table: &Tensor<2>, outcome: &training::Outcome) -> Result<Scored, Error> {
        let device = &self.device.device;
        let network =
            PairClassifier::new(self.space.dimension, &self.run.config.classifier, device);
        let network = classifier::load(network, &outcome.parameters, device)?;
        let score = |pairs: &[Example]| -> (Vec<f64>, Vec<bool>) {
            let rows = pairs.iter().map(|pair| (pair.left, pair.right));
            let labels = pairs.iter().map(|pair| pair.label).collect();
            (classifier::score(&network, table, rows), labels)
        };
        let (scores, labels) = score(&self.data.dataset.validation);
        let threshold = evaluation::best_threshold(&scores, &labels).unwrap_or(0.5);
        let validation = evaluation::metrics(&scores, &labels, threshold)?;
        if !outcome.complete {
            return Ok(Scored { validation, test: None });
        }
        let (scores, labels) = score(&self.data.dataset.test);
        let test = evaluation::metrics(&scores, &labels, threshold)?;
        Ok(Scored { validation, test: Some((test, scores)) })
    }

    fn write(
        &self,
        outcome: &training::Outcome,
        scored: Scored,
        standardizer: &Standardizer,
    ) -> Result<Summary, Error> {
        let mut writer = self.begin()?;
        let description = Description {
            classifier: self.run.config.classifier.clone(),
            threshold: scored.validation.threshold,
            encoder: self.encoder.identity().clone(),
            encoder_bundled: self.run.config.bundle_encoder,
            embeddings: self.run.config.embeddings.clone(),
            space: self.space.clone(),
        };
        writer.classifier(&description, &outcome.parameters, standardizer)?;
        if self.run.config.bundle_encoder {
            writer.encoder(&self.encoder)?;
        }
        if let Some((_, scores)) = &scored.test {
            writer.bytes("test_predictions.tsv", self.predictions(scores).as_bytes())?;
        }
        let auroc = |record: &EpochRecord| record.val_auroc.unwrap_or(f64::NEG_INFINITY);
        let best = outcome.history.iter().rev().max_by(|a, b| auroc(a).total_cmp(&auroc(b)));
        let summary = Summary {
            run_id: self.run_id.clone(),
            complete: outcome.complete,
            best_epoch: best.map(|record| record.epoch),
            validation: Some(scored.validation),
            test: scored.test.map(|(metrics, _)| metrics),
            epochs: outcome.history.clone(),
        };
        writer.json("metrics.json", &summary)?;
        writer.finish(self.provenance(outcome.complete))?;
        Ok(summary)
    }

    /// Leaves a directory that says that the run was stopped before it had a model.
    fn write_interrupted(&self) -> Result<Summary, Error> {
        self.begin()?.finish(self.provenance(false))?;
        let run_id = self.run_id.clone();
        let epochs = Vec::new();
        Ok(Summary {
            run_id,
            complete: false,
            best_epoch: None,
            validation: None,
            test: None,
            epochs,
        })
    }

    fn begin(&self) -> Result<ModelWriter, Error> {
        let mut writer = ModelWriter::begin(&self.run.places.model)?;
        writer.json("config.json", self.run.config)?;
        writer.json("audit.json", &self.data.audits)?;
        writer.json("split.json", &self.data.dataset.manifest)?;
        Ok(writer)
    }

    fn provenance(&self, complete: bool) -> Provenance {
        Provenance {
            run_id: self.run_id.clone(),
            complete,
            engine: self.device.name.clone(),
            inputs: self.data.sources.clone(),
        }
    }

    /// The test pairs with labels and probabilities.
    fn predictions(&self, scores: &[f64]) -> String {
        let mut text = String::from("protein_a\tprotein_b\tlabel\tprobability\n");
        for (pair, score) in self.data.dataset.test.iter().zip(scores) {
            let name = |protein| self.data.catalogue.accession(protein);
            let (left, right, label) = (name(pair.left), name(pair.right), u8::from(pair.label));
            text.push_str(&format!("{left}\t{right}\t{label}\t{score:.6}\n"));
        }
        text
    }
}
