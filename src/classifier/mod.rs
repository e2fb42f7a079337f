//! Classifier: two embeddings in, one logit out, the same bits in either order.

use serde::{Deserialize, Serialize};

/// The shape of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Widths of the hidden layers.
    pub hidden_sizes: Vec<usize>,
    /// The share of activations dropped in training, in [0, 1).
    pub dropout: f64,
}
