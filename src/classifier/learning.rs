//! One step of learning: the loss of a batch and its gradients, written out.
//!
//! The network is a chain of a few layers, so that its gradients are a page of formulas. Written
//! out, nothing is recorded and replayed, and a swapped pair changes no bit of them: see
//! `Norm::learn_orders`. A test compares them with those that burn derives by itself.

use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid};

use super::norm::{Norm, Normalized, row};
use super::{Block, PairClassifier};

/// Pairs to learn from.
pub struct Batch {
    /// The embeddings of one protein of each pair, `[pairs, dimension]`.
    pub a: Tensor<2>,
    /// Those of the other one.
    pub b: Tensor<2>,
    /// 1 for pairs that interact, else 0, `[pairs]`.
    pub labels: Tensor<1>,
    /// One multiplier per activation of each hidden layer, `[pairs, width]`: 0 drops it, the others
    /// scale what stays. None without dropout.
    pub masks: Vec<Tensor<2>>,
}

/// What a batch teaches.
pub struct Lesson {
    /// The cross entropy, averaged over the pairs, `[1]`.
    pub loss: Tensor<1>,
    /// The gradients of the loss.
    pub gradients: GradientsParams,
}

impl PairClassifier {
    /// Loss and gradients of `batch`, of at least two pairs; running statistics take it up.
    pub fn learn(&mut self, batch: Batch) -> Lesson {
        let mut masks = batch.masks.into_iter();
        let (mut state, first) = self.learn_first(batch.a, batch.b, masks.next());
        let mut steps = Vec::with_capacity(self.hidden.len());
        for block in &mut self.hidden {
            let (output, step) = block.learn(state, masks.next());
            steps.push(step);
            state = output;
        }
        let logits = linear(&self.output, state.clone());
        let [pairs, _] = logits.dims();
        let labels = batch.labels.reshape([pairs, 1]);

        // Stable for large logits: max(z, 0) - y z + log(1 + exp(-|z|)).
        let loss = relu(logits.clone()) - labels.clone() * logits.clone()
            + logits.clone().abs().neg().exp().log1p();
        let gradient = (sigmoid(logits) - labels) / pairs as f64;

        let mut gradients = GradientsParams::new();
        let mut gradient = linear_backward(&self.output, state, gradient, &mut gradients);
        for (block, step) in self.hidden.iter().zip(steps).rev() {
            gradient = step.backward(block, gradient, &mut gradients);
        }
        first.backward(self, gradient, &mut gradients);
        Lesson { loss: loss.mean(), gradients }
    }

    /// The first layer on both orders of each pair, `[pairs, width]`.
    fn learn_first(
        &mut self,
        a: Tensor<2>,
        b: Tensor<2>,
        mask: Option<Tensor<2>>,
    ) -> (Tensor<2>, FirstStep) {
        let (sums, differences) = (a.clone() + b.clone(), a - b);
        let even = linear(&self.sum, sums.clone());
        let odd = linear(&self.difference, differences.clone());
        let (even, odd) = self.first_norm.learn_orders(even, odd);
        let centre = self.first_norm.scale_and_shift(&even);
        let offset = self.first_norm.scale(&odd);
        let forward = relu(centre.clone() + offset.clone());
        let backward = relu(centre - offset);
        let (up, down) = (forward.clone().sign(), backward.clone().sign());
        let even_slope = drop_out(up.clone() + down.clone(), mask.clone());
        let odd_slope = drop_out(up - down, mask.clone());
        let output = drop_out(forward + backward, mask);
        (output, FirstStep { sums, differences, even, odd, even_slope, odd_slope })
    }
}

/// What the gradients of the first layer need, `[pairs, width]` each.
struct FirstStep {
    /// `a + b`.
    sums: Tensor<2>,
    /// `a - b`.
    differences: Tensor<2>,
    even: Normalized,
    odd: Normalized,
    /// The derivatives of the output with respect to the normalised halves.
    even_slope: Tensor<2>,
    odd_slope: Tensor<2>,
}

