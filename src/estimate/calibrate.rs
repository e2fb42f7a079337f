//! Measuring this device: short batches of the encoder, short trainings, one scoring.

mod encoding;
mod learning;

use std::thread;

use super::calibration::{Calibration, CalibrationError};
use super::fit::TokenCost;
use super::model::{parameters, score_flops, train_flops};
use super::shape::EncoderShape;
use crate::classifier;
use crate::device::{ComputeDevice, Precision};
use crate::embeddings::esm2::{Encoder, EncoderError};
use crate::storage::{ScratchFolder, StorageError};
use crate::training;

const SEED: u64 = 1;
/// Seconds for which a term of the fit counts that was not seen: none per token, pair of tokens or
/// pair is faster.
const UNSEEN: f64 = 1e-12;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The encoder cannot be loaded.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// There is no place for the checkpoints of the trainings.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A training failed.
    #[error(transparent)]
    Training(#[from] training::Error),
    /// The result could not be kept.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
}

/// What is measured, and for what settings.
pub struct Subject<'a> {
    /// The encoder.
    pub encoder: &'a Encoder,
    /// The device.
    pub device: &'a ComputeDevice,
    /// The number format of the encoder's forward pass.
    pub precision: Precision,
    /// The shape of the classifier.
    pub classifier: &'a classifier::Settings,
    /// Pairs per training step.
    pub batch_size: usize,
    /// Residues the encoder sees at once.
    pub max_residues: usize,
}

/// Measures a device in about 20 seconds; `scratch` is a folder for what is removed at the end.
pub fn calibrate(
    subject: &Subject<'_>,
    scratch: &ScratchFolder,
) -> Result<Calibration, CalibrateError> {
    let config = subject.encoder.config();
    let shape = EncoderShape::of(config, &config.shape_name());
    let cost = TokenCost::fit(&encoding::times(subject)?);
    let hidden = &subject.classifier.hidden_sizes;
    let steps = learning::step_times(subject, shape.width, scratch)?;
    let scored = learning::scoring_time(subject, shape.width);
    // A term that was not seen is as good as none, and a rate must be finite.
    let rate = |flops: f64, seconds: f64| flops / seconds.max(UNSEEN);
    let calibration = Calibration {
        schema: Calibration::schema(),
        engine: Calibration::engine(&subject.device.name, subject.precision),
        threads: threads(),
        shape: shape.shape_name(),
        width: shape.width,
        linear: rate(shape.linear_flops(), cost.token),
        attention: rate(shape.attention_flops(), cost.pair),
        sequence: cost.sequence / shape.layers as f64,
        step: steps.alone,
        parameter: (steps.fixed - steps.alone).max(0.0) / parameters(shape.width, hidden),
        train: rate(train_flops(shape.width, hidden), steps.pair),
        score: rate(score_flops(hidden), scored),
    };
    Ok(calibration)
}

/// The threads that compute here.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
