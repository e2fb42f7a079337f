//! Trying again: jittered waits within a deadline, around any object store.
//!
//! The SDK's own retries share one quota, and once many requests have failed it retries nothing
//! (some 90 retries); and it retries neither 409 and 429 nor broken bodies. Hence this one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use tracing::debug;

use super::{Content, Listing, ObjectStore, Problem, Put, RemoteError};

/// The longest first wait; each failure doubles it,
const FIRST: Duration = Duration::from_millis(200);
/// up to this.
const LONGEST: Duration = Duration::from_secs(20);
/// How long a server that did not answer is left alone.
const PAUSE: Duration = Duration::from_mins(1);
/// What is damaged so often is damaged where it lies.
const DAMAGED: usize = 3;
/// How long a wait may go on after a stop was asked for.
const TICK: Duration = Duration::from_millis(50);

/// Waits between attempts: uniform between zero and a bound that doubles, known as full jitter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures += 1;
        bound.mul_f64(rand::rng().random_range(0.0..1.0))
    }
}

/// How long to go on trying.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Time for all attempts of one operation together.
    pub deadline: Duration,
    /// Nothing is tried again once this is set.
    pub stop: Arc<AtomicBool>,
}

impl Patience {
    /// Calls `attempt` until it succeeds, fails for good, or time is up.
    fn retry<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let end = Instant::now() + self.deadline;
        let (mut backoff, mut damaged) = (Backoff::default(), 0);
        loop {
            let error = match attempt() {
                Err(error) if error.is_transient() => error,
                result => return result,
            };
            damaged += usize::from(!error.is_no_answer());
            if damaged == DAMAGED {
                return Err(error);
            }
            let wait = backoff.next_wait();
            if Instant::now() + wait > end || !self.sleep(wait) {
                return Err(error);
            }
            debug!(%error, "trying again");
        }
    }

    /// Waits unless a stop is asked for; says whether to go on.
    fn sleep(&self, wait: Duration) -> bool {
        let end = Instant::now() + wait;
        while Instant::now() < end && !self.stop.load(Ordering::SeqCst) {
            thread::sleep(TICK.min(end.saturating_duration_since(Instant::now())));
        }
        !self.stop.load(Ordering::SeqCst)
    }
}

/// An object store that tries again what may succeed.
///
/// When patience has run out once, nothing is asked for a while: a job that goes on without S3
/// must not wait again at every step.
#[derive(Debug)]
pub struct Retrying {
    inner: Arc<dyn ObjectStore>,
    patience: Patience,
    gave_up: Mutex<Option<Instant>>,
    answered: AtomicBool,
}

impl Retrying {
    /// `inner` with patience.
    pub fn new(inner: Arc<dyn ObjectStore>, patience: Patience) -> Self {
        Self { inner, patience, gave_up: Mutex::default(), answered: AtomicBool::default() }
    }

    fn patiently<T>(
        &self,
        action: &'static str,
        key: &str,
        attempt: impl FnMut() -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let gave_up = || self.gave_up.lock().unwrap_or_else(PoisonError::into_inner);
        if gave_up().is_some_and(|then| then.elapsed() < PAUSE) {
            let uri = format!("{}{key}", self.place());
            return Err(RemoteError { action, uri, problem: Problem::Away });
        }
        let result = self.patience.retry(attempt);
        let failed = result.as_ref().is_err_and(RemoteError::is_no_answer);
        *gave_up() = failed.then(Instant::now);
        if !failed {
            self.answered.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.patience.stop.load(Ordering::SeqCst)
    }

    /// Whether the server has ever answered.
    pub fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

impl ObjectStore for Retrying {
    fn place(&self) -> &str {
        self.inner.place()
    }

    fn list(&self, folder: &str) -> Result<Listing, RemoteError> {
        self.patiently("s3:ListBucket", folder, || self.inner.list(folder))
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        self.patiently("s3:GetObject", key, || self.inner.read(key, limit))
    }

    fn read_range(&self, key: &str, start: u64, length: u64) -> Result<Vec<u8>, RemoteError> {
        self.patiently("s3:GetObject", key, || self.inner.read_range(key, start, length))
    }

    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError> {
        self.patiently("s3:PutObject", key, || self.inner.create(key, content))
    }

    fn remove(&self, key: &str) -> Result<(), RemoteError> {
        self.patiently("s3:DeleteObject", key, || self.inner.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryStore;
    use super::*;

    fn patience(deadline: Duration) -> Patience {
        Patience { deadline, stop: Arc::default() }
    }

    #[test]
    fn what_fails_for_a_while_succeeds_and_denials_are_final() {
        let memory = Arc::new(MemoryStore::default());
        let store = Retrying::new(memory.clone(), patience(Duration::from_secs(30)));
        memory.fail_next(3);
        assert_eq!(store.create("a", &Content::of(b"one")).unwrap(), Put::New);
        assert_eq!(memory.attempts(), 4);
        memory.deny("a");
        assert!(!store.read("a", 10).unwrap_err().is_transient());
        assert_eq!(memory.attempts(), 5);
    }

    #[test]
    fn it_gives_up_at_the_deadline_and_when_told_to_stop() {
        let memory = Arc::new(MemoryStore::default());
        memory.fail_next(usize::MAX);
        let store = Retrying::new(memory.clone(), patience(Duration::from_millis(300)));
        let started = Instant::now();
        assert!(store.list("").unwrap_err().is_transient());
        assert!(started.elapsed() < Duration::from_secs(5));
        let asked = memory.attempts();
        assert!(store.read("a", 1).unwrap_err().is_transient());
        assert_eq!(memory.attempts(), asked, "left alone after that");

        let forever = patience(Duration::from_hours(1));
        forever.stop.store(true, Ordering::SeqCst);
        let before = memory.attempts();
        assert!(Retrying::new(memory.clone(), forever).list("").is_err());
        assert_eq!(memory.attempts(), before + 1);
    }

    #[test]
    fn one_damaged_object_is_no_reason_to_do_without_the_others() {
        let memory = Arc::new(MemoryStore::default());
        memory.put("good", b"good");
        memory.damage("bad");
        let store = Retrying::new(memory.clone(), patience(Duration::from_mins(1)));
        assert!(matches!(store.read("bad", 9).unwrap_err().problem, Problem::Damaged(_)));
        assert_eq!(memory.attempts(), DAMAGED);
        assert_eq!(store.read("good", 9).unwrap(), b"good");
    }

    #[test]
    fn waits_grow_to_twenty_seconds() {
        let mut backoff = Backoff { failures: 40 };
        let waits: Vec<_> = (0..100).map(|_| backoff.next_wait()).collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert!(waits.iter().any(|wait| *wait > LONGEST / 2));
        let mut first = Backoff::default();
        assert!(first.next_wait() <= FIRST);
    }
}
