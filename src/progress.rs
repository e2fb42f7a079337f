//! Progress as events: stages emit them, the outermost layer shows them.

use std::time::Duration;

/// A piece of work long enough to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Reading the input, counted in channels.
    Reading,
    /// Fetching sequences, counted in proteins.
    Fetching,
    /// Downloading a file of an encoder, counted in bytes.
    Downloading,
    /// Computing embeddings, counted in residues.
    Embedding,
    /// One epoch of training, numbered from 1 and counted in pairs.
    Epoch(usize),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// What the run is expected to take from here on.
    Forecast(Forecast),
    /// Work of `total` units begins, `done` of them finished by an earlier attempt.
    Started {
        /// The work.
        task: Task,
        /// Units finished before.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// `units` more are finished.
    Advanced {
        /// The work.
        task: Task,
        /// Units finished since the last event.
        units: u64,
    },
    /// The work is over.
    Finished {
        /// The work.
        task: Task,
    },
}

/// What the parts of a run that are still to come are expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// All epochs, of the present training and of those that follow on it.
    pub training: Duration,
    /// How many these are, counted from the first of the present training.
    pub epochs: usize,
    /// What follows on them.
    pub after: Duration,
}

impl Forecast {
    /// What is left of the run while `left` of `whole` is left of a task.
    ///
    /// Epochs to come are expected to take as long as the present one, which tells better than any
    /// forecast; early stopping is not foreseen.
    pub fn left(&self, task: Task, left: Duration, whole: Duration) -> Duration {
        let to_come = match task {
            Task::Reading | Task::Fetching | Task::Downloading | Task::Embedding => self.training,
            Task::Epoch(number) => {
                let epochs = self.epochs.saturating_sub(number);
                whole.saturating_mul(u32::try_from(epochs).unwrap_or(u32::MAX))
            }
        };
        left.saturating_add(to_come).saturating_add(self.after)
    }
}

/// Somebody who watches.
pub trait Observer: Send + Sync {
    /// Called for each event, in order, from the thread that does the work.
    fn observe(&self, event: Event);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _: Event) {}
}
