//! Devices that run out of memory, with stops between.

use std::sync::{Arc, Mutex};

use super::*;
use crate::device::OutOfMemory;
use crate::embeddings::esm2::PackedBatch;
use crate::embeddings::plan::Place;
use crate::embeddings::reductions::{Budgets, Scope};

/// Whether a batch fits into the device's memory.
pub(super) type Fits = Arc<dyn Fn(&PackedBatch) -> bool + Send + Sync>;

/// How a device says that a batch does not fit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Typed,
    Panics,
}

/// The random encoder, its numbers changed by which other sequences are in the batch and in which
/// order: what is cut another way ends in other bits.
pub(super) fn sensitive(bench: &Bench, fits: Fits, says: Says) -> Compute {
    let model = bench.encoder.load(&crate::device::cpu(), Precision::F32).unwrap();
    Box::new(move |batch| {
        if !fits(batch) {
            match says {
                Says::Typed => return Err(OutOfMemory),
                Says::Panics => {
                    panic!("Torch(\"CUDA out of memory. Tried to allocate 2.00 GiB.\")")
                }
            }
        }
        let digest = Digest::of(format!("{batch:?}").as_bytes());
        let shift = f32::from(digest.as_bytes()[0]) + f32::from(digest.as_bytes()[1]) / 256.0;
        let embedded = model.embed(batch).into_data();
        Ok(embedded.iter::<f32>().map(|value| value + shift).collect())
    })
}

pub(super) fn below(limit: usize) -> Fits {
    Arc::new(move |batch| batch.len() <= limit)
}

/// A run of `count` such devices.
pub(super) fn run(
    bench: &Bench,
    root: &Path,
    observer: &StopAfter,
    count: usize,
    (fits, says): (&Fits, Says),
) -> Result<Report, Error> {
    let job = bench.job(&observer.shutdown, observer);
    let load = || Ok((0..count).map(|_| sensitive(bench, Arc::clone(fits), says)).collect());
    embed_with(&job, &mut bench.store(root), &bench.sequences.iter().collect::<Vec<_>>(), &load)
}

/// A run that is stopped after every unit or so, and begun again until it ends by itself.
pub(super) fn run_with_stops(bench: &Bench, root: &Path, count: usize, device: (&Fits, Says)) {
    loop {
        match run(bench, root, &StopAfter::pieces(1), count, device) {
            Ok(_) => return,
            Err(error) => assert!(matches!(error, Error::Interrupted), "{error}"),
        }
    }
}

/// The bits after a run that nothing stops, on one device.
pub(super) fn whole(bench: &Bench, device: (&Fits, Says)) -> (TempDir, Vec<u32>) {
    let root = tempfile::tempdir().unwrap();
    run(bench, root.path(), &StopAfter::never(), 1, device).unwrap();
    let bits = bench.bits(root.path());
    (root, bits)
}

/// The sequences of [`Bench::mixed`], of 7 to 53 tokens, with another budget: 200 tokens make four
/// units, of 200, 168, 192 and 160 tokens.
pub(super) fn with_budget(token_budget: usize) -> Bench {
    let mut bench = Bench::mixed();
    bench.settings.token_budget = Some(token_budget);
    bench
}

/// A budget, a device's memory, and the budgets that are recorded.
type Case = (usize, fn() -> Fits, Vec<usize>);

pub(super) fn cases() -> Vec<Case> {
    vec![
        (200, || below(1000), vec![]),
        (200, || below(150), vec![100]),
        // The first unit is cut twice: by 100, 51 and 49 tokens come together.
        (200, || below(53), vec![100, 50]),
        // In the middle of the plan.
        (64, || below(63), vec![32]),
        (200, || Arc::new(|batch| batch.len() != 192), vec![100]),
        (200, || Arc::new(|batch| batch.len() != 168), vec![100]),
        (200, || Arc::new(|batch| batch.len() != 160), vec![100]),
    ]
}

/// The first batch of so many tokens does not fit, and all others do.
fn once(tokens: usize) -> Fits {
    let spent = Mutex::new(false);
    Arc::new(move |batch| {
        let mut spent = spent.lock().unwrap();
        let fails = batch.len() == tokens && !*spent;
        *spent |= fails;
        !fails
    })
}

