//! One attempt of the crate on a thread of its own, watched from outside: the crate waits for ever.

use std::io;
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hf_hub::api::Progress;
use hf_hub::api::sync::ApiError;

use super::super::TICK;
use crate::shutdown::Shutdown;
use crate::storage;

/// Why an attempt has no result.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may succeed another time.
    Transient(String),
    /// The same, as the hub itself says with this status.
    Busy(u16),
    /// No byte has come for too long.
    Silent,
    /// An answer came that is none.
    Damaged(String),
    /// The hub says no, with this status.
    Status(u16),
    /// This machine cannot keep the file.
    Local(io::Error),
    Stopped,
}

/// How far a file has come, in all attempts.
#[derive(Clone, Debug)]
pub(super) struct Meter(Arc<Mutex<Reading>>);

/// The state of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The bytes that the present attempt has, with those that it found.
    pub(super) done: u64,
    /// The most that any attempt had.
    pub(super) furthest: u64,
    /// All that there will be; 0 if it is not known yet.
    pub(super) total: u64,
    /// When a byte came that no attempt had.
    pub(super) last: Instant,
}

impl Meter {
    pub(super) fn new() -> Self {
        let last = Instant::now();
        Self(Arc::new(Mutex::new(Reading { done: 0, furthest: 0, total: 0, last })))
    }

    pub(super) fn read(&self) -> Reading {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the crate tells about its progress.
pub(super) struct Tap {
    meter: Meter,
    state: Arc<State>,
}

/// How an attempt and who waits for it see each other.
#[derive(Default)]
struct State {
    /// The attempt has locked its file.
    locked: AtomicBool,
    /// Nobody waits for it any more.
    abandoned: AtomicBool,
}

impl Tap {
    /// Ends an attempt that was left behind: it must not write into a file that another one goes on
    /// with.
    fn unless_abandoned(&self) {
        if self.state.abandoned.load(Ordering::SeqCst) {
            panic::resume_unwind(Box::new("abandoned"));
        }
    }
}

impl Progress for Tap {
    /// Called when the file is locked and before it is opened, and again before its bytes come.
    fn init(&mut self, size: usize, _: &str) {
        self.unless_abandoned();
        self.state.locked.store(true, Ordering::SeqCst);
        let mut reading = self.meter.lock();
        (reading.done, reading.total) = (0, size as u64);
    }

    /// Called when bytes have come and before they are written.
    fn update(&mut self, size: usize) {
        self.unless_abandoned();
        let mut reading = self.meter.lock();
        reading.done += size as u64;
        if reading.done > reading.furthest {
            (reading.furthest, reading.last) = (reading.done, Instant::now());
        }
    }

    fn finish(&mut self) {}
}

/// Runs `work` until it ends, no byte has come for `silence`, or a stop is asked for; `watch` is
/// called meanwhile. The file `lock`, which an attempt that is left behind keeps locked until its
/// connection ends, is removed then: it writes nothing any more.
pub(super) fn attempt<T: Send + 'static>(
    meter: &Meter,
    silence: Duration,
    lock: Option<&Path>,
    shutdown: &Shutdown,
    watch: &mut dyn FnMut(Reading),
    work: impl FnOnce(Tap) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Trouble> {
    let state = Arc::new(State::default());
    let tap = Tap { meter: meter.clone(), state: Arc::clone(&state) };
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    // Detached: nothing waits for a hanging request.
    let spawned = thread::Builder::new().name("hub".to_owned()).spawn(move || {
        // Nobody may be listening any more.
        let _ = sender.send(work(tap));
    });
    spawned.map_err(Trouble::Local)?;
    loop {
        let result = receiver.recv_timeout(TICK);
        let reading = meter.read();
        watch(reading);
        let trouble = match result {
            Ok(result) => return result.map_err(trouble_of),
            // The crate has panicked.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Trouble::Damaged("the answer cannot be understood".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) if shutdown.requested() => Trouble::Stopped,
            Err(RecvTimeoutError::Timeout) if reading.last.max(started).elapsed() >= silence => {
                Trouble::Silent
            }
            Err(RecvTimeoutError::Timeout) => continue,
        };
        state.abandoned.store(true, Ordering::SeqCst);
        if let (true, Some(lock)) = (state.locked.load(Ordering::SeqCst), lock) {
            storage::remove(lock).map_err(|error| Trouble::Local(error.source))?;
        }
        return Err(trouble);
    }
}

fn trouble_of(error: ApiError) -> Trouble {
    match error {
        ApiError::RequestError(error) => match *error {
            ureq::Error::StatusCode(status @ (408 | 425 | 429 | 500 | 502..=504)) => {
                Trouble::Busy(status)
            }
            // A range that does not exist: the part is not one of this file.
            ureq::Error::StatusCode(416) => Trouble::Damaged("status 416".to_owned()),
            ureq::Error::StatusCode(status) => Trouble::Status(status),
            error => Trouble::Transient(error.to_string()),
        },
        ApiError::IoError(error) if is_local(error.kind()) => Trouble::Local(error),
        ApiError::IoError(error) => Trouble::Transient(format!("the answer broke off: {error}")),
        ApiError::LockAcquisition(_) => {
            Trouble::Transient("another process is fetching the same file".to_owned())
        }
        error => Trouble::Damaged(error.to_string()),
    }
}

/// Whether an error is of a disk and not of a connection; the crate does not tell them apart.
fn is_local(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::StorageFull
            | Kind::QuotaExceeded
            | Kind::FileTooLarge
            | Kind::ReadOnlyFilesystem
            | Kind::PermissionDenied
            | Kind::NotFound
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::AlreadyExists
    )
}
