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

use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::{BinaryCrossEntropyLoss, BinaryCrossEntropyLossConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use tracing::info;

pub use checkpoint::{CheckpointError, CheckpointFolder, RunIdentity};
pub use schedule::{EpochRecord, Goal, METRICS, Metric, Schedule};

use crate::classifier::{self, NamedTensors, PairClassifier, ParameterError};
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
    let loss = BinaryCrossEntropyLossConfig::new().with_logits(true).init(&state.device);
    while state.batch < batches {
        if job.shutdown.requested() {
            return Ok(());
        }
        let start = state.batch * size;
        let end = if state.batch + 1 == batches { order.len() } else { start + size };
        step(job, state, &loss, &order[start..end])?;
        job.observer.observe(Event::Advanced { task, units: (end - start) as u64 });
        // After the last step the epoch's end decides: two checkpoints of one step would differ.
        if state.batch < batches && state.timer.due(Instant::now()) {
            state.save(job)?;
        }
    }
    job.observer.observe(Event::Finished { task });
    Ok(())
}

/// One update of the parameters from the training pairs `batch`.
fn step(
    job: &Job<'_>,
    state: &mut State,
    loss: &BinaryCrossEntropyLoss,
    batch: &[u32],
) -> Result<(), Error> {
    let pairs: Vec<&Example> = batch.iter().map(|index| &job.train[*index as usize]).collect();
    let n = pairs.len();
    let rows = pairs.iter().map(|p| p.left).chain(pairs.iter().map(|p| p.right));
    let rows = integers(rows.map(i64::from).collect(), &job.table.device());
    let labels = integers(pairs.iter().map(|pair| i64::from(pair.label)).collect(), &state.device);
    let proteins = Tensor::from_inner(job.table.clone().select(0, rows));
    let masks = masks::dropout_masks(job.classifier, n, job.settings.seed, state.step);
    let masks = masks.into_iter().map(|mask| Tensor::from_data(mask, &state.device)).collect();

    let halves = state.model.halves(proteins);
    let logits = state.model.forward(halves.rows(0, n), halves.rows(n, n), masks);
    let loss = loss.forward(logits, labels);
    let value: f32 = loss.clone().into_scalar();
    if !value.is_finite() {
        return Err(state.diverged());
    }
    let gradients = GradientsParams::from_grads(loss.backward(), &state.model);
    state.optimize(gradients);
    state.loss_sum += f64::from(value) * n as f64;
    state.step += 1;
    state.batch += 1;
    Ok(())
}

fn integers(values: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// Measures the validation part and lets the schedule decide.
fn finish_epoch(job: &Job<'_>, state: &mut State) -> Result<(), Error> {
    let model: PairClassifier = state.model.valid();
    let pairs = job.validation.iter().map(|pair| (pair.left, pair.right));
    let scores = classifier::score(&model, &job.table, pairs);
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(state.diverged());
    }
    let labels: Vec<bool> = job.validation.iter().map(|pair| pair.label).collect();
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
    info!("{record}");
    if state.schedule.finish_epoch(record) {
        state.best = classifier::named_tensors(&state.model);
    }
    (state.batch, state.loss_sum) = (0, 0.0);
    Ok(())
}

#[cfg(test)]
mod tests;
