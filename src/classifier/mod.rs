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
//! The layer is stored as `S = (L + R) / 2` and `D = (L - R) / 2`, which gives both orders for the
//! arithmetic of one:
//!
//! ```text
//! even = S (a + b) + c            odd = D (a - b)
//! forward = even + odd            backward = even - odd
//! ```
//!
//! Swapping the proteins changes the sign of `odd` and no other bit: addition of two floating-point
//! numbers does not depend on their order, and rounding not on the sign. The sum of the two orders
//! is therefore symmetric in itself, and so are the gradients that it is trained with
//! ([`PairClassifier::learn`]). `S x` and `D x` depend on one protein only
//! ([`PairClassifier::halves`]), so that scoring all against all computes them once per protein; a
//! pair then costs additions and the later, narrower layers.

mod earlier;
mod learning;
mod norm;
mod parameters;
mod scoring;
mod standardizer;
mod temperature;
pub mod tensor_file;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

pub use earlier::from_left_and_right;
pub use learning::{Batch, Lesson};
use norm::{Norm, row};
pub use parameters::{
    NamedTensors, ParameterError, ParameterPath, initialize, load, named_tensors,
};
pub use scoring::{EmbeddingTable, embedding_table, logits, score};
pub use standardizer::Standardizer;
pub use temperature::{Temperature, TemperatureError};

/// Raised whenever the same pairs, embeddings and settings would give a classifier that differs by
/// more than rounding; runs of different revisions never continue each other.
pub const NUMERICS: u32 = 2;

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
    /// `S`, with the bias `c`.
    sum: Linear,
    /// `D`.
    difference: Linear,
    first_norm: Norm,
    hidden: Vec<Block>,
    output: Linear,
}

/// A hidden layer after the first.
#[derive(Module, Debug)]
struct Block {
    linear: Linear,
    norm: Norm,
}

/// What a protein contributes to the first layer, `[proteins, width]` each.
#[derive(Clone, Debug)]
pub struct Halves {
    /// `S x`.
    pub sum: Tensor<2>,
    /// `D x`.
    pub difference: Tensor<2>,
}

impl Halves {
    /// The rows of `proteins`, in that order.
    #[must_use]
    pub fn select(&self, proteins: Tensor<1, burn::tensor::Int>) -> Self {
        let sum = self.sum.clone().select(0, proteins.clone());
        Self { sum, difference: self.difference.clone().select(0, proteins) }
    }
}

impl PairClassifier {
    /// A network for embeddings of length `dimension` on `device`; the weights are burn's lazy
    /// defaults until [`initialize`] or [`load`] gives them values.
    pub fn new(dimension: usize, settings: &Settings, device: &Device) -> Self {
        let widths = &settings.hidden_sizes;
        let first = widths[0];
        let half = LinearConfig::new(dimension, first);
        let hidden = widths.windows(2).map(|pair| Block {
            linear: LinearConfig::new(pair[0], pair[1]).init(device),
            norm: Norm::new(pair[1], device),
        });
        Self {
            sum: half.clone().init(device),
            difference: half.with_bias(false).init(device),
            first_norm: Norm::new(first, device),
            hidden: hidden.collect(),
            output: LinearConfig::new(widths[widths.len() - 1], 1).init(device),
        }
    }

    /// What each of `proteins`, `[n, dimension]`, contributes to the first layer.
    pub fn halves(&self, proteins: Tensor<2>) -> Halves {
        let sum = proteins.clone().matmul(self.sum.weight.val());
        Halves { sum, difference: proteins.matmul(self.difference.weight.val()) }
    }

    /// The logits of pairs, `[pairs]`, normalised by the running statistics.
    pub fn forward(&self, a: Halves, b: Halves) -> Tensor<1> {
        let [pairs, _] = a.sum.dims();
        let mut even = a.sum + b.sum;
        if let Some(bias) = &self.sum.bias {
            even = even + row(bias);
        }
        let centre = self.first_norm.forward(even);
        let offset = self.first_norm.forward_difference(a.difference - b.difference);
        let mut state = relu(centre.clone() + offset.clone()) + relu(centre - offset);
        for block in &self.hidden {
            state = relu(block.norm.forward(block.linear.forward(state)));
        }
        self.output.forward(state).reshape([pairs])
    }
}

#[cfg(test)]
mod tests;
