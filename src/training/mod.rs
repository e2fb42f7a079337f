//! Training: the loop, its policies and its checkpoints.

use serde::{Deserialize, Serialize};

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
    /// Seeds the initial weights, the order of the pairs and the dropout masks.
    pub seed: u64,
}
