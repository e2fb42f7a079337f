//! Threads that compute side by side, each on one processor.

#[cfg(feature = "tch")]
use std::sync::{Mutex, PoisonError};
use std::thread;

use tracing::debug;

/// The processors that this process may use.
pub(super) fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// From now on the current thread computes on one processor, also what would spread over all: for
/// threads that do work of one kind side by side. Where each of several has work of its own, none
/// waits for the others after every operation.
pub fn compute_alone() {
    // The thread is the only member of the pool, which is what it uses as long as it lives.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    if let Err(error) = pool {
        debug!(%error, "this thread goes on with all processors");
    }
    #[cfg(feature = "tch")]
    libtorch_alone();
}

#[cfg(feature = "tch")]
fn libtorch_alone() {
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _turn = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Asking sets up the thread, which would otherwise undo what is set.
    let all = tch::get_num_threads();
    tch::set_num_threads(1);
    // The number is that of this thread and of all to come. A thread that does nothing else puts
    // it back for the latter.
    let restored = thread::spawn(move || tch::set_num_threads(all)).join();
    debug_assert!(restored.is_ok(), "setting a number does not panic");
}
