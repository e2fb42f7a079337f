//! The platform's marker files: which files it has copied to S3.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::{Context, StorageError};

const UPLOADING: &str = ".sagemaker-uploading";
const UPLOADED: &str = ".sagemaker-uploaded";

/// The files of a folder that have markers, by name. Markers are only ever looked at: they are the
/// platform's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markers {
    /// Files that the platform has begun to copy.
    pub uploading: BTreeSet<String>,
    /// Files that it has copied.
    pub uploaded: BTreeSet<String>,
}

impl Markers {
    /// Whether there is no marker at all.
    pub fn is_empty(&self) -> bool {
        self.uploading.is_empty() && self.uploaded.is_empty()
    }
}

/// The markers in `folder`; none where there is no such folder.
pub fn markers(folder: &Path) -> Result<Markers, StorageError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Markers::default()),
        entries => entries.context("list", folder)?,
    };
    let mut markers = Markers::default();
    for entry in entries {
        let Ok(name) = entry.context("list", folder)?.file_name().into_string() else { continue };
        if let Some(file) = name.strip_suffix(UPLOADED) {
            markers.uploaded.insert(file.to_owned());
        } else if let Some(file) = name.strip_suffix(UPLOADING) {
            markers.uploading.insert(file.to_owned());
        }
    }
    Ok(markers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::write_atomic;

    #[test]
    fn markers_name_the_files_they_are_of() {
        let folder = tempfile::tempdir().unwrap();
        assert!(markers(&folder.path().join("absent")).unwrap().is_empty());
        for name in ["a", "a.sagemaker-uploaded", "b.sagemaker-uploading", "c.sagemaker-other"] {
            write_atomic(&folder.path().join(name), b"").unwrap();
        }
        let found = markers(folder.path()).unwrap();
        assert_eq!(found.uploaded, BTreeSet::from(["a".to_owned()]));
        assert_eq!(found.uploading, BTreeSet::from(["b".to_owned()]));
    }
}
