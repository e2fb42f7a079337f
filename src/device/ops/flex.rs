//! The operations in pure Rust: matrix products of flex, everything between them in one pass over
//! the rows, on all threads.

use burn::backend::Flex;
use burn::backend::flex::ops::cat::cat;
use burn::backend::flex::ops::matmul::matmul;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, TensorData};
use rayon::prelude::*;

use super::attention::Batch;
use super::{EncoderOps, Lengths, simd};

impl EncoderOps for Flex {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        with_bias(matmul(x, weight), &bias, simd::add)
    }

    fn linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        with_bias(matmul(x, weight), &bias, simd::add_gelu)
    }

    fn linear_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mut states: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let product = matmul(x, weight);
        let (product, bias) = (product.storage::<f32>(), bias.storage::<f32>());
        let width = bias.len();
        let rows = states.storage_mut::<f32>().par_chunks_mut(width);
        rows.zip(product.par_chunks(width)).for_each(|(row, x)| simd::add_both(row, x, bias));
        states
    }

    fn pairs_are_neighbours(_: FloatTensor<Self>) -> bool {
        false
    }

    fn rotations(
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        _: usize,
    ) -> FloatTensor<Self> {
        cat(vec![cos, sin], 1)
    }

    fn attention(
        qkv: FloatTensor<Self>,
        rotations: FloatTensor<Self>,
        heads: usize,
        lengths: Lengths,
    ) -> FloatTensor<Self> {
        let width = qkv.layout().shape()[1] / 3;
        let (rows, rotations) = (qkv.storage::<f32>(), rotations.storage::<f32>());
        let attended = Batch { rows, rotations, heads, width }.attend(&lengths);
        FlexTensor::from_data(TensorData::new(attended, [lengths.tokens(), width]))
    }
}

/// Applies `f` to each row of `x`, `[rows, width]`, and the bias.
fn with_bias(mut x: FlexTensor, bias: &FlexTensor, f: fn(&mut [f32], &[f32])) -> FlexTensor {
    debug_assert_eq!(x.dtype(), DType::F32, "flex computes in 32-bit floating point");
    let bias = bias.storage::<f32>();
    x.storage_mut::<f32>().par_chunks_mut(bias.len()).for_each(|row| f(row, bias));
    x
}
