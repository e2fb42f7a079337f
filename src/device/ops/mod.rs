//! The operations of the encoder, each as the backend at hand does it best.
//!
//! A backend extension of burn: one trait, implemented for flex (`flex.rs`: one pass over the rows
//! between two matrix products, vectorised, on all threads) and for libtorch (`libtorch.rs`: its
//! fused attention, GELU in place, oneDNN's matrix products on the CPU). Callers see burn's tensors.
//!
//! Sequences of a batch lie one behind the other, `[tokens, width]`, and no operation knows
//! padding; attention looks at one sequence, or at neighbours of one length, at a time.

mod attention;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "tch")]
mod libtorch;
mod simd;

use std::ops::Range;
use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};

use super::Precision;

/// The lengths in tokens of the sequences of a batch, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths(Arc<[usize]>);

impl From<&[usize]> for Lengths {
    fn from(lengths: &[usize]) -> Self {
        Self(lengths.into())
    }
}

impl Lengths {
    /// Tokens in all.
    pub fn tokens(&self) -> usize {
        self.0.iter().sum()
    }

    /// Where each sequence lies.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().scan(0, |start, length| {
            let begin = *start;
            *start += length;
            Some(begin..*start)
        })
    }

    /// Runs of neighbouring sequences of one length: start, sequences, length.
    #[cfg(feature = "tch")]
    fn equal_runs(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut start = 0;
        self.0.chunk_by(|one, other| one == other).map(move |run| {
            let begin = start;
            start += run.len() * run[0];
            (begin, run.len(), run[0])
        })
    }
}

/// What backends do in their own way. States are `[tokens, width]` in 32 bits, weights
/// `[inputs, outputs]` and everything else in the format of the weights.
#[backend_extension(LibTorch: cfg(feature = "tch"), Flex: cfg(feature = "flex"))]
pub trait EncoderOps: Backend {
    /// `x W + b`.
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// `gelu(x W + b)`, exact.
    fn linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// `states + (x W + b)`.
    fn linear_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        states: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Whether the two values that are rotated together lie side by side in a head, rather than
    /// half a head apart.
    fn pairs_are_neighbours(of: FloatTensor<Self>) -> bool;

    /// Cosines and sines, `[tokens, half a head]` in 32 bits, as `attention` takes them.
    fn rotations(cos: FloatTensor<Self>, sin: FloatTensor<Self>, heads: usize)
    -> FloatTensor<Self>;

    /// Attention inside each sequence with rotary positions.
    fn attention(
        qkv: FloatTensor<Self>,
        rotations: FloatTensor<Self>,
        heads: usize,
        lengths: Lengths,
    ) -> FloatTensor<Self>;
}

/// An affine layer on a device.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[inputs, outputs]`.
    weight: Tensor<2>,
    bias: Tensor<1>,
}

impl Linear {
    /// A layer from its weight, `[outputs, inputs]`, and bias, that computes in `precision`.
    pub fn new(weight: TensorData, bias: TensorData, precision: Precision, on: &Device) -> Self {
        let options = || (on, precision.dtype().into());
        let weight = Tensor::<2>::from_data(weight, options()).transpose();
        Self { weight, bias: Tensor::from_data(bias, options()) }
    }

    /// `x W + b`, `[rows, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let Self { weight, bias } = self.clone();
        let [x, weight] = [x, weight].map(Tensor::into_dispatch);
        Tensor::from_dispatch(Dispatch::linear(x, weight, bias.into_dispatch()))
    }

    /// `gelu(x W + b)` with the exact GELU (Hendrycks and Gimpel 2016), `[rows, outputs]`.
    pub fn forward_gelu(&self, x: Tensor<2>) -> Tensor<2> {
        let Self { weight, bias } = self.clone();
        let [x, weight] = [x, weight].map(Tensor::into_dispatch);
        Tensor::from_dispatch(Dispatch::linear_gelu(x, weight, bias.into_dispatch()))
    }

    /// `states + (x W + b)`, `[rows, outputs]`; `states` are in 32 bits and stay so.
    pub fn forward_add(&self, x: Tensor<2>, states: Tensor<2>) -> Tensor<2> {
        let Self { weight, bias } = self.clone();
        let [x, weight, states] = [x, weight, states].map(Tensor::into_dispatch);
        Tensor::from_dispatch(Dispatch::linear_add(x, weight, bias.into_dispatch(), states))
    }
}

/// Layer normalisation of states in 32 bits, with results in the format to compute in.
#[derive(Clone, Debug)]
pub struct Norm {
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    results: FloatDType,
}

impl Norm {
    /// A normalisation whose variances are raised by `epsilon`.
    pub fn new(
        [gamma, beta]: [TensorData; 2],
        epsilon: f64,
        results: Precision,
        on: &Device,
    ) -> Self {
        let parameter = |data| Tensor::from_data(data, (on, FloatDType::F32.into()));
        Self { gamma: parameter(gamma), beta: parameter(beta), epsilon, results: results.dtype() }
    }

    /// The normalised rows of `states`, `[rows, width]`.
    pub fn forward(&self, states: Tensor<2>) -> Tensor<2> {
        let beta = Some(self.beta.clone());
        layer_norm(states, self.gamma.clone(), beta, self.epsilon).cast(self.results)
    }
}

/// The order in which [`attention()`] on a device wants the `size` values of each head of queries and
/// keys, by their places in the published weights: there, values that are rotated together are
/// half a head apart. Scores do not depend on the order, as long as it is the same for both.
pub fn rotary_order(size: usize, on: &Device) -> Vec<usize> {
    let half = size / 2;
    match Dispatch::pairs_are_neighbours(Tensor::<1>::zeros([1], on).into_dispatch()) {
        true => (0..half).flat_map(|place| [place, half + place]).collect(),
        false => (0..size).collect(),
    }
}

/// The rotations of queries and keys, in the form that suits the device.
#[derive(Clone, Debug)]
pub struct Rotations(Tensor<2>);

impl Rotations {
    /// The rotation of every token of a batch: by its place in its sequence times each of
    /// `frequencies`, in radians.
    pub fn new(lengths: &Lengths, frequencies: &[f32], heads: usize, on: &Device) -> Self {
        let longest = lengths.0.iter().copied().max().unwrap_or_default();
        let angles =
            (0..longest).flat_map(|place| frequencies.iter().map(move |f| place as f32 * f));
        let (sin, cos): (Vec<f32>, Vec<f32>) = angles.map(f32::sin_cos).unzip();
        let places = lengths.ranges().flat_map(|range| (0_i64..).take(range.len()));
        let places = places.collect::<Vec<_>>();
        let places = TensorData::new(places, [lengths.tokens()]);
        let places = Tensor::<1, Int>::from_data(places, on);
        let [cos, sin] = [cos, sin].map(|values| {
            let table = TensorData::new(values, [longest, frequencies.len()]);
            Tensor::<2>::from_data(table, on).select(0, places.clone()).into_dispatch()
        });
        Self(Tensor::from_dispatch(Dispatch::rotations(cos, sin, heads)))
    }
}

/// Attention inside each sequence (Vaswani et al. 2017) with rotary positions (Su et al. 2021):
/// from queries, keys and values side by side, `[tokens, 3 width]`, to `[tokens, width]`. Values
/// of queries and keys come in [`rotary_order()`].
pub fn attention(
    qkv: Tensor<2>,
    rotations: &Rotations,
    heads: usize,
    lengths: &Lengths,
) -> Tensor<2> {
    let [qkv, rotations] = [qkv, rotations.0.clone()].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::attention(qkv, rotations, heads, lengths.clone()))
}
