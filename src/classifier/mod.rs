//! Classifier: two embeddings in, one logit out, the same bits in either order.
//!
//! A multilayer perceptron (Linear, BatchNorm, ReLU, Dropout) whose first layer sees the pair in
//! both orders. With `L` and `R` the two halves of that layer and `a`, `b` the embeddings:
//!
//! ```text
//! forward  = L a + R b + c        backward = L b + R a + c
//! hidden   = relu(norm(forward)) + relu(norm(backward))        then Dropout and the next layers
//! ```
//!
//! The sum of the two orders is symmetric in itself: addition of two floating-point numbers does
//! not depend on their order, so swapping the proteins changes no bit of the logit. `L x` and
//! `R x` depend on one protein only ([`PairClassifier::halves`]), so that scoring all against all
//! computes them once per protein; a pair then costs additions and the later, narrower layers.
//! The price of symmetry is paid in training: both halves of the first layer are applied to both
//! proteins of a pair, twice the arithmetic of a layer on concatenated embeddings.

mod parameters;
mod scoring;
mod standardizer;
pub mod tensor_file;

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

pub use parameters::{
    NamedTensors, ParameterError, ParameterPath, initialize, load, named_tensors,
};
pub use scoring::{EmbeddingTable, embedding_table, score};
pub use standardizer::Standardizer;

/// The shape of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Widths of the hidden layers.
    pub hidden_sizes: Vec<usize>,
    /// The share of activations dropped in training, in [0, 1).
    pub dropout: f64,
}

impl Settings {
    /// How many numbers the parameters of a network for embeddings of length `dimension` are,
    /// the running statistics of its normalisations included.
    pub fn parameters(&self, dimension: usize) -> u64 {
        // Weight, bias, mean and variance of the normalisation.
        const NORM: u64 = 4;
        // The first layer has a half for each protein.
        let mut inputs = 2 * dimension as u64;
        let mut parameters = 0;
        for width in self.hidden_sizes.iter().map(|width| *width as u64) {
            parameters += width * (inputs + 1 + NORM);
            inputs = width;
        }
        parameters + inputs + 1
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct PairClassifier {
    left: Linear,
    right: Linear,
    first_norm: BatchNorm,
    hidden: Vec<Block>,
    output: Linear,
}

/// A hidden layer after the first.
#[derive(Module, Debug)]
struct Block {
    linear: Linear,
    norm: BatchNorm,
}

/// What a protein contributes to the first layer, `[proteins, width]` each.
#[derive(Clone, Debug)]
pub struct Halves {
    /// `L x + c`.
    pub left: Tensor<2>,
    /// `R x`.
    pub right: Tensor<2>,
}

impl Halves {
    /// The `length` rows from `start` on.
    #[must_use]
    pub fn rows(&self, start: usize, length: usize) -> Self {
        let take = |half: &Tensor<2>| half.clone().narrow(0, start, length);
        Self { left: take(&self.left), right: take(&self.right) }
    }

    /// The rows of `proteins`, in that order.
    #[must_use]
    pub fn select(&self, proteins: Tensor<1, burn::tensor::Int>) -> Self {
        let left = self.left.clone().select(0, proteins.clone());
        Self { left, right: self.right.clone().select(0, proteins) }
    }
}

/// One multiplier per activation of each hidden layer, `[pairs, width]`: 0 drops it, the others
/// scale what stays.
pub type DropoutMasks = Vec<Tensor<2>>;

impl PairClassifier {
    /// A network for embeddings of length `dimension` on `device`; the weights are burn's lazy
    /// defaults until [`initialize`] or [`load`] gives them values.
    pub fn new(dimension: usize, settings: &Settings, device: &Device) -> Self {
        let widths = &settings.hidden_sizes;
        let first = widths[0];
        let half = LinearConfig::new(dimension, first);
        let hidden = widths.windows(2).map(|pair| Block {
            linear: LinearConfig::new(pair[0], pair[1]).init(device),
            norm: BatchNormConfig::new(pair[1]).init(device),
        });
        Self {
            left: half.clone().init(device),
            right: half.with_bias(false).init(device),
            first_norm: BatchNormConfig::new(first).init(device),
            hidden: hidden.collect(),
            output: LinearConfig::new(widths[widths.len() - 1], 1).init(device),
        }
    }

    /// What each of `proteins`, `[n, dimension]`, contributes to the first layer.
    pub fn halves(&self, proteins: Tensor<2>) -> Halves {
        let left = self.left.forward(proteins.clone());
        Halves { left, right: self.right.forward(proteins) }
    }

    /// The logits of pairs, `[pairs]`. `masks` is empty outside training.
    pub fn forward(&self, a: Halves, b: Halves, masks: DropoutMasks) -> Tensor<1> {
        let [pairs, _] = a.left.dims();
        // [2 pairs, width]: one normalisation over both orders.
        let orders = Tensor::cat(vec![a.left + b.right, b.left + a.right], 0);
        let orders = relu(self.first_norm.forward(orders));
        let sum = orders.clone().narrow(0, 0, pairs) + orders.narrow(0, pairs, pairs);
        let mut masks = masks.into_iter();
        let mut state = drop_out(sum, masks.next());
        for block in &self.hidden {
            let activated = relu(block.norm.forward(block.linear.forward(state)));
            state = drop_out(activated, masks.next());
        }
        self.output.forward(state).reshape([pairs])
    }
}

fn drop_out(state: Tensor<2>, mask: Option<Tensor<2>>) -> Tensor<2> {
    match mask {
        Some(mask) => state * mask,
        None => state,
    }
}

#[cfg(test)]
mod tests;
