//! The state of a training run in memory, and its way into and out of a checkpoint.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::checkpoint::Checkpoint;
use super::optimizer::NamedAdam;
use super::schedule::Schedule;
use super::timer::SaveTimer;
use super::{Error, Job, Outcome};
use crate::classifier::{self, Lesson, NamedTensors, PairClassifier};
use crate::digest::Digest;

/// Losses that are read from the device at once.
const UNREAD_LOSSES: usize = 256;

/// What a checkpoint holds besides tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedState {
    /// Backend and device that computed it.
    pub(super) engine: String,
    /// The list of shards that the embeddings came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pin: Option<Digest>,
    /// Steps since the start of training.
    pub(super) step: u64,
    /// Steps since the start of the epoch.
    pub(super) batch: usize,
    /// The loss summed over the pairs of the epoch so far.
    pub(super) loss_sum: f64,
    /// Learning rate, best value, history.
    pub(super) schedule: Schedule,
}

impl SavedState {
    /// Whether training can have left this behind.
    pub(super) fn is_plausible(&self) -> bool {
        // Adam counts steps in 32 bits.
        let counted = i32::try_from(self.step).is_ok() && self.batch as u64 <= self.step;
        counted && self.schedule.is_plausible()
    }
}

/// A training run between two steps.
pub(super) struct State {
    pub(super) device: Device,
    pub(super) model: PairClassifier,
    /// A network without weights, which keeps the place of one that is being updated.
    blank: PairClassifier,
    optimizer: NamedAdam,
    /// The losses of the last steps with the pairs that they are averages of: reading one waits for
    /// the device, so that many are read at once.
    unread: Vec<(Tensor<1>, usize)>,
    pub(super) step: u64,
    pub(super) batch: usize,
    pub(super) loss_sum: f64,
    pub(super) schedule: Schedule,
    /// The parameters of the best epoch; empty before the first is finished.
    pub(super) best: NamedTensors,
    pub(super) timer: SaveTimer,
}

impl State {
    /// The state of the newest usable checkpoint of the run, or a new one.
    pub(super) fn resume_or_new(job: &Job<'_>) -> Result<Self, Error> {
        if let Some(checkpoint) = job.checkpoints.newest(job.settings.on_bad_checkpoint)? {
            return Self::resume(job, checkpoint);
        }
        info!("no checkpoint, starting fresh");
        Ok(Self::new(job))
    }

    fn new(job: &Job<'_>) -> Self {
        let device = job.table.device();
        let [_, dimension] = job.table.dims();
        let blank = || PairClassifier::new(dimension, job.classifier, &device);
        Self {
            model: classifier::initialize(blank(), job.settings.seed, &device),
            blank: blank(),
            device,
            optimizer: NamedAdam::new(),
            unread: Vec::new(),
            step: 0,
            batch: 0,
            loss_sum: 0.0,
            schedule: Schedule::new(job.settings),
            best: NamedTensors::new(),
            timer: SaveTimer::new(
                Duration::from_secs(job.settings.checkpoint_seconds),
                Instant::now(),
            ),
        }
    }

    fn resume(job: &Job<'_>, checkpoint: Checkpoint) -> Result<Self, Error> {
        let Checkpoint { saved, model, best, moments } = checkpoint;
        if saved.engine != job.engine {
            warn!(
                from = saved.engine,
                to = job.engine,
                "continuing on another device: the result is not bit-identical"
            );
        }
        if saved.pin != job.pin {
            warn!(
                "the checkpoint was trained on another list of embedding shards: the result is not \
                 bit-identical"
            );
        }
        let (done, epochs) = (saved.schedule.epochs_done(), job.settings.epochs);
        if done > epochs {
            warn!(
                "the run was trained for {done} epochs before, more than `epochs` = {epochs}: its \
                 model is that of the longer run"
            );
        }
        info!("resumed from step {} (epoch {})", saved.step, saved.schedule.epochs_done() + 1);
        let new = Self::new(job);
        Ok(Self {
            optimizer: NamedAdam::restore(&moments, &model, saved.step, &job.table.device())?,
            model: classifier::load(new.model, &model, &new.device)?,
            blank: new.blank,
            device: new.device,
            unread: new.unread,
            step: saved.step,
            batch: saved.batch,
            loss_sum: saved.loss_sum,
            schedule: saved.schedule,
            best,
            timer: new.timer,
        })
    }

    /// Updates the parameters with what a batch of `pairs` teaches.
    pub(super) fn follow(&mut self, lesson: Lesson, pairs: usize) -> Result<(), Error> {
        let learning_rate = self.schedule.learning_rate();
        // Weights are updated where they lie only if nobody else holds them.
        let place_holder = self.blank.clone();
        let model = std::mem::replace(&mut self.model, place_holder);
        self.model = self.optimizer.step(learning_rate, model, lesson.gradients);
        self.unread.push((lesson.loss, pairs));
        self.step += 1;
        self.batch += 1;
        match self.unread.len() < UNREAD_LOSSES {
            true => Ok(()),
            false => self.read_losses(),
        }
    }

    /// Adds the losses of the last steps up, each of which must be finite.
    pub(super) fn read_losses(&mut self) -> Result<(), Error> {
        let (losses, pairs): (Vec<Tensor<1>>, Vec<usize>) = self.unread.drain(..).unzip();
        if losses.is_empty() {
            return Ok(());
        }
        let first = self.step - losses.len() as u64;
        let losses = Tensor::cat(losses, 0).into_data();
        for (step, (loss, pairs)) in (first..).zip(losses.iter::<f32>().zip(pairs)) {
            if !loss.is_finite() {
                return Err(self.diverged_after(step));
            }
            self.loss_sum += f64::from(loss) * pairs as f64;
        }
        Ok(())
    }

    /// The error that says that training diverged in the last step.
    pub(super) fn diverged(&self) -> Error {
        self.diverged_after(self.step)
    }

    fn diverged_after(&self, step: u64) -> Error {
        Error::Diverged { step, learning_rate: self.schedule.learning_rate() }
    }

    /// Writes a checkpoint and prunes those it supersedes.
    ///
    /// Numbers that are none are never written: reading would take them for damage.
    pub(super) fn save(&mut self, job: &Job<'_>) -> Result<(), Error> {
        let began = Instant::now();
        self.read_losses()?;
        let saved = SavedState {
            engine: job.engine.to_owned(),
            pin: job.pin,
            step: self.step,
            batch: self.batch,
            loss_sum: self.loss_sum,
            schedule: self.schedule.clone(),
        };
        let checkpoint = Checkpoint {
            saved,
            model: classifier::named_tensors(&self.model),
            best: self.best.clone(),
            moments: self.optimizer.tensors(),
        };
        let tensors = checkpoint.model.values().chain(checkpoint.moments.values());
        if tensors.flat_map(|(values, _)| values).any(|value| !value.is_finite()) {
            return Err(self.diverged());
        }
        job.checkpoints.save(&checkpoint)?;
        self.timer.saved(began, Instant::now());
        Ok(())
    }

    pub(super) fn into_outcome(self, complete: bool) -> Outcome {
        let parameters = match self.best.is_empty() {
            true => classifier::named_tensors(&self.model),
            false => self.best,
        };
        let best_epoch = self.schedule.best_epoch();
        Outcome { parameters, best_epoch, history: self.schedule.into_history(), complete }
    }
}
