//! The request to stop: set by a signal, read between units of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag shared between whoever asks to stop and the stages that look at it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// Asks every stage to stop at the next safe point.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for the signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::Shutdown;
    use crate::progress::{Event, Observer};

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
