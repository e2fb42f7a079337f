use std::path::Path;
use std::sync::Mutex;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::checkpoint::Checkpoint;
use super::*;
use crate::classifier::tensor_file;
use crate::shutdown::tests::StopAfter;

const DIMENSION: usize = 6;
const PROTEINS: u32 = 40;

/// A training problem that takes milliseconds: proteins of two kinds interact with their like.
pub(super) struct Bench {
    pub(super) settings: Settings,
    pub(super) classifier: classifier::Settings,
    table: Tensor<2>,
    train: Vec<Example>,
    validation: Vec<Example>,
    pin: Option<Digest>,
}

/// A run of this name.
pub(super) fn run_of(name: &str) -> RunIdentity {
    RunIdentity { id: name.to_owned(), digest: Digest::of(name.as_bytes()) }
}

impl Bench {
    /// Three epochs of three steps, the last of 17 pairs, with dropout.
    pub(super) fn new() -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let kind = |protein: u32| if protein.is_multiple_of(2) { 0.7_f32 } else { -0.7 };
        let values = (0..PROTEINS).flat_map(|protein| [kind(protein); DIMENSION]);
        let values: Vec<f32> = values.map(|mean| mean + random.random_range(-1.0..1.0)).collect();
        let shape = [PROTEINS as usize, DIMENSION];
        let mut pairs = |n: usize| -> Vec<Example> {
            let mut protein = || random.random_range(0..PROTEINS);
            let pairs = (0..n).map(|_| (protein(), protein()));
            let example = |(left, right): (u32, u32)| Example {
                left,
                right,
                label: (left + right).is_multiple_of(2),
            };
            pairs.map(example).collect()
        };
        Self {
            settings: Settings {
                epochs: 3,
                batch_size: 16,
                learning_rate: 0.01,
                patience: 0,
                checkpoint_seconds: 86_400,
                on_bad_checkpoint: OnBadCheckpoint::Fail,
                seed: 11,
            },
            classifier: classifier::Settings { hidden_sizes: vec![5, 4], dropout: 0.25 },
            table: Tensor::from_data(TensorData::new(values, shape), &crate::device::cpu()),
            train: pairs(49),
            validation: pairs(30),
            pin: Some(Digest::of(b"shards")),
        }
    }

    pub(super) fn run(&self, root: &Path, observer: &StopAfter) -> Result<Outcome, Error> {
        let checkpoints = CheckpointFolder::open(root, &run_of("run"), None).unwrap();
        self.run_in(&checkpoints, observer)
    }

    pub(super) fn run_in(
        &self,
        checkpoints: &CheckpointFolder,
        observer: &StopAfter,
    ) -> Result<Outcome, Error> {
        self.run_watched(checkpoints, observer, &observer.shutdown)
    }

    fn run_watched(
        &self,
        checkpoints: &CheckpointFolder,
        observer: &dyn Observer,
        shutdown: &Shutdown,
    ) -> Result<Outcome, Error> {
        train(&Job {
            settings: &self.settings,
            classifier: &self.classifier,
            table: self.table.clone(),
            engine: "test cpu",
            pin: self.pin,
            train: &self.train,
            validation: &self.validation,
            checkpoints,
            gives_model: true,
            observer,
            shutdown,
        })
    }

    pub(super) fn uninterrupted(&self) -> End {
        let root = tempfile::tempdir().unwrap();
        let outcome = self.run(root.path(), &StopAfter::never()).unwrap();
        assert!(outcome.complete);
        let end = End::of(root.path(), outcome);
        assert_eq!(end.checkpoint.saved.pin, self.pin);
        end
    }
}

/// Everything that a run ends with, comparable to the last bit.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    parameters: Vec<u8>,
    history: Vec<EpochRecord>,
    best_epoch: Option<usize>,
    /// Also holds the last parameters and the moments of Adam.
    checkpoint: Checkpoint,
}

impl End {
    pub(super) fn of(root: &Path, outcome: Outcome) -> Self {
        let checkpoints = CheckpointFolder::open(root, &run_of("run"), None).unwrap();
        Self {
            parameters: tensor_file::encode(&outcome.parameters, String::new()),
            history: outcome.history,
            best_epoch: outcome.best_epoch,
            checkpoint: checkpoints.newest(OnBadCheckpoint::Fail).unwrap().unwrap(),
        }
    }
}

/// Runs until training ends, interrupted after every `pieces` steps; the steps of each attempt.
fn run_in_pieces(bench: &Bench, root: &Path, pieces: usize) -> (End, Vec<usize>) {
    let mut steps = Vec::new();
    loop {
        let observer = StopAfter::pieces(pieces);
        let outcome = bench.run(root, &observer).unwrap();
        steps.push(observer.advances().len());
        if outcome.complete {
            return (End::of(root, outcome), steps);
        }
    }
}

#[test]
fn training_learns_and_keeps_the_best_epoch() {
    let mut bench = Bench::new();
    bench.settings.epochs = 12;
    let root = tempfile::tempdir().unwrap();
    let observer = StopAfter::never();
    let outcome = bench.run(root.path(), &observer).unwrap();
    let auroc = |epoch: usize| outcome.history[epoch - 1].val_auroc.unwrap();
    let best = outcome.best_epoch.unwrap();
    assert!(auroc(best) > 0.8, "{:?}", outcome.history);
    assert!((1..=12).all(|epoch| auroc(epoch) < auroc(best) || epoch >= best));
    assert_eq!(outcome.history[0].step, 3, "the pair left over joins the step before");
    assert_eq!(observer.advances()[..3], [16, 16, 17]);
}

