//! A folder for work that nobody keeps.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Context, StorageError, create_folder};

/// Begins the name of every such folder.
const PREFIX: &str = "scratch-";
/// A file in it that its process holds locked, so that one of a dead process can be told.
const LOCK: &str = ".lock";

/// A folder of this process, removed with everything in it when dropped.
///
/// Those of processes that were killed are removed by the next one.
#[derive(Debug)]
pub struct ScratchFolder {
    path: PathBuf,
    _lock: File,
}

impl ScratchFolder {
    /// A new folder in `parent`, which others may share.
    pub fn new(parent: &Path) -> Result<Self, StorageError> {
        create_folder(parent)?;
        remove_abandoned(parent)?;
        let mut number = 0_u32;
        loop {
            // Containers number their processes alike.
            let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                created => {
                    created.context("create the folder", &path)?;
                    let lock = path.join(LOCK);
                    let file = File::create_new(&lock).context("create", &lock)?;
                    // A file system without locks only loses the removal.
                    let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
                    // Another process may have taken it for abandoned a moment ago.
                    if locked != Err(Errno::WOULDBLOCK) && lock.exists() {
                        return Ok(Self { path, _lock: file });
                    }
                }
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes folders whose processes are gone.
fn remove_abandoned(parent: &Path) -> Result<(), StorageError> {
    for entry in fs::read_dir(parent).context("list", parent)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let folder = entry.path();
        // One without the file is just being made.
        let Ok(lock) = File::open(folder.join(LOCK)) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_a_time_are_two_folders_and_leave_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folders = [(); 2].map(|()| ScratchFolder::new(parent.path()).unwrap());
        assert_ne!(folders[0].path(), folders[1].path());
        assert!(folders.iter().all(|folder| folder.path().exists()));
        drop(folders);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("scratch-1-0");
        fs::create_dir(&left).unwrap();
        File::create(left.join(LOCK)).unwrap();
        fs::create_dir(parent.path().join("v1")).unwrap();
        let folder = ScratchFolder::new(parent.path()).unwrap();
        assert!(!left.exists() && folder.path().exists() && parent.path().join("v1").exists());
    }
}