impl FirstStep {
    fn backward(
        self,
        network: &PairClassifier,
        gradient: Tensor<2>,
        gradients: &mut GradientsParams,
    ) {
        let norm = &network.first_norm;
        let even = gradient.clone() * self.even_slope;
        let odd = gradient * self.odd_slope;
        let beta = even.clone().sum_dim(0);
        let gamma = even.clone() * self.even.values.clone() + odd.clone() * self.odd.values.clone();
        let gamma = gamma.sum_dim(0);
        register(gradients, norm, &beta, &gamma);
        let even = self.even.backward(norm, even, Some(beta), gamma.clone());
        let odd = self.odd.backward(norm, odd, None, gamma);
        weights_backward(&network.sum, self.sums, even, gradients);
        weights_backward(&network.difference, self.differences, odd, gradients);
    }
}

impl Block {
    /// The layer's output for `input`, `[pairs, inputs]`.
    fn learn(&mut self, input: Tensor<2>, mask: Option<Tensor<2>>) -> (Tensor<2>, BlockStep) {
        let normalized = self.norm.learn(linear(&self.linear, input.clone()));
        let activated = relu(self.norm.scale_and_shift(&normalized));
        let slope = drop_out(activated.clone().sign(), mask.clone());
        (drop_out(activated, mask), BlockStep { input, normalized, slope })
    }
}

/// What the gradients of a hidden layer need.
struct BlockStep {
    /// `[pairs, inputs]`.
    input: Tensor<2>,
    normalized: Normalized,
    /// The derivative of the output with respect to the activation's input, `[pairs, width]`.
    slope: Tensor<2>,
}

impl BlockStep {
    /// The gradient of the layer's input from that of its output.
    fn backward(
        self,
        block: &Block,
        gradient: Tensor<2>,
        gradients: &mut GradientsParams,
    ) -> Tensor<2> {
        let gradient = gradient * self.slope;
        let beta = gradient.clone().sum_dim(0);
        let gamma = (gradient.clone() * self.normalized.values.clone()).sum_dim(0);
        register(gradients, &block.norm, &beta, &gamma);
        let gradient = self.normalized.backward(&block.norm, gradient, Some(beta), gamma);
        linear_backward(&block.linear, self.input, gradient, gradients)
    }
}

fn register(gradients: &mut GradientsParams, norm: &Norm, beta: &Tensor<2>, gamma: &Tensor<2>) {
    let width = beta.dims()[1];
    for (parameter, gradient) in [(&norm.beta, beta), (&norm.gamma, gamma)] {
        gradients.register(parameter.id, gradient.clone().reshape([width]));
    }
}

/// `x W + c`.
fn linear(layer: &Linear, input: Tensor<2>) -> Tensor<2> {
    let product = input.matmul(layer.weight.val());
    match &layer.bias {
        Some(bias) => product + row(bias),
        None => product,
    }
}

/// The gradient of a linear layer's input; those of its parameters are registered.
fn linear_backward(
    layer: &Linear,
    input: Tensor<2>,
    gradient: Tensor<2>,
    gradients: &mut GradientsParams,
) -> Tensor<2> {
    let input_gradient = gradient.clone().matmul(layer.weight.val().transpose());
    weights_backward(layer, input, gradient, gradients);
    input_gradient
}

/// Registers the gradients of a linear layer's parameters.
fn weights_backward(
    layer: &Linear,
    input: Tensor<2>,
    gradient: Tensor<2>,
    gradients: &mut GradientsParams,
) {
    if let Some(bias) = &layer.bias {
        let width = gradient.dims()[1];
        gradients.register(bias.id, gradient.clone().sum_dim(0).reshape([width]));
    }
    gradients.register(layer.weight.id, input.transpose().matmul(gradient));
}

fn drop_out(state: Tensor<2>, mask: Option<Tensor<2>>) -> Tensor<2> {
    match mask {
        Some(mask) => state * mask,
        None => state,
    }
}
