mod devices;
pub(super) mod fixture;
mod memory;
mod values;

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::device::DeviceChoice;
use crate::progress::Event;
use crate::shutdown::tests::StopAfter;

const BUDGET: usize = 64;
/// Units that a device may have begun when a stop is asked for.
const IN_PROGRESS: usize = 4;

fn settings() -> Settings {
    Settings {
        max_residues: 1022,
        long_sequences: LongSequences::Truncate,
        precision: PrecisionChoice::F32,
        embedding_dtype: EmbeddingDtype::F32,
        token_budget: None,
    }
}

/// An encoder with settings and sequences; each run opens the store of a folder anew.
struct Bench {
    encoder: Encoder,
    device: ComputeDevice,
    settings: Settings,
    sequences: Vec<ProteinSequence>,
}

impl Bench {
    fn new(settings: Settings, sequences: Vec<ProteinSequence>) -> Self {
        let encoder = Encoder::open(&fixture::folder()).unwrap();
        let mut device = crate::device::resolve(DeviceChoice::Cpu).unwrap();
        device.encoder.truncate(1);
        device.token_budget = BUDGET;
        Self { encoder, device, settings, sequences }
    }

    /// 24 sequences of 5 to 51 residues: some ten units.
    fn mixed() -> Self {
        Self::new(settings(), fixture::random_sequences(1, (0..24).map(|i| 5 + 2 * i)))
    }

    fn store(&self, root: &Path) -> EmbeddingStore {
        let space = EmbeddingSpace::new(&self.encoder, &self.settings, Precision::F32);
        EmbeddingStore::open(root, space, "test cpu").unwrap()
    }

    fn run(&self, root: &Path, observer: &StopAfter) -> Result<Report, Error> {
        self.run_on(root, observer, &self.sequences)
    }

    fn run_on(
        &self,
        root: &Path,
        observer: &StopAfter,
        sequences: &[ProteinSequence],
    ) -> Result<Report, Error> {
        let job = self.job(&observer.shutdown, observer);
        embed(&job, &mut self.store(root), &sequences.iter().collect::<Vec<_>>())
    }

    fn job<'a>(&'a self, shutdown: &'a Shutdown, observer: &'a dyn Observer) -> Job<'a> {
        let Self { encoder, device, settings, .. } = self;
        Job { encoder, device, precision: Precision::F32, settings, observer, shutdown }
    }

    /// The bits of every embedding in the order of the sequences.
    fn bits(&self, root: &Path) -> Vec<u32> {
        let keys: Vec<_> = self.sequences.iter().map(ProteinSequence::digest).collect();
        self.store(root).load(&keys).unwrap().into_iter().map(f32::to_bits).collect()
    }

    /// The files of a part of the store's folder.
    fn files(&self, root: &Path, part: &str) -> Vec<std::path::PathBuf> {
        let space = EmbeddingSpace::new(&self.encoder, &self.settings, Precision::F32);
        let folder = root.join("v1").join(space.id()).join(part);
        let names = crate::storage::list(&folder).unwrap();
        names.into_iter().map(|name| folder.join(name)).collect()
    }

    /// A store that an uninterrupted run has filled, and the residues of its units.
    fn uninterrupted(&self) -> (TempDir, Vec<u64>) {
        let root = tempfile::tempdir().unwrap();
        let observer = StopAfter::never();
        let report = self.run(root.path(), &observer).unwrap();
        assert_eq!(report.cached, 0);
        (root, observer.advances())
    }
}

/// The finished and the total residues that an observer was told at the start.
fn started(observer: &StopAfter) -> Option<(u64, u64)> {
    observer.events().into_iter().find_map(|event| match event {
        Event::Started { done, total, .. } => Some((done, total)),
        _ => None,
    })
}

fn damage(path: &Path, bytes: &[u8]) {
    crate::storage::write_atomic(path, bytes).unwrap();
}

#[test]
fn a_run_interrupted_after_any_unit_goes_on_where_it_stopped() {
    let bench = Bench::mixed();
    let (whole, units) = bench.uninterrupted();
    let total: u64 = bench.sequences.iter().map(|sequence| sequence.len() as u64).sum();
    assert!(units.len() > 8 && units.iter().sum::<u64>() == total, "{units:?}");
    for stop in 0..units.len() {
        let root = tempfile::tempdir().unwrap();
        let first = StopAfter::pieces(stop);
        let ended = bench.run(root.path(), &first);
        // What was in progress is finished, but nothing is begun any more.
        let done = first.advances().len();
        assert!(done >= stop && done <= stop + IN_PROGRESS * usize::from(stop > 0), "{done}");
        assert_eq!(first.advances(), units[..done]);
        match ended {
            Ok(_) => assert_eq!(done, units.len()),
            Err(error) => assert!(matches!(error, Error::Interrupted), "{error}"),
        }

        let second = StopAfter::never();
        let report = bench.run(root.path(), &second).unwrap();
        assert_eq!(second.advances(), units[done..], "nothing is computed twice");
        if done < units.len() {
            assert_eq!(started(&second), Some((units[..done].iter().sum(), total)));
        }
        assert_eq!(report.cached + report.computed, 24);
        assert_eq!(bench.bits(root.path()), bench.bits(whole.path()), "stopped after {stop}");

        let third = StopAfter::never();
        let report = bench.run(root.path(), &third).unwrap();
        assert_eq!((report.cached, report.computed), (24, 0));
        assert_eq!(third.events(), [], "a filled store needs no encoder");
    }
}

