//! Uploads in the background, while the device computes.
//!
//! Files are read when their turn comes, so that memory does not grow with what waits. What is not
//! in S3 yet is bounded: [`Uploader::wait_for_room`] holds the producer back.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{debug, error, info, warn};

use super::queue::{Queue, Rank, Upload};
use crate::storage;
use crate::storage::remote::{
    Backoff,
    Body,
    Content,
    ObjectStore,
    Problem,
    Put,
    RemoteError, //
};

/// Files sent at a time.
const WORKERS: usize = 4;
/// What may be lost with the disk: no more bytes of shards than this wait for their upload,
const MAX_UNSENT: u64 = 256 << 20;
/// nor more than what goes out in this many seconds, so that a stop has time for them,
const MAX_UNSENT_SECONDS: f64 = 60.0;
/// but one shard at least.
const MIN_UNSENT: u64 = 32 << 20;
/// The rate that is assumed before one is measured, in bytes per second.
const ASSUMED_RATE: f64 = 25e6;
/// How much a finished upload moves the measured rate.
const RATE_WEIGHT: f64 = 0.3;
/// Small files say nothing about the rate.
const RATE_FROM: u64 = 1 << 20;
/// A job that has waited so long for the server goes on and lets files pile up on the disk.
const OUTAGE: Duration = Duration::from_mins(10);
/// Time between two warnings about the same outage.
const WARN_EVERY: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(200);

/// Asked before an upload, told after it; on the uploading thread.
pub trait UploadWatcher: Send + Sync + fmt::Debug {
    /// Whether the file is still wanted there.
    fn before(&self, objects: &dyn ObjectStore) -> Result<Go, RemoteError>;

    /// The file is there.
    fn after(&self, objects: &dyn ObjectStore);
}

/// Whether an upload goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// It does.
    Upload,
    /// It is not wanted any more.
    Skip,
}

/// What was left when waiting for uploads ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Files that are in S3 now, since the start.
    pub uploaded: usize,
    /// Files that are not: no answer in time, or refused.
    pub left: usize,
}

/// Sends files to S3 on threads of its own.
#[derive(Debug)]
pub struct Uploader(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn ObjectStore>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    sending: usize,
    uploaded: usize,
    refused: usize,
    /// Bytes per second of one connection.
    rate: f64,
    outage: Option<Outage>,
    closed: bool,
}

/// Since when nothing went through.
#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    warned: Instant,
}

impl Uploader {
    /// Starts the threads.
    pub fn start(store: Arc<dyn ObjectStore>) -> Self {
        let state = State {
            queue: Queue::default(),
            sending: 0,
            uploaded: 0,
            refused: 0,
            rate: ASSUMED_RATE,
            outage: None,
            closed: false,
        };
        let shared = Shared { store, state: Mutex::new(state), changed: Condvar::new() };
        let shared = Arc::new(shared);
        for _ in 0..WORKERS {
            let shared = Arc::clone(&shared);
            // Detached: nothing waits for a hanging request when the process ends.
            thread::spawn(move || shared.work());
        }
        Self(shared)
    }

    /// Has a file uploaded; never waits.
    pub fn submit(&self, upload: Upload) {
        self.0.lock().queue.push(upload);
        self.0.changed.notify_all();
    }

    /// Waits until what is not in S3 yet is little enough to be lost with the disk, a stop is asked
    /// for, or the server has been away for ten minutes.
    pub fn wait_for_room(&self, stop: &AtomicBool) {
        let mut state = self.0.lock();
        while state.is_full() && !stop.load(Ordering::SeqCst) {
            state = self.0.wait(state);
        }
    }

    /// Waits until everything is uploaded or refused, or until the moment that `until` names, if it
    /// names one; it is asked again and again.
    pub fn drain(&self, until: impl Fn() -> Option<Instant>) -> Drained {
        let mut told = Instant::now();
        while until().is_none_or(|until| Instant::now() < until) {
            let state = self.0.lock();
            let left = state.queue.waiting() + state.sending;
            if left == 0 {
                break;
            }
            if told.elapsed() >= Duration::from_secs(10) {
                told = Instant::now();
                info!("uploading: {left} file(s) left");
            }
            drop(self.0.wait(state));
        }
        let state = self.0.lock();
        let left = state.queue.waiting() + state.sending + state.refused;
        Drained { uploaded: state.uploaded, left }
    }

    /// Since when no upload went through, although some were tried.
    pub fn away_since(&self) -> Option<Instant> {
        self.0.lock().outage.map(|outage| outage.since)
    }

    /// Whether anything was uploaded or refused.
    pub fn has_answered(&self) -> bool {
        let state = self.0.lock();
        state.uploaded + state.refused > 0
    }
}

