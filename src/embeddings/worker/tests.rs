use std::time::Instant;

use super::*;

fn assignment(batch: usize) -> Assignment {
    Assignment {
        ticket: Ticket { unit: 0, round: 0, batch },
        batch: PackedBatch::of(&[0, 5, 2]),
        begins: None,
        withdrawn: Arc::default(),
    }
}

fn workers(
    shutdown: &Shutdown,
    compute: impl FnMut(&PackedBatch) -> Result<Vec<f32>, OutOfMemory> + Send + 'static,
) -> Workers {
    Workers::new(vec![Box::new(compute)], shutdown)
}

fn embedded(outcome: Outcome) -> Option<Vec<f32>> {
    match outcome {
        Outcome::Embedded(values) => Some(values),
        _ => None,
    }
}

#[test]
fn batches_are_computed_in_order_and_the_thread_ends_with_the_worker() {
    let alive = Arc::new(());
    let (held, mut number) = (Arc::clone(&alive), 0.0);
    let shutdown = Shutdown::default();
    let mut workers = workers(&shutdown, move |batch| {
        let _ = &held;
        number += 1.0;
        Ok(vec![number, batch.len() as f32])
    });
    for batch in 0..2 {
        assert!(workers.has_room());
        workers.submit(assignment(batch));
    }
    assert!(!workers.has_room(), "one is computed, one waits");
    for batch in 0..2 {
        let (ticket, outcome) = workers.next(&shutdown).unwrap();
        assert_eq!(ticket, Ticket { unit: 0, round: 0, batch });
        assert_eq!(embedded(outcome), Some(vec![batch as f32 + 1.0, 3.0]));
    }
    assert_eq!(workers.outstanding(), 0);
    drop(workers);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn two_devices_compute_at_the_same_time() {
    let (meet, meets) = (Arc::new(std::sync::Barrier::new(2)), Shutdown::default());
    let device = || -> Compute {
        let meet = Arc::clone(&meet);
        Box::new(move |_| {
            meet.wait();
            Ok(Vec::new())
        })
    };
    let mut workers = Workers::new(vec![device(), device()], &meets);
    (0..4).for_each(|batch| workers.submit(assignment(batch)));
    let mut seen: Vec<_> = (0..4).map(|_| workers.next(&meets).unwrap().0.batch).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3]);
}

#[test]
fn a_batch_has_its_grace_and_is_abandoned_after_it() {
    let (begun, begins) = mpsc::channel();
    let slow = move |_: &PackedBatch| {
        begun.send(()).unwrap();
        thread::sleep(Duration::from_millis(400));
        Ok(Vec::new())
    };
    // The thread has a request of its own, so that the batch begins.
    let mut patient = workers(&Shutdown::default(), slow.clone());
    patient.submit(assignment(0));
    begins.recv().unwrap();
    let shutdown = Shutdown::with_left(Duration::from_secs(3), BATCH_GRACE);
    assert!(embedded(patient.next(&shutdown).unwrap().1).is_some());

    let mut hasty = workers(&Shutdown::default(), slow);
    hasty.submit(assignment(0));
    begins.recv().unwrap();
    let shutdown = Shutdown::with_left(Duration::from_millis(100), BATCH_GRACE);
    let started = Instant::now();
    let error = hasty.next(&shutdown).err().unwrap();
    drop(hasty);
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert!(started.elapsed() < Duration::from_millis(350), "{:?}", started.elapsed());
}

#[test]
fn what_nobody_wants_and_what_comes_after_a_stop_is_not_begun() {
    let shutdown = Shutdown::default();
    let mut workers = workers(&shutdown, |_| Ok(vec![1.0]));
    let unwanted = assignment(0);
    unwanted.withdrawn.store(true, Ordering::Relaxed);
    workers.submit(unwanted);
    assert!(matches!(workers.next(&shutdown).unwrap().1, Outcome::Skipped));
    shutdown.request();
    workers.submit(assignment(1));
    assert!(matches!(workers.next(&shutdown).unwrap().1, Outcome::Skipped));
}

#[test]
fn running_out_of_memory_is_an_outcome_and_the_thread_goes_on() {
    let shutdown = Shutdown::default();
    let mut calls = 0;
    let mut workers = workers(&shutdown, move |_| {
        calls += 1;
        match calls {
            1 => Err(OutOfMemory),
            2 => panic!("Torch(\"CUDA out of memory. Tried to allocate 20.00 MiB.\")"),
            _ => Ok(Vec::new()),
        }
    });
    for batch in 0..3 {
        workers.submit(assignment(batch));
        let (_, outcome) = workers.next(&shutdown).unwrap();
        assert_eq!(matches!(outcome, Outcome::OutOfMemory), batch < 2);
    }
}

#[test]
#[should_panic(expected = "a defect in the encoder")]
fn a_panic_of_a_thread_goes_on_where_its_outcome_was_asked_for() {
    let shutdown = Shutdown::default();
    let mut workers = workers(&shutdown, |_| panic!("a defect in the encoder"));
    workers.submit(assignment(0));
    drop(workers.next(&shutdown));
}