#[test]
fn a_run_interrupted_after_every_unit_ends_with_the_same_bits() {
    let bench = Bench::mixed();
    let (whole, units) = bench.uninterrupted();
    let root = tempfile::tempdir().unwrap();
    let mut computed = Vec::new();
    loop {
        let observer = StopAfter::pieces(1);
        let ended = bench.run(root.path(), &observer);
        computed.extend(observer.advances());
        match ended {
            Err(Error::Interrupted) => assert!(computed.len() < units.len()),
            ended => {
                assert!(ended.is_ok());
                break;
            }
        }
    }
    assert_eq!(computed, units);
    assert_eq!(bench.bits(root.path()), bench.bits(whole.path()));
    assert_eq!(bench.files(root.path(), "plans").len(), 1);
}

#[test]
fn accessions_with_one_sequence_are_computed_once() {
    let mut bench = Bench::mixed();
    let again = bench.sequences[..10].to_vec();
    bench.sequences.extend(again);
    let observer = StopAfter::never();
    let root = tempfile::tempdir().unwrap();
    let report = bench.run(root.path(), &observer).unwrap();
    assert_eq!((report.total, report.computed), (24, 24));
    let residues: usize = bench.sequences[..24].iter().map(ProteinSequence::len).sum();
    assert_eq!(observer.advances().iter().sum::<u64>(), residues as u64);
    let bits = bench.bits(root.path());
    assert_eq!(bits[24 * 32..], bits[..10 * 32]);
}

#[test]
fn the_plan_written_first_holds_when_another_run_fills_the_store_between() {
    let bench = Bench::mixed();
    let (_whole, units) = bench.uninterrupted();
    let root = tempfile::tempdir().unwrap();
    let first = StopAfter::pieces(1);
    bench.run(root.path(), &first).unwrap_err();
    let (done, rest) = units.split_at(first.advances().len());
    // The shortest sequences, which fill the last unit but for one.
    let others: Vec<_> = bench.sequences[1..4].to_vec();
    bench.run_on(root.path(), &StopAfter::never(), &others).unwrap();

    let observer = StopAfter::never();
    let report = bench.run(root.path(), &observer).unwrap();
    assert_eq!(observer.advances(), rest, "units are computed whole");
    assert_eq!(report.cached + report.computed, report.total);
    let (told, total) = started(&observer).unwrap();
    assert_eq!(told, done.iter().sum::<u64>(), "what is computed again is not done");
    assert_eq!(total, units.iter().sum::<u64>());
}

#[test]
fn rows_lost_after_the_plan_get_a_plan_of_their_own() {
    let bench = Bench::mixed();
    let root = tempfile::tempdir().unwrap();
    let early: Vec<_> = bench.sequences[10..20].to_vec();
    bench.run_on(root.path(), &StopAfter::never(), &early).unwrap();
    let shard = bench.files(root.path(), "shards").remove(0);
    bench.run(root.path(), &StopAfter::never()).unwrap();
    damage(&shard, b"damaged");

    let mut computed = Vec::new();
    loop {
        let observer = StopAfter::pieces(1);
        let ended = bench.run(root.path(), &observer);
        computed.extend(observer.advances());
        if ended.is_ok() {
            break;
        }
    }
    let lost: u64 = early.iter().map(|sequence| sequence.len() as u64).sum();
    assert_eq!(computed.iter().sum::<u64>(), lost, "only what was lost, each once");
    let plans = bench.files(root.path(), "plans").len();
    assert_eq!(plans, 3, "of the early run, of the run, of what was lost");
}

#[test]
fn a_damaged_plan_is_replaced_by_one_that_later_attempts_follow() {
    let bench = Bench::mixed();
    let (whole, units) = bench.uninterrupted();
    for garbage in [&b"{"[..], b"", b"[]", b"{\"token_budget\":7,\"units\":[]}", b"\xff\xfe"] {
        let root = tempfile::tempdir().unwrap();
        let first = StopAfter::pieces(1);
        bench.run(root.path(), &first).unwrap_err();
        damage(&bench.files(root.path(), "plans")[0], garbage);
        let observer = StopAfter::pieces(1);
        let _ = bench.run(root.path(), &observer);
        let rest = StopAfter::never();
        bench.run(root.path(), &rest).unwrap();
        let computed = [observer.advances(), rest.advances()].concat();
        let left = &units[first.advances().len()..];
        assert_eq!(computed, left, "cut as before, for nothing else came between");
        assert_eq!(bench.bits(root.path()), bench.bits(whole.path()));
    }
}

#[test]
fn another_budget_has_a_plan_of_its_own() {
    let mut bench = Bench::mixed();
    let root = tempfile::tempdir().unwrap();
    let first = StopAfter::pieces(1);
    bench.run(root.path(), &first).unwrap_err();
    bench.settings.token_budget = Some(1);
    let observer = StopAfter::never();
    bench.run(root.path(), &observer).unwrap();
    // The longest sequences are units of their own in both plans.
    let left = 24 - first.advances().len();
    assert_eq!(observer.advances().len(), left, "a smaller budget is obeyed at once");
}
