//! The encoder on a thread of its own, so that a batch that takes too long can be abandoned.

use std::panic;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::info;

use super::Error;
use super::esm2::{Esm2, PackedBatch};
use crate::shutdown::{BATCH_GRACE, Shutdown};

/// How long a request to stop may go unnoticed while a batch is computed.
const TICK: Duration = Duration::from_millis(100);

/// A thread that computes one batch after the other.
///
/// Dropping it waits for the thread, unless its batch was abandoned. Then the thread goes on with
/// what it owns until the process ends, which must be by [`crate::shutdown`]'s rules: at once,
/// without destructors.
pub(super) struct Worker {
    /// Closed to end the thread.
    batches: Option<Sender<PackedBatch>>,
    results: Receiver<Vec<f32>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// A worker that computes the embeddings of batches, `[sequences, dimension]`.
    pub(super) fn encoding(model: Esm2) -> Self {
        Self::new(move |batch| model.embed(batch).into_data().iter::<f32>().collect())
    }

    fn new(mut compute: impl FnMut(&PackedBatch) -> Vec<f32> + Send + 'static) -> Self {
        let (batches, received) = mpsc::channel();
        let (finished, results) = mpsc::channel();
        let thread = thread::spawn(move || {
            while let Ok(batch) = received.recv() {
                if finished.send(compute(&batch)).is_err() {
                    break;
                }
            }
        });
        Self { batches: Some(batches), results, thread: Some(thread) }
    }

    /// What the thread makes of `batch`. If a stop is asked for, the batch has [`BATCH_GRACE`] from
    /// then on; afterwards it is abandoned, and the worker is of no use any more.
    ///
    /// A panic of the thread goes on here.
    pub(super) fn run(
        &mut self,
        batch: PackedBatch,
        shutdown: &Shutdown,
    ) -> Result<Vec<f32>, Error> {
        if let Some(batches) = &self.batches {
            // Fails if the thread is gone; then there is no result either.
            let _ = batches.send(batch);
        }
        loop {
            let left = shutdown.since().map(|since| BATCH_GRACE.saturating_sub(since.elapsed()));
            match self.results.recv_timeout(left.unwrap_or(TICK).min(TICK)) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Timeout) if left == Some(Duration::ZERO) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.join();
                    break;
                }
            }
        }
        info!("the batch in progress is abandoned; it will be computed again");
        self.thread = None;
        Err(Error::Interrupted)
    }

    fn join(&mut self) {
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            panic::resume_unwind(panic);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic between two batches has nobody left to tell.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    fn batch() -> PackedBatch {
        PackedBatch::of(&[0, 5, 2])
    }

    #[test]
    fn batches_are_computed_in_order_and_the_thread_ends_with_the_worker() {
        let alive = Arc::new(());
        let (held, mut number) = (Arc::clone(&alive), 0.0);
        let mut worker = Worker::new(move |batch| {
            let _ = &held;
            number += 1.0;
            vec![number, batch.len() as f32]
        });
        for expected in [1.0, 2.0, 3.0] {
            assert_eq!(worker.run(batch(), &Shutdown::default()).unwrap(), [expected, 3.0]);
        }
        drop(worker);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_batch_has_its_grace_and_is_abandoned_after_it() {
        let slow = |_: &PackedBatch| {
            thread::sleep(Duration::from_millis(400));
            Vec::new()
        };
        let shutdown = Shutdown::with_left(Duration::from_secs(3), BATCH_GRACE);
        assert!(Worker::new(slow).run(batch(), &shutdown).is_ok());

        let shutdown = Shutdown::with_left(Duration::from_millis(100), BATCH_GRACE);
        let started = Instant::now();
        let mut worker = Worker::new(slow);
        let error = worker.run(batch(), &shutdown).unwrap_err();
        drop(worker);
        assert!(matches!(error, Error::Interrupted), "{error}");
        assert!(started.elapsed() < Duration::from_millis(350), "{:?}", started.elapsed());
    }

    #[test]
    #[should_panic(expected = "a defect in the encoder")]
    fn a_panic_of_the_thread_goes_on_where_the_batch_was_asked_for() {
        let mut worker = Worker::new(|_| panic!("a defect in the encoder"));
        drop(worker.run(batch(), &Shutdown::default()));
    }
}