/// The budgets that were recorded.
fn recorded(bench: &Bench, root: &Path) -> Vec<u64> {
    let files = bench.files(root, "plans").into_iter();
    let records = files.filter(|path| path.to_string_lossy().contains("-memory-"));
    let budget = |path: std::path::PathBuf| -> u64 {
        let record = crate::storage::read(&path, 1000).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["token_budget"].as_u64().unwrap()
    };
    records.map(budget).collect()
}

#[test]
fn a_budget_that_does_not_fit_is_halved_and_stays_so_whatever_stops_the_run() {
    for (budget, fits, reduced) in cases() {
        let bench = with_budget(budget);
        for says in [Says::Panics, Says::Typed] {
            let (root, bits) = whole(&bench, (&fits(), says));
            let budgets: Vec<_> = recorded(&bench, root.path());
            assert_eq!(budgets, reduced.iter().map(|b| *b as u64).collect::<Vec<_>>());
            let stopped = tempfile::tempdir().unwrap();
            run_with_stops(&bench, stopped.path(), 1, (&fits(), says));
            assert_eq!(bench.bits(stopped.path()), bits, "{budget} {reduced:?} {says:?}");
            assert_eq!(recorded(&bench, stopped.path()), budgets);
        }
    }
}

#[test]
fn a_batch_that_did_not_fit_once_is_no_more_tried_whole() {
    let bench = with_budget(200);
    for tokens in [200, 168, 192, 160] {
        let never: Fits = Arc::new(move |batch| batch.len() != tokens);
        let (_, expected) = whole(&bench, (&never, Says::Typed));
        let (root, bits) = whole(&bench, (&once(tokens), Says::Panics));
        assert_eq!(bits, expected, "{tokens}");
        assert_eq!(recorded(&bench, root.path()), [100]);
    }
}

#[test]
fn after_a_batch_did_not_fit_no_larger_one_is_tried_again() {
    let bench = with_budget(200);
    let tried = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&tried);
    let fits: Fits = Arc::new(move |batch| {
        seen.lock().unwrap().push(batch.len());
        batch.len() <= 150
    });
    let observer = StopAfter::never();
    let root = tempfile::tempdir().unwrap();
    run(&bench, root.path(), &observer, 1, (&fits, Says::Typed)).unwrap();
    let tried = tried.lock().unwrap();
    // The batch that waited behind the one that failed may have been begun.
    assert!(tried.iter().filter(|tokens| **tokens > 100).count() <= 2, "{tried:?}");
    let total: usize = bench.sequences.iter().map(ProteinSequence::len).sum();
    assert_eq!(observer.advances().iter().sum::<u64>(), total as u64, "units count once");
    assert_eq!(observer.advances().len(), 4);
}

#[test]
fn a_machine_with_more_memory_goes_on_with_the_same_batches() {
    let bench = with_budget(200);
    let small = (&below(150), Says::Typed);
    let (_, bits) = whole(&bench, small);
    let root = tempfile::tempdir().unwrap();
    // The first unit is committed, and the budget recorded before it.
    let _ = run(&bench, root.path(), &StopAfter::pieces(1), 1, small);
    run_with_stops(&bench, root.path(), 1, (&below(1000), Says::Typed));
    assert_eq!(bench.bits(root.path()), bits);
}

#[test]
fn rows_that_are_there_change_no_other_bit() {
    let mut bench = with_budget(200);
    let all = bench.sequences.clone();
    let device = (&below(150), Says::Panics);
    for some in [0..1, 3..9, 20..24] {
        let bits = [StopAfter::never, || StopAfter::pieces(1)].map(|observer| {
            let root = tempfile::tempdir().unwrap();
            bench.sequences = all[some.clone()].to_vec();
            run(&bench, root.path(), &StopAfter::never(), 1, device).unwrap();
            bench.sequences.clone_from(&all);
            let _ = run(&bench, root.path(), &observer(), 1, device);
            run_with_stops(&bench, root.path(), 1, device);
            bench.bits(root.path())
        });
        assert_eq!(bits[0], bits[1], "{some:?}");
    }
}