#[test]
fn a_run_interrupted_at_any_step_ends_with_the_same_bits() {
    let bench = Bench::new();
    let expected = bench.uninterrupted();
    assert!(expected.best_epoch.unwrap() > 1, "the best epoch survives too");
    for stop in 0..=9 {
        let root = tempfile::tempdir().unwrap();
        let first = StopAfter::pieces(stop);
        let outcome = bench.run(root.path(), &first).unwrap();
        assert_eq!((outcome.complete, first.advances().len()), (stop == 9, stop));
        assert_eq!(outcome.history.len(), stop / 3);

        let second = StopAfter::never();
        let outcome = bench.run(root.path(), &second).unwrap();
        assert!(outcome.complete);
        assert_eq!(second.advances().len(), 9 - stop, "no step is repeated");
        assert_eq!(End::of(root.path(), outcome), expected, "stopped after step {stop}");
    }
}

#[test]
fn checkpoints_at_other_moments_change_no_bit() {
    let mut bench = Bench::new();
    let expected = bench.uninterrupted();
    bench.settings.checkpoint_seconds = 0;
    let root = tempfile::tempdir().unwrap();
    let observer = Counting { root: root.path(), seen: Mutex::default() };
    let checkpoints = CheckpointFolder::open(root.path(), &run_of("run"), None).unwrap();
    let outcome = bench.run_watched(&checkpoints, &observer, &Shutdown::default()).unwrap();
    let seen = observer.seen.into_inner().unwrap();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8], "saved after every step and every epoch");
    assert_eq!(End::of(root.path(), outcome), expected);
}

/// Sees, at each step, after how many steps the newest checkpoint was written.
struct Counting<'a> {
    root: &'a Path,
    seen: Mutex<Vec<u64>>,
}

impl Observer for Counting<'_> {
    fn observe(&self, event: Event) {
        if matches!(event, Event::Advanced { .. }) {
            let files = crate::storage::list(&self.root.join("runs/run")).unwrap();
            let newest = files.last().map_or(0, |file| file[..12].parse().unwrap());
            self.seen.lock().unwrap().push(newest);
        }
    }
}

#[test]
fn a_run_interrupted_again_and_again_ends_with_the_same_bits() {
    let bench = Bench::new();
    let expected = bench.uninterrupted();
    for pieces in [1, 2, 4] {
        let root = tempfile::tempdir().unwrap();
        let (end, steps) = run_in_pieces(&bench, root.path(), pieces);
        assert_eq!(end, expected, "every {pieces} steps");
        assert_eq!(steps.iter().sum::<usize>(), 9);
    }
}

#[test]
fn a_finished_run_trains_no_more_until_epochs_are_raised() {
    let mut bench = Bench::new();
    bench.settings.epochs = 5;
    let expected = bench.uninterrupted();
    bench.settings.epochs = 2;
    let root = tempfile::tempdir().unwrap();
    bench.run(root.path(), &StopAfter::never()).unwrap();
    let again = StopAfter::never();
    assert!(bench.run(root.path(), &again).unwrap().complete);
    assert_eq!(again.events(), []);

    bench.settings.epochs = 5;
    let longer = StopAfter::never();
    let outcome = bench.run(root.path(), &longer).unwrap();
    assert_eq!(longer.advances().len(), 9);
    assert_eq!(End::of(root.path(), outcome), expected);
}

#[test]
fn a_change_of_what_matters_changes_the_result() {
    let expected = Bench::new().uninterrupted().parameters;
    let changes: [fn(&mut Bench); 3] = [
        |bench| bench.settings.seed += 1,
        |bench| bench.classifier.dropout = 0.5,
        |bench| bench.settings.learning_rate = 0.02,
    ];
    for change in changes {
        let mut bench = Bench::new();
        change(&mut bench);
        assert_ne!(bench.uninterrupted().parameters, expected);
    }
}

#[test]
fn undefined_validation_scores_resume_like_any_other() {
    let mut bench = Bench::new();
    bench.validation.iter_mut().for_each(|pair| pair.label = true);
    let expected = bench.uninterrupted();
    assert_eq!((expected.history[0].val_auroc, expected.best_epoch), (None, Some(1)));
    let root = tempfile::tempdir().unwrap();
    assert_eq!(run_in_pieces(&bench, root.path(), 2).0, expected);
}

#[test]
fn patience_counts_on_after_an_interruption() {
    let mut bench = Bench::new();
    bench.settings = Settings { epochs: 40, patience: 2, ..bench.settings };
    let expected = bench.uninterrupted();
    let epochs = expected.history.len();
    assert!(epochs < 40 && expected.best_epoch == Some(epochs - 2));
    let root = tempfile::tempdir().unwrap();
    assert_eq!(run_in_pieces(&bench, root.path(), 5).0, expected);
}

#[test]
fn a_diverging_loss_is_an_error_that_says_so() {
    let cases = [
        // In the middle of an epoch; at its end, where validation shows it, or only the next one.
        (16, 30, 1e38, StopAfter::never()),
        (49, 30, 1e38, StopAfter::never()),
        (49, 0, 1e38, StopAfter::never()),
        // In the step after which a checkpoint is asked for.
        (16, 30, 1e39, StopAfter::pieces(1)),
    ];
    for (batch_size, validation, learning_rate, observer) in cases {
        let mut bench = Bench::new();
        bench.settings = Settings { batch_size, learning_rate, epochs: 9, ..bench.settings };
        bench.validation.truncate(validation);
        let root = tempfile::tempdir().unwrap();
        let error = bench.run(root.path(), &observer).unwrap_err();
        assert!(matches!(error, Error::Diverged { .. }), "{error}");
        assert!(error.to_string().contains("use a smaller `learning_rate`"), "{error}");
    }
}
