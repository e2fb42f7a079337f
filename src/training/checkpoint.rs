//! Checkpoints: the whole resumable state in one safetensors file per step.
//!
//! `<step, 12 digits>-a<attempt>-<first 16 characters of its SHA-256>.safetensors`. The name is
//! part of the check, so that a truncated or changed file is never resumed from; the newest file
//! that verifies wins, by the step in its name, never by its time. At least two are kept. Damaged
//! files that training goes on without are moved to `damaged/`, else they would count among those.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::OnBadCheckpoint;
use super::state::SavedState;
use crate::classifier::{NamedTensors, tensor_file};
use crate::digest::Digest;
use crate::storage::{self, Created, StorageError};

/// The name and version of the format, in every checkpoint's metadata.
const SCHEMA: &str = "dyad.checkpoint.v1";
/// The groups of tensors: present parameters, those of the best epoch, Adam's moments.
const GROUPS: [&str; 3] = ["model", "best", "adam"];
/// Checkpoints kept.
const KEEP: usize = 2;
/// No classifier's checkpoint is near this size; a larger file is not read.
const MAX_BYTES: u64 = 8 << 30;

/// Why checkpoints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There are checkpoints, all damaged.
    #[error(
        "none of the {count} checkpoint(s) in `{}` can be used; restore or remove them, or set \
         `on_bad_checkpoint=restart` to train from the start", folder.display()
    )]
    NoneUsable {
        /// Where they are.
        folder: PathBuf,
        /// How many.
        count: usize,
    },
}

/// A checkpoint's content.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) saved: SavedState,
    /// The present parameters.
    pub(super) model: NamedTensors,
    /// The parameters of the best epoch.
    pub(super) best: NamedTensors,
    /// The moments of Adam.
    pub(super) moments: NamedTensors,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    schema: String,
    run_id: String,
    state: SavedState,
}

/// The checkpoints of one run, `<checkpoints>/runs/<run id>/`.
#[derive(Debug)]
pub struct CheckpointFolder {
    folder: PathBuf,
    run_id: String,
    attempt: u32,
}

impl CheckpointFolder {
    /// Opens the folder of a run below `checkpoints` and counts this attempt.
    pub fn open(checkpoints: &Path, run_id: &str) -> Result<Self, CheckpointError> {
        let runs = checkpoints.join("runs");
        let others: Vec<_> =
            storage::list_folders(&runs)?.into_iter().filter(|other| other != run_id).collect();
        if !others.is_empty() {
            info!("checkpoints of other runs are left alone: {}", others.join(", "));
        }
        let folder = runs.join(run_id);
        let attempts = folder.join("attempts");
        storage::create_folder(&attempts)?;
        storage::remove_temporaries(&folder)?;
        storage::remove_temporaries(&attempts)?;
        let number = |name: &String| name.strip_suffix(".json")?.parse::<u32>().ok();
        let numbers = storage::list(&attempts)?;
        // A number without successor was not given by us.
        let numbers = numbers.iter().filter_map(number).filter(|number| *number < u32::MAX / 2);
        let mut attempt = numbers.max().unwrap_or(0);
        loop {
            attempt += 1;
            let token = format!("{{\"attempt\":{attempt},\"run_id\":\"{run_id}\"}}\n");
            let path = attempts.join(format!("{attempt}.json"));
            if storage::create_once(&path, token.as_bytes())? == Created::New {
                break;
            }
        }
        Ok(Self { folder, run_id: run_id.to_owned(), attempt })
    }