#[test]
fn what_does_not_fit_alone_is_named_at_the_end_and_everything_else_is_kept() {
    let bench = with_budget(200);
    let root = tempfile::tempdir().unwrap();
    let observer = StopAfter::never();
    let error = run(&bench, root.path(), &observer, 1, (&below(46), Says::Panics)).unwrap_err();
    // Sequences of 51, 49, 47 and 45 residues have 53, 51, 49 and 47 tokens.
    let Error::OutOfMemory(too_large) = &error else { panic!("{error}") };
    let lengths: Vec<_> = too_large.iter().map(|sequence| sequence.residues).collect();
    assert_eq!(lengths, [51, 49, 47, 45]);
    assert_eq!(too_large[0].digest, bench.sequences[23].digest());
    let digest = |residues: usize| bench.sequences[(residues - 5) / 2].digest();
    let expected = format!(
        "4 sequence(s) do not fit into the memory of the device, each alone: SHA-256 `{}` with 51 \
         residues, SHA-256 `{}` with 49 residues, SHA-256 `{}` with 47 residues, ...; all others are \
         embedded and kept; use a smaller `max_residues`, `long_sequences=window`, or another `device` \
         or `precision`",
        digest(51),
        digest(49),
        digest(47)
    );
    assert_eq!(error.to_string(), expected);
    let store = bench.store(root.path());
    let there = |sequence: &&ProteinSequence| store.contains(&sequence.digest());
    assert_eq!(bench.sequences.iter().filter(there).count(), 20);
    assert!(bench.sequences[..20].iter().all(|sequence| there(&sequence)));
    let keys: Vec<_> = bench.sequences[..20].iter().map(ProteinSequence::digest).collect();
    let before = store.load(&keys).unwrap();

    let error = run(&bench, root.path(), &StopAfter::never(), 1, (&below(50), Says::Typed));
    assert!(matches!(&error, Err(Error::OutOfMemory(too_large)) if too_large.len() == 2));
    // With more memory, or another encoder's bytes, only they are left.
    let report =
        run(&bench, root.path(), &StopAfter::never(), 1, (&below(1000), Says::Typed)).unwrap();
    assert_eq!((report.cached, report.computed), (22, 2));
    assert_eq!(bench.store(root.path()).load(&keys).unwrap(), before, "rows stay as they are");
}

#[test]
fn a_sequence_too_long_by_itself_reduces_nobodys_budget() {
    let mut bench = with_budget(64);
    bench.settings.max_residues = 200;
    bench.sequences.extend(fixture::random_sequences(5, [150]));
    let root = tempfile::tempdir().unwrap();
    let ended = run(&bench, root.path(), &StopAfter::never(), 1, (&below(64), Says::Typed));
    assert!(matches!(ended, Err(Error::OutOfMemory(too_large)) if too_large.len() == 1));
    assert_eq!(recorded(&bench, root.path()), [0_u64; 0]);

    // In windows it fits.
    bench.settings =
        Settings { max_residues: 60, long_sequences: LongSequences::Window, ..bench.settings };
    let report = run(&bench, root.path(), &StopAfter::never(), 1, (&below(64), Says::Typed));
    assert_eq!(report.unwrap().computed, 25);
}

#[test]
#[should_panic(expected = "an index out of bounds")]
fn a_defect_is_no_lack_of_memory() {
    let bench = with_budget(200);
    let root = tempfile::tempdir().unwrap();
    let fits: Fits = Arc::new(|batch| batch.len() == 200 || panic!("an index out of bounds"));
    let _ = run(&bench, root.path(), &StopAfter::never(), 1, (&fits, Says::Typed));
}

#[test]
fn records_hold_for_their_units_and_survive_damage_and_rivals() {
    let bench = with_budget(200);
    let root = tempfile::tempdir().unwrap();
    let store = bench.store(root.path());
    let read = || Budgets::read(&store, "set-200".to_owned(), 200).unwrap();
    let place = |plan, unit| Place { plan, unit };
    let (mut one, mut rival) = (read(), read());
    assert_eq!(one.reduce(&store, place(1, 3), Scope::Unit, 200).unwrap(), 100);
    // Its number is taken; the next is not.
    assert_eq!(rival.reduce(&store, place(1, 5), Scope::Onwards, 120).unwrap(), 100);
    for budgets in [rival, read()] {
        let of = [(1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 0)];
        let of = of.map(|(plan, unit)| budgets.of(place(plan, unit)));
        assert_eq!(of, [200, 100, 200, 100, 100, 100]);
    }
    for record in bench.files(root.path(), "plans") {
        damage(&record, b"{}");
    }
    let mut anew = read();
    assert_eq!(anew.of(place(1, 3)), 200);
    assert_eq!(anew.reduce(&store, place(1, 0), Scope::Onwards, 11).unwrap(), 6);
    assert_eq!(read().of(place(7, 7)), 6);
    assert_eq!(bench.files(root.path(), "plans").len(), 3);
}
