//! Inference: probabilities of new pairs from a model directory.

use std::collections::{BTreeMap, BTreeSet};

use tracing::{info, warn};

use crate::artifacts::{self, Model};
use crate::classifier::{self, PairClassifier, ParameterError};
use crate::device::{ComputeDevice, Precision};
use crate::embeddings::esm2::Encoder;
use crate::embeddings::{self, CacheLocation, EmbeddingSpace, EmbeddingStore, StoreError};
use crate::interactions::ListedPair;
use crate::progress::Observer;
use crate::protein::Accession;
use crate::sequences::SequenceSet;
use crate::shutdown::Shutdown;

/// Why pairs cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model directory cannot be used.
    #[error(transparent)]
    Model(#[from] artifacts::Error),
    /// The embeddings cannot be had.
    #[error(transparent)]
    Embeddings(#[from] embeddings::Error),
    /// The parameters are not those of the described network.
    #[error(
        "the classifier in the model directory does not fit its description: {0}; unpack the model again"
    )]
    Parameters(#[from] ParameterError),
    /// The parameters or the standardisation are beyond what numbers can hold.
    #[error(
        "the classifier in the model directory gives a score that is not a number; its parameters \
         are damaged: unpack the model again"
    )]
    NotFinite,
    /// There is no sequence at all.
    #[error("not one protein of the pairs has a sequence, `{missing}` for one; give FASTA files")]
    NoSequence {
        /// One identifier.
        missing: String,
    },
    /// None of the pairs has both sequences.
    #[error(
        "none of the pairs has a sequence for both proteins: the pairs name e.g. `{missing}`, the \
         sequences e.g. `{listed}`; give both the same identifiers"
    )]
    NoSequences {
        /// One identifier without sequence.
        missing: String,
        /// The first identifier with a sequence.
        listed: String,
    },
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Embeddings(error.into())
    }
}

/// A model with its encoder, ready to score.
pub struct Predictor<'a> {
    /// Where it runs.
    pub device: &'a ComputeDevice,
    /// The embedding store.
    pub cache: &'a CacheLocation,
    /// Tokens per batch; `None` lets the device decide.
    pub token_budget: Option<usize>,
    /// Told about progress.
    pub observer: &'a dyn Observer,
    /// Read between batches.
    pub shutdown: &'a Shutdown,
}

impl Predictor<'_> {
    /// The probability of each pair, in the order of `pairs`; `None` where a sequence is missing.
    ///
    /// A probability depends on the two sequences alone: not on the order of the pair, and not on
    /// names.
    pub fn score(
        &self,
        model: &Model,
        encoder: &Encoder,
        sequences: &SequenceSet,
        pairs: &[ListedPair],
    ) -> Result<Vec<Option<f64>>, Error> {
        let names: BTreeSet<&Accession> =
            pairs.iter().flat_map(|p| [&p.first, &p.second]).collect();
        let isoforms = sequences.isoform_fallbacks(names.iter().copied());
        if isoforms > 0 {
            warn!("{isoforms} isoforms have no sequence of their own and use their parent's");
        }
        // One row per distinct sequence, in the order of the digests: names play no part.
        let found: BTreeMap<_, _> = names
            .iter()
            .filter_map(|name| Some(sequences.get(name)?.sequence()))
            .map(|sequence| (sequence.digest(), sequence))
            .collect();
        let rows: BTreeMap<_, u32> = found.keys().copied().zip(0..).collect();
        let row = |name: &Accession| {
            sequences.get(name).and_then(|found| rows.get(&found.sequence().digest()).copied())
        };
        let located: Vec<_> = pairs.iter().map(|p| row(&p.first).zip(row(&p.second))).collect();
        let usable: Vec<_> = located.iter().flatten().copied().collect();
        if usable.is_empty() {
            let missing = names.iter().find(|name| row(name).is_none());
            let listed = sequences.entries().first().map(|entry| &entry.accession);
            let missing = missing.map_or_else(String::new, ToString::to_string);
            return Err(match listed {
                Some(listed) => Error::NoSequences { missing, listed: listed.to_string() },
                None => Error::NoSequence { missing },
            });
        }
        let skipped = pairs.len() - usable.len();
        if skipped > 0 {
            warn!("{skipped} of {} pairs have a protein without sequence: no score", pairs.len());
        }
        let sequences: Vec<_> = found.into_values().collect();
        let table = self.embed(model, encoder, &sequences)?;
        let device = &self.device.classifier;
        let description = &model.description;
        let dimension = description.space.dimension;
        let network = PairClassifier::new(dimension, &description.classifier, device);
        let network = classifier::load(network, &model.parameters, device)?;
        let table = classifier::embedding_table(table, dimension, device);
        info!("scoring {} pairs of {} sequences", usable.len(), sequences.len());
        let logits = classifier::logits(&network, &table, usable);
        let scores = description.temperature.probabilities(&logits);
        if scores.iter().any(|score| score.is_nan()) {
            return Err(Error::NotFinite);
        }
        let mut scores = scores.into_iter();
        Ok(located.into_iter().map(|pair| pair.and_then(|_| scores.next())).collect())
    }

    /// Standardised embeddings, `[sequences, dimension]`.
    fn embed(
        &self,
        model: &Model,
        encoder: &Encoder,
        sequences: &[&crate::protein::ProteinSequence],
    ) -> Result<Vec<f32>, Error> {
        let mut settings = model.description.embeddings.clone();
        settings.token_budget = self.token_budget;
        let precision = self.precision(model);
        let space = EmbeddingSpace { compute: precision, ..model.description.space.clone() };
        let mut store = EmbeddingStore::open(self.cache.clone(), space, &self.device.name)?;
        let job = embeddings::Job {
            encoder,
            device: self.device,
            precision,
            settings: &settings,
            observer: self.observer,
            shutdown: self.shutdown,
        };
        let mut table = embeddings::table(&job, &mut store, sequences)?;
        model.standardizer.apply(&mut table);
        Ok(table)
    }

    /// The number format in which the model's embeddings were computed, or 32 bits where this
    /// device does not compute in it.
    fn precision(&self, model: &Model) -> Precision {
        let trained = model.description.space.compute;
        if let Ok((precision, _)) = self.device.precision(trained.into()) {
            return precision;
        }
        warn!(
            "the model was trained on embeddings computed in {trained}, which is not for `{}`: here they \
             are computed in f32, and scores may differ in their third digit",
            self.device.name
        );
        Precision::F32
    }
}