impl Drop for Uploader {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl State {
    fn is_full(&self) -> bool {
        let cap = ((self.rate * MAX_UNSENT_SECONDS) as u64).clamp(MIN_UNSENT, MAX_UNSENT);
        let away = self.outage.is_some_and(|outage| outage.since.elapsed() >= OUTAGE);
        self.queue.unsent() > cap && !away
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, TICK);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn work(&self) {
        while let Some(upload) = self.next() {
            let outcome = self.send_until_settled(&upload);
            let mut state = self.lock();
            state.sending -= 1;
            if outcome != Outcome::Postponed {
                state.queue.done(&upload);
            }
            match outcome {
                Outcome::Uploaded => state.uploaded += 1,
                Outcome::Refused => state.refused += 1,
                Outcome::Skipped => {}
                Outcome::Postponed => state.queue.push_front(upload),
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<Upload> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(upload) = state.queue.pop() {
                state.sending += 1;
                return Some(upload);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn send_until_settled(&self, upload: &Upload) -> Outcome {
        let mut backoff = Backoff::default();
        loop {
            let started = Instant::now();
            match self.send(upload) {
                Ok(outcome) => {
                    self.answered(upload, started.elapsed());
                    return outcome;
                }
                Err(error) if is_lasting(&error) && !is_intact(upload) => {
                    let path = upload.path.display();
                    error!("`{path}` is damaged on this disk and is not uploaded; remove it");
                    return Outcome::Refused;
                }
                Err(error) if is_passing(&error) => self.unanswered(&error),
                Err(error) => {
                    error!(%error, "not uploaded; the file stays in `{}`", upload.path.display());
                    return Outcome::Refused;
                }
            }
            if let Some(outcome) = self.pause(backoff.next_wait(), upload) {
                return outcome;
            }
        }
    }

    fn send(&self, upload: &Upload) -> Result<Outcome, RemoteError> {
        if let Some(watcher) = &upload.watcher
            && watcher.before(self.store.as_ref())? == Go::Skip
        {
            return Ok(Outcome::Skipped);
        }
        let Upload { bytes, digest, .. } = *upload;
        let content = Content { body: Body::File(&upload.path), bytes, digest };
        if is_gone(upload) {
            return Ok(Outcome::Skipped);
        }
        match self.store.create(&upload.key, &content) {
            Ok(Put::New | Put::Same) => {}
            Ok(Put::Other) => {
                let problem = "another content lies there, damaged or foreign: remove it";
                return Err(RemoteError {
                    action: "s3:PutObject",
                    uri: format!("{}{}", self.store.place(), upload.key),
                    problem: Problem::Refused(problem.to_owned()),
                });
            }
            Err(_) if is_gone(upload) => return Ok(Outcome::Skipped),
            Err(error) => return Err(error),
        }
        debug!(key = upload.key, bytes, "uploaded");
        if let Some(watcher) = &upload.watcher {
            watcher.after(self.store.as_ref());
        }
        Ok(Outcome::Uploaded)
    }

    fn answered(&self, upload: &Upload, elapsed: Duration) {
        let mut state = self.lock();
        if let Some(outage) = state.outage.take() {
            let seconds = outage.since.elapsed().as_secs();
            info!("`{}` answers again after {seconds} s", self.store.place());
        }
        if upload.bytes >= RATE_FROM {
            let rate = upload.bytes as f64 / elapsed.as_secs_f64().max(1e-3);
            state.rate += RATE_WEIGHT * (rate - state.rate);
        }
    }

    fn unanswered(&self, error: &RemoteError) {
        let now = Instant::now();
        let mut state = self.lock();
        let known = state.outage;
        let mut outage = known.unwrap_or(Outage { since: now, warned: now });
        if known.is_none() || outage.warned.elapsed() >= WARN_EVERY {
            outage.warned = now;
            warn!(%error, "uploads wait; what is computed stays on the disk until then");
        }
        state.outage = Some(outage);
    }

    /// Waits before the next attempt, unless something else has to be done instead of one: a
    /// checkpoint that waits takes the place of an older one of its training, and goes before any
    /// shard.
    fn pause(&self, wait: Duration, upload: &Upload) -> Option<Outcome> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        while Instant::now() < end && !state.closed && !state.queue.overtakes(upload) {
            state = self.wait(state);
        }
        match (state.closed, state.queue.overtakes(upload), upload.rank) {
            (false, false, _) => None,
            (false, true, Rank::Shard | Rank::Spare) => Some(Outcome::Postponed),
            _ => Some(Outcome::Skipped),
        }
    }
}

/// Whether another attempt may succeed. Credentials were found when the store was opened: their
/// source is away for a moment.
fn is_passing(error: &RemoteError) -> bool {
    error.is_transient() || matches!(error.problem, Problem::Credentials(_))
}

/// Whether the server answered, and will answer the same if the file is not what it should be.
fn is_lasting(error: &RemoteError) -> bool {
    matches!(error.problem, Problem::Transient(_) | Problem::Damaged(_) | Problem::Refused(_))
}

/// Whether the file is still what was to be uploaded; one that cannot be read may be.
fn is_intact(upload: &Upload) -> bool {
    storage::digest(&upload.path).map_or(true, |digest| digest == upload.digest)
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Uploaded,
    /// It makes room for a checkpoint and waits again.
    Postponed,
    /// Superseded before its turn.
    Skipped,
    /// The server does not want it.
    Refused,
}

/// Whether the file was removed because something newer made it needless.
fn is_gone(upload: &Upload) -> bool {
    let there = upload.path.symlink_metadata();
    there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
