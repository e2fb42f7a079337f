//! What a job does with its bucket: reads with patience, uploads in the background.
//!
//! Losing the connection never stops a job. What was to be read counts as not there, with a
//! warning; what was to be uploaded waits on the disk until the server answers again.

mod kept;
mod queue;
mod shared;
mod uploader;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use kept::{KeptFiles, Kind as KeptKind};
pub use queue::{Rank, Upload};
pub use shared::{Seen, SharedError, SharedFolder};
pub use uploader::{Drained, Go, UploadWatcher, Uploader};

use tracing::{debug, warn};

use super::remote::{Access, ObjectStore, Patience, Problem, RemoteError, Retrying, S3Store};

/// How long a read is tried again before a job goes on without it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A bucket in use.
#[derive(Clone, Debug)]
pub struct Remote {
    objects: Arc<Retrying>,
    hasty: Arc<Retrying>,
    uploader: Arc<Uploader>,
    /// Whether the server answered when it was connected to.
    reached: bool,
}

impl Remote {
    /// Finds credentials and the bucket; `stop` ends all waiting for reads.
    pub fn connect(access: Access, stop: Arc<AtomicBool>) -> Result<Self, RemoteError> {
        let store = S3Store::connect(access)?;
        let reached = store.has_answered();
        Ok(Self { reached, ..Self::new(Arc::new(store), stop) })
    }

    /// Uses `store`; `stop` ends all waiting for reads.
    pub fn new(store: Arc<dyn ObjectStore>, stop: Arc<AtomicBool>) -> Self {
        Self::patient(store, Patience { deadline: PATIENCE, stop })
    }

    /// Uses `store` with little patience.
    #[cfg(test)]
    pub(crate) fn with_patience(store: Arc<dyn ObjectStore>, deadline: Duration) -> Self {
        Self::patient(store, Patience { deadline, stop: Arc::default() })
    }

    fn patient(store: Arc<dyn ObjectStore>, patience: Patience) -> Self {
        let haste = Patience { deadline: Duration::ZERO, ..patience.clone() };
        Self {
            objects: Arc::new(Retrying::new(Arc::clone(&store), patience)),
            hasty: Arc::new(Retrying::new(Arc::clone(&store), haste)),
            uploader: Arc::new(Uploader::start(store)),
            reached: false,
        }
    }

    /// The objects, read with patience.
    pub fn objects(&self) -> &dyn ObjectStore {
        self.objects.as_ref()
    }

    /// The objects, asked for once: for what a job can do without while its device waits.
    pub fn hasty_objects(&self) -> &dyn ObjectStore {
        self.hasty.as_ref()
    }

    /// What uploads in the background.
    pub fn uploader(&self) -> &Uploader {
        &self.uploader
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.objects.is_stopping()
    }

    /// Whether the server has ever answered, were it to refuse.
    pub fn has_answered(&self) -> bool {
        self.objects.has_answered() || self.uploader.has_answered() || self.reached
    }
}

/// Says what a job goes without because of a failed request: aloud once, and again when the server
/// was asked again.
pub fn without(error: &RemoteError, consequence: &str) {
    if matches!(error.problem, Problem::Away) {
        debug!(%error, "{consequence}");
    } else {
        warn!(%error, "{consequence}");
    }
}

/// What a request gave; of a server that does not answer nothing, with what a job goes without then.
pub fn unless_away<T>(
    result: Result<T, RemoteError>,
    consequence: &str,
) -> Result<Option<T>, RemoteError> {
    match result {
        Err(error) if error.is_transient() => {
            without(&error, consequence);
            Ok(None)
        }
        result => result.map(Some),
    }
}
