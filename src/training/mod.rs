//! Training: the loop, its policies and its checkpoints.
//!
//! A run is cut into steps, one batch each. What a step does depends only on the parameters, the
//! seed and the step's number, so that a run resumed from a checkpoint continues with the same
//! bits as one that was never interrupted.

mod checkpoint;
mod masks;
mod optimizer;
mod schedule;
mod state;
mod timer;

use std::ops::Range;
use std::time::Instant;

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use tracing::info;

pub use checkpoint::{CheckpointError, CheckpointFolder, RunIdentity};
pub use schedule::{EpochRecord, Goal, METRICS, Metric, Schedule};

use crate::classifier::{self, Batch, NamedTensors, ParameterError};
use crate::dataset::{self, Example};
use crate::digest::Digest;
use crate::evaluation;
use crate::progress::{Event, Observer, Task};
use crate::shutdown::Shutdown;
use state::State;

/// How the classifier is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Passes over the training part.
    pub epochs: usize,
    /// Pairs per step.
    pub batch_size: usize,
    /// The initial step size of Adam.
    pub learning_rate: f64,
    /// Epochs without gain before training stops; 0 never stops early.
    pub patience: usize,
    /// Seconds between two checkpoints within an epoch; with 0 every step is saved.
    pub checkpoint_seconds: u64,
    /// What to do if checkpoints of this run exist and none can be used.
    pub on_bad_checkpoint: OnBadCheckpoint,
    /// Seeds the initial weights, the order of the pairs and the dropout masks.
    pub seed: u64,
}

/// What to do if checkpoints of this run exist and none can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadCheckpoint {
    /// Stop with an error.
    Fail,
    /// Start over.
    Restart,
}

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Checkpoints could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint verified and is of another network all the same.
    #[error("the checkpoint does not fit the classifier: {0}")]
    Parameters(#[from] ParameterError),
    /// The scores of the validation part cannot be measured.
    #[error(transparent)]
    Evaluation(#[from] evaluation::Error),
    /// The loss or a parameter is not a number any more.
    #[error(
        "the training loss is not finite after step {step}; use a smaller `learning_rate` than \
         {learning_rate}"
    )]
    Diverged {
        /// Steps done.
        step: u64,
        /// The learning rate at that step.
        learning_rate: f64,
    },
}

/// Everything a training run needs.
pub struct Job<'a> {
    /// How to fit.
    pub settings: &'a Settings,
    /// What to fit.
    pub classifier: &'a classifier::Settings,
    /// Standardised embeddings, `[proteins, dimension]`.
    pub table: Tensor<2>,
    /// Backend and device by name.
    pub engine: &'a str,
    /// The digest of the list of shards that the table was read from, if the run has pinned one.
    pub pin: Option<Digest>,
    /// Pairs to learn from.
    pub train: &'a [Example],
    /// Pairs that choose the best epoch.
    pub validation: &'a [Example],
    /// Where checkpoints of this run are kept.
    pub checkpoints: &'a CheckpointFolder,
    /// Whether the model of the run comes from here: then the log gets the lines that metric
    /// definitions read.
    pub gives_model: bool,
    /// Told about progress, in pairs.
    pub observer: &'a dyn Observer,
    /// Read between steps.
    pub shutdown: &'a Shutdown,
}

/// What training ended with.
#[derive(Debug)]
pub struct Outcome {
    /// The parameters of the best epoch, or the present ones if no epoch was finished.
    pub parameters: NamedTensors,
    /// The epoch they are of, counted from 1, if one was finished.
    pub best_epoch: Option<usize>,
    /// One record per finished epoch.
    pub history: Vec<EpochRecord>,
    /// Whether training ended by itself rather than by a request to stop.
    pub complete: bool,
}

/// Fits a classifier, starting from the newest usable checkpoint of the run.
///
/// What it returns is saved, and an older attempt of the run returns nothing complete. A crash
/// costs the work of [`Settings::checkpoint_seconds`] at most, and the step or the validation that
/// was under way.
pub fn train(job: &Job<'_>) -> Result<Outcome, Error> {
    let outcome = fit(job)?;
    if outcome.complete {
        job.checkpoints.check_newest()?;
    }
    Ok(outcome)
}

fn fit(job: &Job<'_>) -> Result<Outcome, Error> {
    let mut state = State::resume_or_new(job)?;
    while state.schedule.continues(job.settings) {
        run_epoch(job, &mut state)?;
        if state.batch < batches(job) {
            state.save(job)?;
            return Ok(state.into_outcome(false));
        }
        finish_epoch(job, &mut state)?;
        let stopped = job.shutdown.requested();
        let complete = !state.schedule.continues(job.settings);
        if stopped || complete || state.timer.due_after_epoch(Instant::now()) {
            state.save(job)?;
        }
        if stopped {
            return Ok(state.into_outcome(complete));
        }
    }
    Ok(state.into_outcome(true))
}

