//! What a run would have to do, counted without doing it.

use std::collections::{BTreeMap, BTreeSet};

use super::data::{self, Data, Reading};
use super::{Error, Fetching, Inputs};
use crate::config::RunConfig;
use crate::digest::Digest;
use crate::embeddings::{CacheLocation, EmbeddingSpace, EmbeddingStore};
use crate::estimate::{Counts, EncoderShape, Learning, Lengths, Workload};
use crate::progress::Observer;
use crate::shutdown::Shutdown;

/// Counts of a run's input.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Proteins in the pairs.
    proteins: usize,
    /// The residues of each distinct sequence among them.
    residues: BTreeMap<Digest, usize>,
    pairs: Counts,
    input_bytes: f64,
}

/// Reads pairs and sequences, fetches what is asked for, and cuts the pairs into parts, as a run
/// does.
pub fn survey(
    inputs: &Inputs,
    config: &RunConfig,
    cache: &CacheLocation,
    observer: &dyn Observer,
    shutdown: &Shutdown,
) -> Result<Survey, Error> {
    let fetching = Fetching { config, cache, observer, shutdown };
    let data = data::read(Reading { inputs, fetching }, || ())?;
    Ok(Survey::of(&data))
}

/// Those of `sequences` whose embeddings are in a store or in the one that it would take over.
///
/// Shards are verified, and a bucket is tried and listed, as a run does it; nothing is taken over
/// or uploaded.
pub fn cached<'s>(
    cache: &CacheLocation,
    space: &EmbeddingSpace,
    engine: &str,
    sequences: impl Iterator<Item = &'s Digest>,
) -> Result<BTreeSet<Digest>, Error> {
    let mut stores = Vec::new();
    let adopted = cache.adopted.as_deref().map(CacheLocation::from);
    for location in [Some(cache.clone()), adopted].into_iter().flatten() {
        // To open a store that is not there would make it.
        let is_there = location.folder.join("v1").join(space.id()).exists();
        if is_there || location.remote.is_some() {
            stores.push(EmbeddingStore::look(location, space.clone(), engine)?);
        }
    }
    let is_there = |sequence: &&Digest| stores.iter().any(|store| store.contains(sequence));
    Ok(sequences.filter(is_there).copied().collect())
}

impl Survey {
    pub(super) fn of(data: &Data) -> Self {
        let count = |pairs: &[crate::dataset::Example]| pairs.len() as f64;
        let dataset = &data.dataset;
        let bytes = data.sources.values().flatten().map(|source| source.bytes as f64).sum();
        Self {
            proteins: data.catalogue.len(),
            residues: data
                .protein_sequences()
                .map(|protein| (protein.digest(), protein.len()))
                .collect(),
            pairs: Counts {
                train: count(&dataset.train),
                validation: count(&dataset.validation),
                test: count(&dataset.test) + count(&dataset.held_out),
            },
            input_bytes: bytes,
        }
    }

    /// The distinct sequences.
    pub fn sequences(&self) -> impl Iterator<Item = &Digest> {
        self.residues.keys()
    }

    /// The work of a run with an encoder, `is_cached` telling which embeddings are there.
    pub fn workload(
        &self,
        encoder: EncoderShape,
        config: &RunConfig,
        is_cached: impl Fn(&Digest) -> bool,
    ) -> Workload {
        let missing = self.residues.iter().filter(|(digest, _)| !is_cached(digest));
        Workload {
            encoder,
            proteins: self.proteins as f64,
            all: Lengths::of(self.residues.values().copied(), &config.embeddings),
            missing: Lengths::of(missing.map(|(_, residues)| *residues), &config.embeddings),
            token_budget: config.embeddings.token_budget,
            precision: config.embeddings.precision,
            pairs: self.pairs,
            input_bytes: self.input_bytes,
            learning: Learning::new(config.seeds, &config.training, &config.classifier),
        }
    }
}
