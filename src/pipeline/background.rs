//! What is known besides the pairs to split: which proteins resemble each other, and which other
//! pairs interact.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tracing::{info, warn};

use super::Error;
use crate::config::RunConfig;
use crate::dataset::{self, Catalogue, Clusters, SequencePair, SplitRule};
use crate::protein::{ProteinPair, ProteinSequence};
use crate::sequences::SequenceSet;
use crate::storage::SourceFile;

/// Clusters of the catalogue's sequences, by the user's table or by similarity, if the split needs
/// any; with the files of the table.
pub(super) fn clusters(
    table: Option<&Path>,
    config: &RunConfig,
    catalogue: &Catalogue,
    sequences: &SequenceSet,
) -> Result<(Clusters, Vec<SourceFile>), Error> {
    if config.dataset.split != SplitRule::Clusters {
        return match table {
            Some(_) => Err(Error::UnusedClusters),
            None => Ok((Clusters::default(), Vec::new())),
        };
    }
    let Some(table) = table else {
        let sequences: Vec<_> = distinct_sequences(catalogue, sequences).into_values().collect();
        let clusters = Clusters::by_similarity(&sequences, config.dataset.cluster_similarity);
        return Ok((clusters, Vec::new()));
    };
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