/// Steps per epoch. A single pair left over joins the step before, because normalisation over one
/// pair knows no variance.
fn batches(job: &Job<'_>) -> usize {
    job.train.len().saturating_sub(1).div_ceil(job.settings.batch_size).max(1)
}

/// Runs the steps that are left of the present epoch, or stops between two of them on request.
fn run_epoch(job: &Job<'_>, state: &mut State) -> Result<(), Error> {
    let epoch = state.schedule.epochs_done();
    let task = Task::Epoch(epoch + 1);
    let (batches, size) = (batches(job), job.settings.batch_size);
    let order = dataset::epoch_order(job.train.len(), job.settings.seed, epoch as u64);
    let done = (state.batch * size) as u64;
    job.observer.observe(Event::Started { task, done, total: order.len() as u64 });
    let pairs = Pairs::new(job, &order, &state.device);
    while state.batch < batches {
        if job.shutdown.requested() {
            return Ok(());
        }
        let start = state.batch * size;
        let end = if state.batch + 1 == batches { order.len() } else { start + size };
        step(job, state, &pairs, start..end)?;
        job.observer.observe(Event::Advanced { task, units: (end - start) as u64 });
        // After the last step the epoch's end decides: two checkpoints of one step would differ.
        if state.batch < batches && state.timer.due(Instant::now()) {
            state.save(job)?;
        }
    }
    job.observer.observe(Event::Finished { task });
    Ok(())
}

/// The training pairs in the order of an epoch, on the device.
struct Pairs {
    /// Rows of the table, `[pairs]` each.
    left: Tensor<1, Int>,
    right: Tensor<1, Int>,
    /// 1 for pairs that interact, else 0, `[pairs]`.
    labels: Tensor<1>,
}

impl Pairs {
    fn new(job: &Job<'_>, order: &[u32], device: &Device) -> Self {
        let pairs = || order.iter().map(|index| &job.train[*index as usize]);
        let rows = |side: fn(&Example) -> u32| {
            let rows: Vec<i64> = pairs().map(|pair| i64::from(side(pair))).collect();
            Tensor::from_data(TensorData::new(rows, [order.len()]), device)
        };
        let labels: Vec<f32> = pairs().map(|pair| f32::from(u8::from(pair.label))).collect();
        Self {
            left: rows(|pair| pair.left),
            right: rows(|pair| pair.right),
            labels: Tensor::from_data(TensorData::new(labels, [order.len()]), device),
        }
    }
}

/// One update of the parameters from the pairs in `range`.
fn step(job: &Job<'_>, state: &mut State, pairs: &Pairs, range: Range<usize>) -> Result<(), Error> {
    let (start, n) = (range.start, range.len());
    let rows =
        |side: &Tensor<1, Int>| job.table.clone().select(0, side.clone().narrow(0, start, n));
    let masks = masks::dropout_masks(job.classifier, n, job.settings.seed, state.step);
    let batch = Batch {
        a: rows(&pairs.left),
        b: rows(&pairs.right),
        labels: pairs.labels.clone().narrow(0, start, n),
        masks: masks.into_iter().map(|mask| Tensor::from_data(mask, &state.device)).collect(),
    };
    let lesson = state.model.learn(batch);
    state.follow(lesson, n)
}

/// Logs an epoch; metric definitions match only those of the training that gives the model.
fn report(job: &Job<'_>, record: &EpochRecord) {
    if job.gives_model {
        info!("{record}");
        return;
    }
    let auroc = record.val_auroc.map_or("undefined".to_owned(), |auroc| format!("{auroc:.4}"));
    info!("seed {}: epoch {}, validation AUROC {auroc}", job.settings.seed, record.epoch);
}

/// Measures the validation part and lets the schedule decide.
fn finish_epoch(job: &Job<'_>, state: &mut State) -> Result<(), Error> {
    state.read_losses()?;
    let pairs = job.validation.iter().map(|pair| (pair.left, pair.right));
    let scores = classifier::score(&state.model, &job.table, pairs);
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(state.diverged());
    }
    let labels = dataset::labels(job.validation);
    let threshold = evaluation::best_threshold(&scores, &labels).unwrap_or(0.5);
    let metrics = evaluation::metrics(&scores, &labels, threshold)?;
    let record = EpochRecord {
        epoch: state.schedule.epochs_done() + 1,
        step: state.step,
        learning_rate: state.schedule.learning_rate(),
        train_loss: state.loss_sum / job.train.len() as f64,
        val_loss: metrics.log_loss,
        val_auroc: metrics.auroc,
        val_ap: metrics.average_precision,
        val_mcc: metrics.mcc,
    };
    report(job, &record);
    if state.schedule.finish_epoch(record) {
        state.best = classifier::named_tensors(&state.model);
    }
    (state.batch, state.loss_sum) = (0, 0.0);
    Ok(())
}

#[cfg(test)]
mod tests;
