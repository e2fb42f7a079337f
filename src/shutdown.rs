//! The request to stop: set by a signal, read between units of work, and how long each may take
//! to heed it.
//!
//! The platform kills 120 seconds after it asks. Work that cannot be broken off has
//! [`BATCH_GRACE`], uploads have until [`UPLOAD_GRACE`], and whatever happens the process is gone
//! by [`HARD_STOP`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long after the request a batch in progress may take to end before it is abandoned.
pub const BATCH_GRACE: Duration = Duration::from_secs(5);
/// How long after the request uploads may be waited for.
pub const UPLOAD_GRACE: Duration = Duration::from_secs(100);
/// How long after the request the process ends, whatever it is doing.
pub const HARD_STOP: Duration = Duration::from_secs(103);

/// A flag shared between whoever asks to stop and the stages that look at it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Request>);

#[derive(Debug, Default)]
struct Request {
    flag: Arc<AtomicBool>,
    /// When the flag was first seen set. A signal handler may set flags and little else.
    since: OnceLock<Instant>,
}

impl Shutdown {
    /// Asks every stage to stop at the next safe point.
    pub fn request(&self) {
        self.0.flag.store(true, Ordering::SeqCst);
        self.since();
    }

    /// Whether a stop was asked for.
    pub fn requested(&self) -> bool {
        self.since().is_some()
    }

    /// When a stop was asked for: the moment in which this or another clone first saw it.
    pub fn since(&self) -> Option<Instant> {
        let requested = self.0.flag.load(Ordering::SeqCst);
        requested.then(|| *self.0.since.get_or_init(Instant::now))
    }

    /// Until when uploads may be waited for; without a request there is no limit.
    pub fn deadline(&self) -> Option<Instant> {
        self.since().map(|since| since + UPLOAD_GRACE)
    }

    /// The flag itself, for the signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.flag)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use super::{Shutdown, UPLOAD_GRACE};
    use crate::progress::{Event, Observer};

    impl Shutdown {
        /// A stop that was asked for so long ago that of `limit` there is `left`.
        pub(crate) fn with_left(left: Duration, limit: Duration) -> Self {
            let shutdown = Self::default();
            shutdown.0.since.get_or_init(|| (Instant::now() + left).checked_sub(limit).unwrap());
            shutdown.request();
            shutdown
        }
    }

    #[test]
    fn the_first_to_see_the_flag_fixes_the_time() {
        let shutdown = Shutdown::default();
        assert_eq!((shutdown.requested(), shutdown.deadline()), (false, None));
        let before = Instant::now();
        shutdown.flag().store(true, std::sync::atomic::Ordering::SeqCst);
        let seen = shutdown.clone().since().unwrap();
        assert!(seen >= before);
        std::thread::sleep(Duration::from_millis(2));
        shutdown.request();
        assert_eq!(shutdown.since(), Some(seen));
        assert_eq!(shutdown.deadline(), Some(seen + UPLOAD_GRACE));
    }

    /// Asks to stop after a number of pieces of work, and remembers what it saw.
    #[derive(Debug, Default)]
    pub(crate) struct StopAfter {
        pub(crate) shutdown: Shutdown,
        limit: Option<usize>,
        events: Mutex<Vec<Event>>,
    }

    impl StopAfter {
        pub(crate) fn pieces(limit: usize) -> Self {
            let stop = Self { limit: Some(limit), ..Self::default() };
            if limit == 0 {
                stop.shutdown.request();
            }
            stop
        }

        pub(crate) fn never() -> Self {
            Self::default()
        }

        pub(crate) fn events(&self) -> Vec<Event> {
            self.events.lock().unwrap().clone()
        }

        /// The size of each piece of work.
        pub(crate) fn advances(&self) -> Vec<u64> {
            let events = self.events();
            let sizes = events.iter().filter_map(|event| match event {
                Event::Advanced { units, .. } => Some(*units),
                _ => None,
            });
            sizes.collect()
        }
    }

    impl Observer for StopAfter {
        fn observe(&self, event: Event) {
            self.events.lock().unwrap().push(event);
            if Some(self.advances().len()) == self.limit {
                self.shutdown.request();
            }
        }
    }
}
