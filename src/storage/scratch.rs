//! A folder for work that nobody keeps.

use std::fs;
use std::path::{Path, PathBuf};

use super::{StorageError, create_folder};

/// A folder of this process, removed with everything in it when dropped.
#[derive(Debug)]
pub struct ScratchFolder(PathBuf);

impl ScratchFolder {
    /// A new folder in `parent`.
    pub fn new(parent: &Path) -> Result<Self, StorageError> {
        let path = parent.join(format!("scratch-{}", std::process::id()));
        create_folder(&path).map(|()| Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}