    /// Where the files of this run lie.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes a checkpoint; older ones go, all but the newest two.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let bytes = encode(checkpoint, &self.run_id);
        let digest = Digest::of(&bytes).short(16);
        let step = checkpoint.saved.step;
        let name = format!("{step:012}-a{}-{digest}.safetensors", self.attempt);
        storage::write_atomic(&self.folder.join(&name), &bytes)?;
        info!(step, file = name, "checkpoint written");
        for (_, old) in self.names()?.into_iter().skip(KEEP) {
            storage::remove(&self.folder.join(old))?;
        }
        Ok(())
    }

    /// The newest checkpoint that verifies. If there are some and none does, `on_bad` says whether
    /// that is an error or the same as no checkpoint.
    pub(super) fn newest(
        &self,
        on_bad: OnBadCheckpoint,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        let mut newest = None;
        let mut damaged = Vec::new();
        for (name, file) in self.names()? {
            match self.verified(&name, &file) {
                Ok(checkpoint) => {
                    newest = Some(checkpoint);
                    break;
                }
                Err(problem) => {
                    warn!(file, problem, "damaged checkpoint; trying the one before");
                    damaged.push(file);
                }
            }
        }
        if newest.is_none() && !damaged.is_empty() {
            let (folder, count) = (self.folder.clone(), damaged.len());
            let error = CheckpointError::NoneUsable { folder, count };
            match on_bad {
                OnBadCheckpoint::Fail => return Err(error),
                OnBadCheckpoint::Restart => {
                    warn!("{error}; starting fresh because `on_bad_checkpoint` is `restart`");
                }
            }
        }
        for file in damaged {
            self.set_aside(&file)?;
        }
        Ok(newest)
    }

    /// The content of a file. One that cannot be read is as bad as a damaged one: the checkpoint
    /// before it leads to the same model.
    fn verified(&self, name: &Name, file: &str) -> Result<Checkpoint, String> {
        let bytes = storage::read(&self.folder.join(file), MAX_BYTES);
        let bytes = bytes.map_err(|error| error.to_string())?;
        if Digest::of(&bytes).short(16) != name.digest {
            return Err("its SHA-256 is not the one in its name".to_owned());
        }
        let checkpoint = decode(&bytes, &self.run_id)?;
        match checkpoint.saved.step == name.step {
            true => Ok(checkpoint),
            false => Err("it is of another step than its name says".to_owned()),
        }
    }

    fn set_aside(&self, file: &str) -> Result<(), CheckpointError> {
        let damaged = self.folder.join("damaged");
        storage::create_folder(&damaged)?;
        Ok(storage::rename(&self.folder.join(file), &damaged.join(file))?)
    }

    /// Checkpoint files, newest first; everything with another name is somebody else's.
    fn names(&self) -> Result<Vec<(Name, String)>, StorageError> {
        let files = storage::list(&self.folder)?.into_iter();
        let mut names: Vec<_> =
            files.filter_map(|file| Some((Name::parse(&file)?, file))).collect();
        names.sort_by(|a, b| (b.0.step, b.0.attempt, &b.1).cmp(&(a.0.step, a.0.attempt, &a.1)));
        Ok(names)
    }
}

/// What a checkpoint's file name says.
struct Name {
    step: u64,
    attempt: u32,
    digest: String,
}

impl Name {
    fn parse(file: &str) -> Option<Self> {
        let mut parts = file.strip_suffix(".safetensors")?.split('-');
        let (step, attempt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        let hexadecimal = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let shaped = step.len() == 12 && digest.len() == 16 && digest.bytes().all(hexadecimal);
        if !shaped || parts.next().is_some() {
            return None;
        }
        let attempt = attempt.strip_prefix('a')?.parse().ok()?;
        Some(Self { step: step.parse().ok()?, attempt, digest: digest.to_owned() })
    }
}

fn encode(checkpoint: &Checkpoint, run_id: &str) -> Vec<u8> {
    let metadata = Metadata {
        schema: SCHEMA.to_owned(),
        run_id: run_id.to_owned(),
        state: checkpoint.saved.clone(),
    };
    let groups = [&checkpoint.model, &checkpoint.best, &checkpoint.moments];
    let tensors = GROUPS.iter().zip(groups).flat_map(|(group, named)| {
        named.iter().map(move |(name, tensor)| (format!("{group}.{name}"), tensor.clone()))
    });
    let description = serde_json::to_string(&metadata).unwrap_or_default();
    tensor_file::encode(&tensors.collect(), description)
}

fn decode(bytes: &[u8], run_id: &str) -> Result<Checkpoint, String> {
    let (tensors, description) = tensor_file::decode(bytes)?;
    let metadata: Metadata =
        serde_json::from_str(&description).map_err(|error| error.to_string())?;
    if metadata.schema != SCHEMA || metadata.run_id != run_id {
        return Err("it is a checkpoint of another format or run".to_owned());
    }
    if !metadata.state.is_plausible() {
        return Err("its counts contradict each other".to_owned());
    }
    let mut groups = GROUPS.map(|_| NamedTensors::new());
    for (name, tensor) in tensors {
        let (group, parameter) = name.split_once('.').unwrap_or_default();
        let Some(index) = GROUPS.iter().position(|known| *known == group) else {
            return Err(format!("its tensor `{name}` is none of a checkpoint"));
        };
        groups[index].insert(parameter.to_owned(), tensor);
    }
    let [model, best, moments] = groups;
    Ok(Checkpoint { saved: metadata.state, model, best, moments })
}

#[cfg(test)]
mod tests;
