//! The encoder on threads of its own, one per device, so that the host works meanwhile, and so that
//! a batch that takes too long can be abandoned.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{debug, info};

use super::Error;
use super::esm2::{Esm2, PackedBatch};
use crate::device::{self, OutOfMemory};
use crate::digest::Digest;
use crate::shutdown::{BATCH_GRACE, Shutdown};

/// How long a request to stop may go unnoticed while a batch is computed.
const TICK: Duration = Duration::from_millis(100);
/// Batches per device: one is computed, the next one waits for it.
const PER_DEVICE: usize = 2;

/// Computes the embeddings of a batch, `[sequences, dimension]`, on one device.
pub(super) type Compute =
    Box<dyn FnMut(&PackedBatch) -> Result<Vec<f32>, OutOfMemory> + Send + 'static>;

/// What computes with `model`, on one processor where there are several of its kind.
pub(super) fn encoding(model: Esm2, side_by_side: bool) -> Compute {
    let mut whole = side_by_side;
    Box::new(move |batch| {
        if mem::take(&mut whole) {
            device::compute_alone();
        }
        Ok(model.embed(batch).into_data().iter::<f32>().collect())
    })
}

/// Which batch it is: its owner's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The unit.
    pub(super) unit: usize,
    /// How often the unit was cut before.
    pub(super) round: usize,
    /// The number of the batch in the unit.
    pub(super) batch: usize,
}

/// A batch to compute.
pub(super) struct Assignment {
    /// Which it is.
    pub(super) ticket: Ticket,
    /// Its tokens.
    pub(super) batch: PackedBatch,
    /// The unit and its number of sequences, where this is its first batch.
    pub(super) begins: Option<(Digest, usize)>,
    /// Set when nobody wants it any more; then it is not begun.
    pub(super) withdrawn: Arc<AtomicBool>,
}

/// What became of a batch.
pub(super) enum Outcome {
    /// Its embeddings, `[sequences, dimension]`.
    Embedded(Vec<f32>),
    /// The device has not enough memory for it.
    OutOfMemory,
    /// It was not begun: a stop was asked for, or nobody wanted it any more.
    Skipped,
    /// A defect.
    Panicked(Box<dyn Any + Send>),
}

/// Threads that compute batches, each on a device of its own; a free one takes the next batch.
///
/// Dropping it waits for the batches in progress, unless they were abandoned. Then the threads go
/// on with what they own until the process ends, which must be by [`crate::shutdown`]'s rules: at
/// once, without destructors.
pub(super) struct Workers {
    /// Closed to end the threads.
    batches: Option<Sender<Assignment>>,
    results: Receiver<(Ticket, Outcome)>,
    threads: Vec<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
    room: usize,
    outstanding: usize,
}

impl Workers {
    /// One thread for each of `devices`. After a request to stop none begins another batch.
    pub(super) fn new(devices: Vec<Compute>, shutdown: &Shutdown) -> Self {
        let (batches, received) = mpsc::channel();
        let (finished, results) = mpsc::channel();
        let (received, room) = (Arc::new(Mutex::new(received)), PER_DEVICE * devices.len());
        let closing = Arc::new(AtomicBool::new(false));
        let spawn = |compute| {
            let thread = Thread {
                compute,
                received: Arc::clone(&received),
                finished: finished.clone(),
                closing: Arc::clone(&closing),
                shutdown: shutdown.clone(),
            };
            thread::spawn(move || thread.run())
        };
        let threads = devices.into_iter().map(spawn).collect();
        Self { batches: Some(batches), results, threads, closing, room, outstanding: 0 }
    }

    /// Batches that were submitted and whose outcome was not asked for yet.
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Whether a device would have nothing to go on with.
    pub(super) fn has_room(&self) -> bool {
        self.outstanding < self.room
    }

    /// Has a batch computed.
    pub(super) fn submit(&mut self, assignment: Assignment) {
        if let Some(batches) = &self.batches
            && batches.send(assignment).is_ok()
        {
            self.outstanding += 1;
        }
    }

    /// What became of a batch that is finished, if there is one.
    ///
    /// A panic of a thread goes on here.
    pub(super) fn finished(&mut self) -> Option<(Ticket, Outcome)> {
        let result = self.results.try_recv().ok()?;
        Some(self.received(result))
    }

    /// Waits for a batch. If a stop is asked for, batches in progress have [`BATCH_GRACE`] from then
    /// on; afterwards they are abandoned, and the workers are of no use any more.
    ///
    /// A panic of a thread goes on here.
    pub(super) fn next(&mut self, shutdown: &Shutdown) -> Result<(Ticket, Outcome), Error> {
        loop {
            let left = shutdown.since().map(|since| BATCH_GRACE.saturating_sub(since.elapsed()));
            match self.results.recv_timeout(left.unwrap_or(TICK).min(TICK)) {
                Ok(result) => return Ok(self.received(result)),
                Err(RecvTimeoutError::Timeout) if left != Some(Duration::ZERO) => {}
                Err(_) => break,
            }
        }
        info!("the batch in progress is abandoned; it will be computed again");
        self.threads.clear();
        Err(Error::Interrupted)
    }

    fn received(&mut self, (ticket, outcome): (Ticket, Outcome)) -> (Ticket, Outcome) {
        self.outstanding -= 1;
        match outcome {
            Outcome::Panicked(panic) => panic::resume_unwind(panic),
            outcome => (ticket, outcome),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.batches = None;
        for thread in self.threads.drain(..) {
            // Panics were caught in the thread.
            let _ = thread.join();
        }
    }
}

/// What a thread owns.
struct Thread {
    compute: Compute,
    received: Arc<Mutex<Receiver<Assignment>>>,
    finished: Sender<(Ticket, Outcome)>,
    closing: Arc<AtomicBool>,
    shutdown: Shutdown,
}

impl Thread {
    fn run(mut self) {
        while let Some(assignment) = self.take() {
            let ticket = assignment.ticket;
            let outcome = self.outcome(&assignment);
            if self.finished.send((ticket, outcome)).is_err() {
                break;
            }
        }
    }

    /// Waits for its turn and for a batch; nothing once the owner is gone.
    fn take(&self) -> Option<Assignment> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn outcome(&mut self, assignment: &Assignment) -> Outcome {
        let unwanted = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let stop = unwanted(&self.closing) || self.shutdown.requested();
        if stop || unwanted(&assignment.withdrawn) {
            return Outcome::Skipped;
        }
        if let Some((unit, sequences)) = assignment.begins {
            debug!(%unit, sequences, "embedding");
        }
        // What a panic leaves behind is dropped with the batch: the encoder itself never changes.
        let compute = AssertUnwindSafe(|| (self.compute)(&assignment.batch));
        match panic::catch_unwind(compute) {
            Ok(Ok(embedded)) => Outcome::Embedded(embedded),
            Ok(Err(OutOfMemory)) => Outcome::OutOfMemory,
            Err(panic) if device::is_out_of_memory(panic.as_ref()) => Outcome::OutOfMemory,
            Err(panic) => Outcome::Panicked(panic),
        }
    }
}

#[cfg(test)]
mod tests;
