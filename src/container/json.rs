//! Reading the platform's JSON files.

use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::ContainerError;
use crate::storage;

/// More than the platform writes by far, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// The content of a file that may be missing.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ContainerError> {
    let bytes = match storage::read(path, LARGEST_FILE) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            tracing::debug!(path = %path.display(), "no such file, its defaults hold");
            return Ok(None);
        }
        bytes => bytes?,
    };
    let json = |source| ContainerError::Json { path: path.to_owned(), source };
    serde_json::from_slice(&bytes).map(Some).map_err(json)
}
