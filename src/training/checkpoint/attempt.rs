//! Attempts of one run: numbered, so that an older one that is still alive notices and stops.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use super::{CheckpointError, RunIdentity};
use crate::storage::remote::{ObjectStore, RemoteError};
use crate::storage::sync::{Remote, Seen, SharedFolder};
use crate::storage::{self, Created};

/// Where attempts are counted, below the folder of the run.
const FOLDER: &str = "attempts";
/// Tokens have some 100 bytes.
const MAX_TOKEN_BYTES: u64 = 1 << 16;

/// This attempt of a run, and the newest one that was seen.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) number: u32,
    run_id: String,
    folder: PathBuf,
    /// The prefix of the keys of the tokens in the bucket.
    prefix: String,
    /// Shared with the uploading threads.
    newest: Arc<AtomicU32>,
}

impl Attempt {
    /// Counts a new attempt: the first number that nobody has taken, here or in the bucket.
    pub(super) fn begin(
        run: &RunIdentity,
        folder: &Path,
        remote: Option<&Remote>,
    ) -> Result<Self, CheckpointError> {
        let folder = folder.join(FOLDER);
        let prefix = format!("{}{FOLDER}/", run.prefix());
        storage::create_folder(&folder)?;
        storage::remove_temporaries(&folder)?;
        let shared = SharedFolder::new(
            folder.clone(),
            remote.cloned().map(|remote| (remote, prefix.clone())),
        );
        let (names, seen) = shared.names()?;
        let mut number = newest(names.iter());
        if seen == Seen::Local {
            // Counted attempts never come near this number: nobody who was counted while S3 was
            // away takes this one for older.
            number = number.max(seconds_since_1970());
        }
        loop {
            number += 1;
            // Of equal contents nobody could tell whose was first.
            let nonce: u64 = rand::random();
            let run_id = &run.id;
            let token = format!(
                "{{\"attempt\":{number},\"run_id\":\"{run_id}\",\"nonce\":\"{nonce:016x}\"}}\n"
            );
            let name = format!("{number}.json");
            let (created, _) = shared.create_once(&name, token.as_bytes(), MAX_TOKEN_BYTES)?;
            if created == Created::New {
                break;
            }
        }
        let (run_id, newest) = (run.id.clone(), Arc::new(AtomicU32::new(number)));
        Ok(Self { number, run_id, folder, prefix, newest })
    }

    /// The folder of the tokens.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// An error if a newer attempt was begun in this folder, or was seen in the bucket.
    pub(super) fn check(&self) -> Result<(), CheckpointError> {
        self.see(newest(storage::list(&self.folder)?.iter()));
        let newest = self.newest.load(Ordering::SeqCst);
        if newest == self.number {
            return Ok(());
        }
        Err(CheckpointError::Superseded { run_id: self.run_id.clone(), newest, ours: self.number })
    }

    /// Whether the bucket knows of no newer attempt.
    pub(super) fn is_newest_in(&self, objects: &dyn ObjectStore) -> Result<bool, RemoteError> {
        let tokens = objects.list(&self.prefix)?.objects;
        self.see(newest(tokens.iter().map(|token| &token.name)));
        Ok(self.newest.load(Ordering::SeqCst) == self.number)
    }

    fn see(&self, number: u32) {
        self.newest.fetch_max(number, Ordering::SeqCst);
    }
}

fn seconds_since_1970() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(0)
}

/// The highest number among the names of tokens.
fn newest<'a>(names: impl Iterator<Item = &'a String>) -> u32 {
    let number = |name: &String| name.strip_suffix(".json")?.parse::<u32>().ok();
    // A number without successor was not given by us.
    names.filter_map(number).filter(|number| *number < u32::MAX / 4 * 3).max().unwrap_or(0)
}
