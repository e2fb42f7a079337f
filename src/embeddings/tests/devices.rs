//! Several devices side by side, and the host beside them.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::memory::{Fits, Says, below, cases, run, run_with_stops, whole, with_budget};
use super::*;

#[test]
fn two_copies_of_the_encoder_give_the_same_bits_as_one() {
    let mut bench = Bench::mixed();
    let (whole, units) = bench.uninterrupted();
    bench.device.encoder = vec![crate::device::cpu(); 2];
    let root = tempfile::tempdir().unwrap();
    let observer = StopAfter::never();
    bench.run(root.path(), &observer).unwrap();
    assert_eq!(observer.advances(), units, "committed in their order");
    assert_eq!(bench.bits(root.path()), bench.bits(whole.path()));
}

/// Batches take times of their own, so that they end in another order than they were begun.
fn at_random_times(fits: Fits, seed: u64) -> Fits {
    Arc::new(move |batch| {
        let digest = Digest::of(format!("{seed} {batch:?}").as_bytes());
        std::thread::sleep(Duration::from_millis(u64::from(digest.as_bytes()[0] % 16)));
        fits(batch)
    })
}

#[test]
fn neither_devices_nor_their_order_change_a_bit_also_where_memory_is_short() {
    for (budget, fits, reduced) in cases() {
        let bench = with_budget(budget);
        let (_, bits) = whole(&bench, (&fits(), Says::Typed));
        for (count, seed) in [(2, 1), (2, 2), (3, 3)] {
            let root = tempfile::tempdir().unwrap();
            let device = at_random_times(fits(), seed);
            run(&bench, root.path(), &StopAfter::never(), count, (&device, Says::Typed)).unwrap();
            assert_eq!(bench.bits(root.path()), bits, "{budget} {reduced:?} {count} {seed}");
            let stopped = tempfile::tempdir().unwrap();
            let device = at_random_times(fits(), seed);
            run_with_stops(&bench, stopped.path(), count, (&device, Says::Panics));
            assert_eq!(bench.bits(stopped.path()), bits, "{budget} {reduced:?} {count} {seed}");
        }
    }
}

#[test]
fn a_stop_leaves_no_unit_without_those_before_it() {
    let bench = Bench::mixed();
    let (_whole, units) = bench.uninterrupted();
    for stop in 1..6 {
        let root = tempfile::tempdir().unwrap();
        let observer = StopAfter::pieces(stop);
        let device = at_random_times(below(1000), stop as u64);
        let _ = run(&bench, root.path(), &observer, 3, (&device, Says::Typed));
        let done = observer.advances().len();
        assert!(done >= stop, "{done} of {stop}");
        assert_eq!(observer.advances(), units[..done]);
    }
}

/// Lets the first unit's commit wait until the device has begun the third batch.
struct Meeting {
    begun: Mutex<Receiver<()>>,
    met: Mutex<Option<bool>>,
}

impl Observer for Meeting {
    fn observe(&self, event: Event) {
        let mut met = self.met.lock().unwrap();
        if matches!(event, Event::Advanced { .. }) && met.is_none() {
            let begun = self.begun.lock().unwrap();
            *met = Some((0..3).all(|_| begun.recv_timeout(Duration::from_secs(10)).is_ok()));
        }
    }
}

#[test]
fn the_device_goes_on_while_the_host_stores() {
    let bench = with_budget(64);
    let (tell, begun) = channel();
    let meeting = Meeting { begun: Mutex::new(begun), met: Mutex::new(None) };
    let tell = Mutex::new(tell);
    let fits: Fits = Arc::new(move |_| {
        let _ = tell.lock().unwrap().send(());
        true
    });
    let shutdown = Shutdown::default();
    let job = bench.job(&shutdown, &meeting);
    let load = || Ok(vec![super::memory::sensitive(&bench, Arc::clone(&fits), Says::Typed)]);
    let root = tempfile::tempdir().unwrap();
    let sequences: Vec<_> = bench.sequences.iter().collect();
    embed_with(&job, &mut bench.store(root.path()), &sequences, &load).unwrap();
    assert_eq!(*meeting.met.lock().unwrap(), Some(true));
}
