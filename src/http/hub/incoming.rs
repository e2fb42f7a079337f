//! A file on its way: fetched aside under a lock, verified, moved into the cache.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::name::Etag;
use super::{HubAccess, HubModel};
use crate::storage::{self, Context, StorageError};

/// Where files are fetched to, below the cache; inside, so that moving them copies nothing.
const FOLDER: &str = ".dyad";

/// A file as the hub describes it.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) etag: Etag,
    pub(super) bytes: u64,
}

/// Where a file comes together, and what it must be.
pub(super) struct Incoming {
    pub(super) described: Described,
    /// What has come of it, as yet unverified.
    path: PathBuf,
    /// Locked while this process alone writes the file.
    lock: Option<File>,
}

/// What has come of a file, open for more.
pub(super) struct Part<'a> {
    file: File,
    path: &'a Path,
    /// Bytes on the disk.
    pub(super) length: u64,
}

impl Incoming {
    /// A file of `model`; only what was checked becomes a part of the path.
    pub(super) fn of(access: &HubAccess, model: &HubModel, described: Described) -> Self {
        let folder = access.cache.join(FOLDER).join(model.repo().folder_name()).join("blobs");
        let path = folder.join(format!("{}.part", described.etag));
        Self { described, path, lock: None }
    }

    /// Makes the file this process's alone; false as long as it is another's.
    pub(super) fn claim(&mut self) -> Result<bool, StorageError> {
        let path = self.lock_path();
        path.parent().map_or(Ok(()), storage::create_folder)?;
        let file = open(&path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error).context("lock", &path),
            Ok(()) => {}
        }
        // Whoever had it before may have removed it in between: then the name is another file's.
        let ours = file.metadata().context("lock", &path)?.ino();
        let named = fs::metadata(&path).is_ok_and(|named| named.ino() == ours);
        self.lock = named.then_some(file);
        Ok(named)
    }

    /// How many bytes have come, of whoever fetches them.
    pub(super) fn length(&self) -> u64 {
        storage::length(&self.path).unwrap_or_default()
    }

    /// What has come, for more.
    pub(super) fn part(&self) -> Result<Part<'_>, StorageError> {
        let file = open(&self.path)?;
        let length = storage::length(&self.path)?;
        Ok(Part { file, path: &self.path, length })
    }

    /// What is wrong with the complete file.
    pub(super) fn problem(&self) -> Result<Option<&'static str>, StorageError> {
        self.described.etag.problem_of(&self.path)
    }

    /// Removes what has come.
    pub(super) fn discard(&self) -> Result<(), StorageError> {
        storage::remove(&self.path)
    }

    /// Gives the verified file its place.
    pub(super) fn move_to(&self, path: &Path) -> Result<(), StorageError> {
        path.parent().map_or(Ok(()), storage::create_folder)?;
        let flushed = File::open(&self.path).and_then(|file| file.sync_all());
        flushed.context("flush", &self.path)?;
        storage::rename(&self.path, path)
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // One that stays is locked by nobody, and found by the next.
            let _ = storage::remove(&self.lock_path());
        }
    }
}

impl Part<'_> {
    /// Adds what came.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.file.write_all(bytes).context("write", self.path)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// Opens a file for adding to what it has.
#[expect(clippy::disallowed_methods, reason = "what is not verified yet grows in place")]
fn open(path: &Path) -> Result<File, StorageError> {
    OpenOptions::new().append(true).create(true).open(path).context("write", path)
}
