//! A folder for work that nobody keeps.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Context, StorageError, create_folder};

/// A folder of this process, removed with everything in it when dropped.
#[derive(Debug)]
pub struct ScratchFolder(PathBuf);

impl ScratchFolder {
    /// A new folder in `parent`, which others may share.
    pub fn new(parent: &Path) -> Result<Self, StorageError> {
        create_folder(parent)?;
        let mut number = 0_u32;
        loop {
            // Containers number their processes alike, and one that was killed has left its own.
            let path = parent.join(format!("scratch-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                created => return created.context("create the folder", &path).map(|()| Self(path)),
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_a_time_are_two_folders_and_leave_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folders = [(); 2].map(|()| ScratchFolder::new(parent.path()).unwrap());
        assert_ne!(folders[0].path(), folders[1].path());
        drop(folders);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
