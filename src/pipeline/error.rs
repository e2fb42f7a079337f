//! Everything that can end a run.

use std::path::PathBuf;

use super::FetchError;
use crate::classifier::ParameterError;
use crate::device::DeviceError;
use crate::embeddings::esm2::{EncoderError, SourceError};
use crate::storage::StorageError;
use crate::{artifacts, dataset, embeddings, evaluation, interactions, training};

/// Why a run failed, by stage.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "one variant per stage, each holding that stage's error")]
pub enum Error {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Interactions(#[from] interactions::Error),
    #[error(
        "validation pairs are given and test pairs are not; give both, or neither and let `split` \
         cut the interactions"
    )]
    ValidationAlone,
    #[error(transparent)]
    Fetched(#[from] FetchError),
    #[error("clusters are given, but `split` is not `clusters`: leave out the one or the other")]
    UnusedClusters,
    #[error(
        "clusters are given, and `cluster_by` is `mmseqs`, which finds others: leave out the one or the \
         other"
    )]
    TwoClusterings,
    #[error(transparent)]
    Mmseqs(#[from] dataset::MmseqsError),
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
