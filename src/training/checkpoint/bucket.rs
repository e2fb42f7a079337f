//! The checkpoints of a training in S3, `runs/<run id>/ckpt/`: found, fetched, uploaded, thinned out.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{debug, info, warn};

use super::MAX_BYTES;
use super::attempt::Attempt;
use super::name::Name;
use super::retention::KEPT;
use crate::digest::Digest;
use crate::storage::remote::{ObjectStore, Problem, RemoteError};
use crate::storage::sync::{Go, Rank, Remote, Upload, UploadWatcher, unless_away};

/// The checkpoints of one training in the bucket.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    remote: Remote,
    folder: String,
    attempt: Attempt,
    shared: Arc<Shared>,
}

/// What the uploading threads know.
#[derive(Debug, Default)]
struct Shared {
    uploaded: Mutex<BTreeSet<Name>>,
    /// Damaged or unreadable: they neither count nor go.
    passed_over: Mutex<BTreeSet<Name>>,
    /// Set once the bucket has refused to remove anything.
    keeps_all: AtomicBool,
}

/// Where the checkpoints of a training lie, below the `prefix` that is its own.
pub(super) fn folder(prefix: &str) -> String {
    format!("{prefix}ckpt/")
}

impl Bucket {
    /// The checkpoints of the training whose objects lie below `prefix`.
    pub(super) fn new(remote: Remote, prefix: &str, attempt: Attempt) -> Self {
        let folder = folder(prefix);
        Self { remote, folder, attempt, shared: Arc::default() }
    }

    /// Those of another training of the same attempt.
    pub(super) fn at(&self, prefix: &str) -> Self {
        Self::new(self.remote.clone(), prefix, self.attempt.clone())
    }

    /// The folder as people write it.
    pub(super) fn place(&self) -> String {
        format!("{}{}", self.remote.objects().place(), self.folder)
    }

    /// The checkpoints there. A server that does not answer has none: training from an older one,
    /// or from the start, leads to the same model.
    pub(super) fn names(&self) -> Result<BTreeSet<Name>, RemoteError> {
        let names = list(self.remote.objects(), &self.folder);
        let names = unless_away(names, "going on without the checkpoints in S3")?;
        let names = names.unwrap_or_default();
        self.shared.uploaded().extend(names.iter().cloned());
        Ok(names)
    }

    /// Looks for newer attempts, once; from a server that does not answer nobody learns of any.
    pub(super) fn look_for_newer(&self) -> Result<(), RemoteError> {
        match self.attempt.is_newest_in(self.remote.hasty_objects()) {
            Err(error) if !error.is_transient() => Err(error),
            _ => Ok(()),
        }
    }

    /// The bytes of a checkpoint; whether they are those its name says is for the caller to check.
    pub(super) fn read(&self, name: &Name) -> Result<Vec<u8>, RemoteError> {
        self.remote.objects().read(&format!("{}{name}", self.folder), MAX_BYTES)
    }

    /// Leaves a checkpoint alone that cannot be used.
    pub(super) fn pass_over(&self, name: &Name) {
        self.shared.uploaded().remove(name);
        self.shared.passed_over().insert(name.clone());
    }

    /// Whether a checkpoint is, or was, in the bucket.
    pub(super) fn holds(&self, name: &Name) -> bool {
        self.shared.uploaded().contains(name)
    }

    /// Has the file of a checkpoint uploaded.
    pub(super) fn submit(&self, name: &Name, path: PathBuf, bytes: u64, digest: Digest) {
        let watcher = Watcher {
            name: name.clone(),
            folder: self.folder.clone(),
            attempt: self.attempt.clone(),
            shared: Arc::clone(&self.shared),
        };
        self.remote.uploader().submit(Upload {
            key: format!("{}{name}", self.folder),
            path,
            bytes,
            digest,
            rank: Rank::Checkpoint(name.step),
            watcher: Some(Arc::new(watcher)),
        });
    }
}

/// Looks after the upload of one checkpoint.
#[derive(Debug)]
struct Watcher {
    name: Name,
    folder: String,
    attempt: Attempt,
    shared: Arc<Shared>,
}

impl UploadWatcher for Watcher {
    /// An older attempt commits nothing any more.
    fn before(&self, objects: &dyn ObjectStore) -> Result<Go, RemoteError> {
        Ok(if self.attempt.is_newest_in(objects)? { Go::Upload } else { Go::Skip })
    }

    fn after(&self, objects: &dyn ObjectStore) {
        info!(file = %self.name, "checkpoint uploaded");
        self.shared.uploaded().insert(self.name.clone());
        match self.thin_out(objects) {
            Err(RemoteError { problem: Problem::Denied { .. }, .. }) => {
                self.shared.keeps_all.store(true, Ordering::SeqCst);
                warn!(
                    "the bucket does not let us remove old checkpoints, and keeps them all: allow \
                     `s3:DeleteObject` on `{}{}*`, or let them expire by a lifecycle rule",
                    objects.place(),
                    self.folder
                );
            }
            // The next upload tries again.
            Err(error) => debug!(%error, "old checkpoints stay in the bucket for now"),
            Ok(()) => {}
        }
    }
}

impl Watcher {
    /// Removes all checkpoints but the newest and the one just uploaded.
    fn thin_out(&self, objects: &dyn ObjectStore) -> Result<(), RemoteError> {
        if self.shared.keeps_all.load(Ordering::SeqCst) {
            return Ok(());
        }
        let names = &list(objects, &self.folder)? - &*self.shared.passed_over();
        for name in names.iter().rev().skip(KEPT).filter(|name| **name != self.name) {
            objects.remove(&format!("{}{name}", self.folder))?;
        }
        Ok(())
    }
}

impl Shared {
    fn uploaded(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.uploaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn passed_over(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.passed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The checkpoints among the objects of a folder; everything else is somebody else's.
fn list(objects: &dyn ObjectStore, folder: &str) -> Result<BTreeSet<Name>, RemoteError> {
    let objects = objects.list(folder)?.objects;
    Ok(objects.iter().filter_map(|object| object.name.parse().ok()).collect())
}
