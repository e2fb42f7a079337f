//! A file on its way: fetched aside, verified, moved into the cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hf_hub::Cache;

use super::name::Etag;
use super::{HubAccess, HubModel};
use crate::storage::{self, Context, StorageError};

/// Where files are fetched to, below the cache; inside, so that moving them copies nothing.
const FOLDER: &str = ".dyad";

/// A file as the hub describes it.
pub(super) struct Described {
    pub(super) etag: Etag,
    /// The same as it came, of which the crate makes paths.
    pub(super) raw: String,
    pub(super) bytes: u64,
}

/// Where the crate leaves a file, and what it must be.
pub(super) struct Incoming {
    described: Described,
    /// The complete file, as yet unverified.
    blob: PathBuf,
    /// The link by which the crate would find it.
    link: PathBuf,
}

/// The cache that the crate works in.
pub(super) fn cache(access: &HubAccess) -> Cache {
    Cache::new(access.cache.join(FOLDER))
}

impl Incoming {
    /// The file `name` of `model`, whose revision is a commit.
    pub(super) fn of(
        access: &HubAccess,
        model: &HubModel,
        name: &str,
        described: Described,
    ) -> Self {
        let repo = cache(access).repo(model.repo());
        let blob = repo.blob_path(&described.raw);
        let link = repo.pointer_path(model.revision()).join(name);
        Self { described, blob, link }
    }

    /// What the crate locks while it fetches.
    pub(super) fn lock(&self) -> PathBuf {
        self.blob.with_extension("lock")
    }

    /// Prepares for fetching what is missing; false if nothing is.
    pub(super) fn begin(&self) -> Result<bool, StorageError> {
        if self.blob.exists() {
            return Ok(false);
        }
        let part = self.part();
        match fs::metadata(&part).map(|metadata| metadata.len()) {
            // A process was killed before it could give it its name.
            Ok(bytes) if bytes == self.described.bytes => {
                storage::rename(&part, &self.blob)?;
                return Ok(false);
            }
            Ok(bytes) if bytes > self.described.bytes => storage::remove(&part)?,
            _ => {}
        }
        // The crate does not replace it.
        storage::remove(&self.link)?;
        self.blob.parent().map_or(Ok(()), storage::create_folder)?;
        Ok(true)
    }

    /// What is wrong with the complete file.
    pub(super) fn problem(&self) -> Result<Option<String>, StorageError> {
        let (bytes, expected) = (storage::length(&self.blob)?, self.described.bytes);
        if bytes != expected {
            return Ok(Some(format!("it has {bytes} bytes instead of {expected}")));
        }
        Ok(self.described.etag.problem_of(&self.blob)?.map(str::to_owned))
    }

    /// Removes what has come.
    pub(super) fn discard(&self) -> Result<(), StorageError> {
        storage::remove(&self.blob)?;
        storage::remove(&self.part())
    }

    /// Gives the verified file its place, unless another process has given it its own.
    pub(super) fn move_to(&self, path: &Path) -> Result<(), StorageError> {
        path.parent().map_or(Ok(()), storage::create_folder)?;
        let flushed = File::open(&self.blob).and_then(|file| file.sync_all());
        let flushed = flushed.context("flush", &self.blob);
        match flushed.and_then(|()| storage::rename(&self.blob, path)) {
            Err(error) if error.is_absent() && path.is_file() => {}
            moved => moved?,
        }
        storage::remove(&self.link)?;
        storage::remove(&self.lock())
    }

    /// What has come of it, with which the crate goes on.
    fn part(&self) -> PathBuf {
        self.blob.with_extension("part")
    }
}
