//! Why sequences cannot be fetched.

use crate::http::HttpError;
use crate::storage::StorageError;
use crate::storage::remote::RemoteError;
use crate::storage::sync::SharedError;

/// Sequences that cannot be had from `UniProt`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer, or not as it should.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// What it answered cannot be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bucket refuses.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The system gives no threads.
    #[error("cannot start the threads that ask UniProt: {0}; set `uniprot_parallel` to 1")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

impl From<SharedError> for Error {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Storage(error) => Self::Storage(error),
            SharedError::Remote(error) => Self::Remote(error),
        }
    }
}
