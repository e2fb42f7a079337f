//! Checkpoints: the whole resumable state in one safetensors file per step.
//!
//! `<step, 12 digits>-a<attempt>-<first 16 characters of its SHA-256>.safetensors`. The name is
//! part of the check, so that a truncated or changed file is never resumed from; the newest file
//! that verifies wins, by the step in its name, never by its time, wherever it lies. At least two
//! are kept. Damaged files that training goes on without are moved to `damaged/`, else they would
//! count among those.

mod attempt;
mod bucket;
mod content;
mod name;
mod repeat;
mod retention;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use super::OnBadCheckpoint;
use crate::digest::Digest;
use crate::storage::remote::RemoteError;
use crate::storage::sync::{Remote, SharedError, unless_away};
use crate::storage::{self, StorageError};
use attempt::Attempt;
use bucket::Bucket;
pub(super) use content::Checkpoint;
use content::{decode, encode};
use name::Name;
use retention::{Copies, Copying, Platform, removable};

/// No classifier's checkpoint is near this size; a larger file is not read.
const MAX_BYTES: u64 = 8 << 30;

/// Why checkpoints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bucket refuses.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// There are checkpoints, all damaged.
    #[error(
        "none of the {count} checkpoint(s) in {places} can be used; restore or remove them, or set \
         `on_bad_checkpoint=restart` to train from the start"
    )]
    NoneUsable {
        /// Where they are, in backticks.
        places: String,
        /// How many.
        count: usize,
    },
    /// Another job goes on with this run.
    #[error(
        "a newer attempt ({newest}) of run `{run_id}` is at work; this one ({ours}) stops: leave the \
         run to the newer one, or stop that and start this job again"
    )]
    Superseded {
        /// The run.
        run_id: String,
        /// The number of the newest attempt.
        newest: u32,
        /// The number of this one.
        ours: u32,
    },
}

impl From<SharedError> for CheckpointError {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Storage(error) => error.into(),
            SharedError::Remote(error) => error.into(),
        }
    }
}

/// What names a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIdentity {
    /// The name of its folder.
    pub id: String,
    /// The digest of everything that changes its result.
    pub digest: Digest,
}

impl RunIdentity {
    /// The run that is named by the beginning of `digest`.
    pub fn of(digest: Digest) -> Self {
        Self { id: digest.short(16), digest }
    }

    /// The run's folder, below the checkpoints and in the bucket: `runs/<run id>/`.
    pub fn prefix(&self) -> String {
        format!("runs/{}/", self.id)
    }
}

/// The checkpoints of one run, in `runs/<run id>/` and, where there is one, in the bucket.
#[derive(Debug)]
pub struct CheckpointFolder {
    folder: PathBuf,
    run: RunIdentity,
    attempt: Attempt,
    bucket: Option<Bucket>,
}

impl CheckpointFolder {
    /// Opens the folder of a run below `checkpoints` and counts this attempt.
    pub fn open(
        checkpoints: &Path,
        run: &RunIdentity,
        remote: Option<&Remote>,
    ) -> Result<Self, CheckpointError> {
        let others = storage::list_folders(&checkpoints.join("runs"))?;
        let others: Vec<_> = others.into_iter().filter(|other| *other != run.id).collect();
        if !others.is_empty() {
            info!("checkpoints of other runs are left alone: {}", others.join(", "));
        }
        let folder = checkpoints.join("runs").join(&run.id);
        storage::create_folder(&folder)?;
        storage::remove_temporaries(&folder)?;
        let attempt = Attempt::begin(run, &folder, remote)?;
        let bucket =
            remote.map(|remote| Bucket::new(remote.clone(), &run.prefix(), attempt.clone()));
        Ok(Self { folder, run: run.clone(), attempt, bucket })
    }

    /// The step of the newest checkpoint of a run, here or in the bucket, by its name alone; counts
    /// no attempt and writes nothing. A server that does not answer has none.
    pub fn newest_step(
        checkpoints: &Path,
        run: &RunIdentity,
        remote: Option<&Remote>,
    ) -> Result<Option<u64>, CheckpointError> {
        let mut files = storage::list(&checkpoints.join("runs").join(&run.id))?;
        if let Some(remote) = remote {
            let listing = remote.objects().list(&bucket::folder(&run.prefix()));
            let listing = unless_away(listing, "checkpoints in S3 are not looked for")?;
            let there = listing.into_iter().flat_map(|listing| listing.objects);
            files.extend(there.map(|object| object.name));
        }
        let names = files.iter().filter_map(|file| file.parse::<Name>().ok());
        Ok(names.map(|name| name.step).max())
    }

    /// Where the files of this run lie.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// An error if a newer attempt of the run was begun, on this disk or in the bucket.
    pub(super) fn check_newest(&self) -> Result<(), CheckpointError> {
        if let Some(bucket) = &self.bucket {
            bucket.look_for_newer()?;
        }
        self.attempt.check()
    }

