//! The folder's side of the store: verifying what lies there, adding to it, setting aside what is
//! damaged.

use std::io::ErrorKind;
use std::path::Path;

use tracing::{info, warn};

use super::shard::Shard;
use super::{EmbeddingStore, MAX_PLAN_BYTES, MAX_SHARD_BYTES, StoreError, file_name, shard_name};
use crate::digest::Digest;
use crate::storage::{self, Created};

impl EmbeddingStore {
    pub(super) fn scan(&mut self) -> Result<(), StoreError> {
        for name in storage::list(&self.folder.join("shards"))? {
            let Some(name) = shard_name(&name) else {
                warn!(file = %name, "a file that is no shard lies among the shards; ignored");
                continue;
            };
            let bytes = match storage::read(&self.shard_path(&name), MAX_SHARD_BYTES) {
                // Another process has moved it to quarantine.
                Err(error) if error.source.kind() == ErrorKind::NotFound => continue,
                Err(error) if error.source.kind() == ErrorKind::InvalidData => {
                    self.quarantine(&name, &error.source.to_string())?;
                    continue;
                }
                bytes => bytes?,
            };
            let verified = self.verify(&name, &bytes);
            match verified.and_then(|shard| shard.check_rows(self.space.dimension).map(|()| shard))
            {
                Ok(shard) => self.add(name, shard.keys()),
                Err(problem) => self.quarantine(&name, &problem)?,
            }
        }
        Ok(())
    }

    /// Takes over what an earlier attempt left in another folder.
    pub(super) fn adopt(&mut self, root: &Path) -> Result<(), StoreError> {
        let from = root.join("v1").join(self.space.id());
        for name in storage::list(&from.join("plans"))? {
            let plan = storage::read(&from.join("plans").join(&name), MAX_PLAN_BYTES)?;
            storage::create_once(&self.folder.join("plans").join(name), &plan)?;
        }
        let mut adopted = 0;
        for name in storage::list(&from.join("shards"))?.iter().filter_map(|n| shard_name(n)) {
            if self.local.contains(&name) {
                continue;
            }
            let path = from.join("shards").join(file_name(&name));
            let kept = match storage::read(&path, MAX_SHARD_BYTES) {
                Ok(bytes) => self.keep(&name, &bytes)?,
                Err(error) => Err(error.to_string()),
            };
            match kept {
                Ok(()) => adopted += 1,
                Err(problem) => warn!(shard = %path.display(), problem, "not taken over"),
            }
        }
        if adopted > 0 {
            info!("{adopted} shard(s) of an earlier attempt taken over from `{}`", root.display());
        }
        Ok(())
    }

    /// Puts a shard from elsewhere into the folder, if it is what its name says; else gives what is
    /// wrong with it.
    pub(super) fn keep(
        &mut self,
        name: &Digest,
        bytes: &[u8],
    ) -> Result<Result<(), String>, StoreError> {
        let verified = self.verify(name, bytes).and_then(|shard| {
            shard.check_rows(self.space.dimension)?;
            Ok(shard.keys().collect::<Vec<_>>())
        });
        let keys = match verified {
            Ok(keys) => keys,
            Err(problem) => return Ok(Err(problem)),
        };
        self.create_shard(name, bytes)?;
        self.add(*name, keys.into_iter());
        Ok(Ok(()))
    }

    /// Puts a shard into the folder. What lies there under its name and is something else goes to
    /// quarantine.
    pub(super) fn create_shard(&self, name: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.shard_path(name);
        if storage::create_once(&path, bytes)? == Created::New {
            return Ok(());
        }
        let there = storage::list(&self.folder.join("shards"))?.contains(&file_name(name));
        if there && storage::read(&path, MAX_SHARD_BYTES).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        self.quarantine(name, "it is not the shard that its name says")?;
        storage::create_once(&path, bytes)?;
        Ok(())
    }

    /// The shard `name` whose bytes are `bytes`, or what is wrong with them.
    pub(super) fn verify<'a>(&self, name: &Digest, bytes: &'a [u8]) -> Result<Shard<'a>, String> {
        match Digest::of(bytes) == *name {
            true => Shard::parse(bytes, &self.space),
            false => Err("its SHA-256 is not its name".to_owned()),
        }
    }

    pub(super) fn quarantine(&self, name: &Digest, problem: &str) -> Result<(), StoreError> {
        let folder = self.folder.join("quarantine");
        storage::create_folder(&folder)?;
        let from = self.shard_path(name);
        warn!(shard = %from.display(), problem, "damaged shard moved to quarantine; its rows are recomputed");
        match storage::rename(&from, &folder.join(file_name(name))) {
            // Another process was faster.
            Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(()),
            moved => Ok(moved?),
        }
    }
}
