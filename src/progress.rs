//! Progress as events: stages emit them, the outermost layer shows them.

/// A piece of work long enough to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Reading the input, counted in channels.
    Reading,
    /// Computing embeddings, counted in residues.
    Embedding,
    /// One epoch of training, numbered from 1 and counted in pairs.
    Epoch(usize),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
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