    /// Writes a checkpoint, has it uploaded, and removes those it supersedes. Writes nothing if a
    /// newer attempt of the run is at work.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.attempt.check()?;
        let bytes = encode(checkpoint, &self.run);
        let digest = Digest::of(&bytes);
        let (step, attempt) = (checkpoint.saved.step, self.attempt.number);
        let name = Name { step, attempt, digest: digest.short(16) };
        let path = self.path_of(&name);
        storage::write_atomic(&path, &bytes)?;
        info!(step, file = %name, "checkpoint written");
        if let Some(bucket) = &self.bucket {
            bucket.submit(&name, path, bytes.len() as u64, digest);
        }
        self.prune()
    }

    /// The newest checkpoint that verifies, here or in the bucket. If there are some and none does,
    /// `on_bad` says whether that is an error or the same as no checkpoint.
    pub(super) fn newest(
        &self,
        on_bad: OnBadCheckpoint,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        let here = self.names()?;
        let there = self.bucket.as_ref().map(Bucket::names).transpose()?.unwrap_or_default();
        let all = &here | &there;
        let mut damaged = Vec::new();
        let mut unanswered = None;
        let found = all.iter().rev().find_map(|name| {
            if here.contains(name) {
                match self.read_local(name) {
                    Ok(checkpoint) => return Some((name, checkpoint, None)),
                    Err(problem) => warn!(file = %name, problem, "damaged checkpoint"),
                }
                damaged.push(name);
            }
            let bucket = self.bucket.as_ref().filter(|_| there.contains(name))?;
            let bytes = match bucket.read(name) {
                Err(error) if error.is_no_answer() => {
                    unanswered = Some(error);
                    return None;
                }
                bytes => bytes.map_err(|error| error.to_string()),
            };
            match bytes.and_then(|bytes| Ok((self.verified(name, &bytes)?, bytes))) {
                Ok((checkpoint, bytes)) => return Some((name, checkpoint, Some(bytes))),
                Err(problem) => warn!(file = %name, problem, "no use of the checkpoint in S3"),
            }
            bucket.pass_over(name);
            None
        });
        // What was not seen is not known to be bad.
        if let (None, Some(error)) = (&found, unanswered) {
            return Err(error.into());
        }
        if found.is_none() && !all.is_empty() {
            let error = CheckpointError::NoneUsable { places: self.places(), count: all.len() };
            match on_bad {
                OnBadCheckpoint::Fail => return Err(error),
                OnBadCheckpoint::Restart => {
                    warn!("{error}; starting fresh because `on_bad_checkpoint` is `restart`");
                }
            }
        }
        damaged.into_iter().try_for_each(|name| self.set_aside(name))?;
        let Some((name, checkpoint, fetched)) = found else { return Ok(None) };
        self.keep_on_both_sides(name, fetched.as_deref())?;
        Ok(Some(checkpoint))
    }
}

impl CheckpointFolder {
    /// The content of a file. One that cannot be read is as bad as a damaged one: the checkpoint
    /// before it leads to the same model.
    fn read_local(&self, name: &Name) -> Result<Checkpoint, String> {
        let bytes = storage::read(&self.path_of(name), MAX_BYTES);
        self.verified(name, &bytes.map_err(|error| error.to_string())?)
    }

    fn verified(&self, name: &Name, bytes: &[u8]) -> Result<Checkpoint, String> {
        if Digest::of(bytes).short(16) != name.digest {
            return Err("its SHA-256 is not the one in its name".to_owned());
        }
        let checkpoint = decode(bytes, &self.run)?;
        match checkpoint.saved.step == name.step {
            true => Ok(checkpoint),
            false => Err("it is of another step than its name says".to_owned()),
        }
    }

    /// Writes what was fetched, and uploads what only lies here: the next attempt may find only one
    /// of the two places.
    fn keep_on_both_sides(
        &self,
        name: &Name,
        fetched: Option<&[u8]>,
    ) -> Result<(), CheckpointError> {
        let path = self.path_of(name);
        match (fetched, &self.bucket) {
            (Some(bytes), _) => storage::write_atomic(&path, bytes)?,
            (None, Some(bucket)) if !bucket.holds(name) => {
                let bytes = storage::read(&path, MAX_BYTES)?;
                bucket.submit(name, path, bytes.len() as u64, Digest::of(&bytes));
            }
            _ => {}
        }
        Ok(())
    }

    fn prune(&self) -> Result<(), CheckpointError> {
        let markers = storage::markers(&self.folder)?;
        // The token of this attempt is the first file that the platform copies, long before there
        // is a checkpoint: its marker says that the platform copies at all.
        let watched = !markers.is_empty() || !storage::markers(self.attempt.folder())?.is_empty();
        let copying = match watched || self.bucket.is_some() {
            true => Copying::Somebody,
            false => Copying::Nobody,
        };
        let names: Vec<Name> = self.names()?.into_iter().rev().collect();
        let copies = names.iter().map(|name| {
            let file = name.to_string();
            let platform =
                match (markers.uploaded.contains(&file), markers.uploading.contains(&file)) {
                    (true, _) => Platform::Uploaded,
                    (false, true) => Platform::Uploading,
                    (false, false) => Platform::Unknown,
                };
            let in_bucket = self.bucket.as_ref().is_some_and(|bucket| bucket.holds(name));
            Copies { in_bucket, platform }
        });
        for position in removable(&copies.collect::<Vec<_>>(), copying) {
            storage::remove(&self.path_of(&names[position]))?;
        }
        Ok(())
    }

    fn set_aside(&self, name: &Name) -> Result<(), CheckpointError> {
        let damaged = self.folder.join("damaged");
        storage::create_folder(&damaged)?;
        Ok(storage::rename(&self.path_of(name), &damaged.join(name.to_string()))?)
    }

    /// The checkpoint files; everything with another name is somebody else's.
    fn names(&self) -> Result<BTreeSet<Name>, StorageError> {
        let files = storage::list(&self.folder)?;
        Ok(files.iter().filter_map(|file| file.parse().ok()).collect())
    }

    fn path_of(&self, name: &Name) -> PathBuf {
        self.folder.join(name.to_string())
    }

    /// Where checkpoints were looked for.
    fn places(&self) -> String {
        let here = format!("`{}`", self.folder.display());
        match &self.bucket {
            Some(bucket) => format!("{here} and `{}`", bucket.place()),
            None => here,
        }
    }
}

#[cfg(test)]
mod tests;
