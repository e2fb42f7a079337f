//! The checkpoints of a run's further trainings, below those of its first.

use super::{CheckpointError, CheckpointFolder, RunIdentity};
use crate::storage;

impl CheckpointFolder {
    /// The checkpoints of the same run trained with another seed, in `seeds/<seed>/` below its own
    /// here and in the bucket.
    ///
    /// They belong to the same attempt, so that one that is begun later stops this one whichever
    /// training it is at; `run` binds the files to the seed.
    pub fn of_seed(&self, seed: u64, run: &RunIdentity) -> Result<Self, CheckpointError> {
        let place = format!("seeds/{seed}/");
        let folder = self.folder.join(&place);
        storage::create_folder(&folder)?;
        storage::remove_temporaries(&folder)?;
        let prefix = format!("{}{place}", self.run.prefix());
        let bucket = self.bucket.as_ref().map(|bucket| bucket.at(&prefix));
        Ok(Self { folder, run: run.clone(), attempt: self.attempt.clone(), bucket })
    }
}
