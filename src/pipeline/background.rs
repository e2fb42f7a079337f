//! What is known besides the pairs to split: which proteins resemble each other, and which other
//! pairs interact.

use std::collections::{BTreeMap, BTreeSet};

use tracing::{info, warn};

use super::data::Reading;
use super::{Error, Fetching};
use crate::dataset::{self, Catalogue, ClusterMethod, Clusters, SequencePair, SplitRule};
use crate::protein::{ProteinPair, ProteinSequence};
use crate::sequences::SequenceSet;
use crate::storage::{ScratchFolder, SourceFile};

/// Clusters of the catalogue's sequences, by the user's table or as the settings say, if the split
/// needs any; with the files of the table.
pub(super) fn clusters(
    reading: &Reading<'_>,
    catalogue: &Catalogue,
    sequences: &SequenceSet,
) -> Result<(Clusters, Vec<SourceFile>), Error> {
    let Reading { inputs, fetching: Fetching { config, .. } } = reading;
    let table = inputs.clusters.as_deref();
    if config.dataset.split != SplitRule::Clusters {
        return match table {
            Some(_) => Err(Error::UnusedClusters),
            None => Ok((Clusters::default(), Vec::new())),
        };
    }
    let Some(table) = table else {
        return Ok((found_clusters(reading, catalogue, sequences)?, Vec::new()));
    };
    if config.clustering.by == ClusterMethod::Mmseqs {
        return Err(Error::TwoClusterings);
    }
    let table = dataset::read_clusters(table)?;
    let clusters = Clusters::from_table(catalogue, &table);
    info!("clusters: {} rows", table.links.len());
    if clusters.unlisted() > 0 {
        warn!(
            "{} proteins are not in the table of clusters and count as alone",
            clusters.unlisted()
        );
    }
    Ok((clusters, table.sources))
}

/// Clusters of the catalogue's sequences as the settings say.
fn found_clusters(
    reading: &Reading<'_>,
    catalogue: &Catalogue,
    sequences: &SequenceSet,
) -> Result<Clusters, Error> {
    let Fetching { config, cache, shutdown, .. } = reading.fetching;
    let sequences: Vec<_> = distinct_sequences(catalogue, sequences).into_values().collect();
    match config.clustering.by {
        ClusterMethod::Kmers => {
            Ok(Clusters::by_similarity(&sequences, config.dataset.cluster_similarity))
        }
        ClusterMethod::Mmseqs => {
            info!("clusters: MMseqs2 compares {} sequences", sequences.len());
            let scratch = ScratchFolder::new(&cache.folder)?;
            Ok(dataset::mmseqs_clusters(&sequences, &config.clustering, &scratch, shutdown)?)
        }
    }
}

/// The sequence of every distinct digest of the catalogue, in its order.
fn distinct_sequences<'s>(
    catalogue: &Catalogue,
    sequences: &'s SequenceSet,
) -> BTreeMap<u32, &'s ProteinSequence> {
    let sequence = |(protein, (name, _)): (u32, &(_, _))| {
        Some((catalogue.sequence_of(protein), sequences.get(name)?.sequence()))
    };
    (0..).zip(catalogue.proteins()).filter_map(sequence).collect()
}

/// Those of `pairs` of which the catalogue has both sequences, under whatever name.
pub(super) fn known<'p>(
    pairs: impl Iterator<Item = &'p ProteinPair>,
    catalogue: &Catalogue,
    sequences: &SequenceSet,
) -> BTreeSet<SequencePair> {
    let sequence = |name| catalogue.sequence(&sequences.get(name)?.sequence().digest());
    let known = pairs.filter_map(|pair| {
        let (one, other) = (sequence(pair.first())?, sequence(pair.second())?);
        Some((one.min(other), one.max(other)))
    });
    known.collect()
}
