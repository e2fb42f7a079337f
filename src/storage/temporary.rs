//! Temporary files: complete before they get their final name, removed where they do not get it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Context, StorageError, TEMPORARY_SUFFIX, remove};

/// A complete, flushed file under a temporary name, removed when dropped.
pub(super) struct Temporary {
    pub(super) path: PathBuf,
    /// Locked until it has its final name.
    _file: File,
}

impl Temporary {
    pub(super) fn write(target: &Path, bytes: &[u8]) -> Result<Self, StorageError> {
        Self::create(target, |file| file.write_all(bytes))
    }

    pub(super) fn create(
        target: &Path,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Self, StorageError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let target_name = target.file_name().unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        let (path, mut file) = loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{target_name}.{process}-{number}{TEMPORARY_SUFFIX}");
            let path = target.with_file_name(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // Of a process with our number: dead, or alive in another container.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => {
                    let file = opened.context("write", target)?;
                    if is_ours(&file) {
                        break (path, file);
                    }
                }
            }
        };
        // A failed flush is never repeated on the same file: its pages may count as written.
        let filled = fill(&mut file).and_then(|()| file.sync_all());
        let temporary = Self { path, _file: file };
        filled.context("write", target).map(|()| temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename it is gone; after a failure the next start cleans up what stays.
        let _ = fs::remove_file(&self.path);
    }
}

/// Locks a file that was just made. Another process may be tidying up and have taken it for a
/// leftover in between; then it is gone, or about to go.
fn is_ours(file: &File) -> bool {
    let locked = file.try_lock();
    // Where locks are not supported, only the tidying is less careful.
    let taken = matches!(locked, Err(TryLockError::WouldBlock));
    !taken && file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

/// Whether the process that made a temporary file still holds its lock.
pub(crate) fn is_being_written(path: &Path) -> bool {
    let lock = File::open(path).map(|file| file.try_lock());
    matches!(lock, Ok(Err(TryLockError::WouldBlock)))
}

/// Removes a temporary file unless a process is writing it.
pub(super) fn remove_abandoned(path: &Path) -> Result<(), StorageError> {
    let file = File::open(path);
    // Held until the file is gone, so that its maker does not begin to write it.
    match file.as_ref().map(File::try_lock) {
        Ok(Err(TryLockError::WouldBlock)) => Ok(()),
        _ => remove(path),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read, remove_temporaries};
    use super::*;

    #[test]
    fn files_in_the_making_are_no_leftovers() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let one = Temporary::write(&target, b"one").unwrap();
        remove_temporaries(folder.path()).unwrap();
        assert_eq!(read(&one.path, 10).unwrap(), b"one");
        let path = one.path.clone();
        drop(one);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_being_tidied_away_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = File::create(&path).unwrap();
        let tidying = File::open(&path).unwrap();
        tidying.try_lock().unwrap();
        assert!(!is_ours(&file), "the other holds it");
        drop(tidying);
        assert!(is_ours(&file));
        remove(&path).unwrap();
        assert!(!is_ours(&file), "it is gone");
    }
}
