//! The operations in pure Rust: matrix products of flex, everything between them in one pass over
//! the rows, on all threads.

use burn::backend::Flex;
use burn::backend::flex::ops::cat::cat;
use burn::backend::flex::ops::matmul::matmul;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, TensorData};
use rayon::prelude::*;

use super::simd::{self, HeadRows};
use super::{EncoderOps, Lengths};

/// Scores computed at a time, in numbers: 4 MiB stay near the cores.
const SCORES: usize = 1 << 20;
/// Queries computed at a time at least: narrower matrix products waste the processor.
const FEWEST_QUERIES: usize = 32;

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
        let (values, tokens) = (qkv.storage::<f32>(), lengths.tokens());
        let rotations = rotations.storage::<f32>();
        let head = width / heads;
        let mut attended = vec![0.0; tokens * width];
        let mut sequences = Vec::new();
        let mut rest = attended.as_mut_slice();
        for range in lengths.ranges() {
            let (own, others) = rest.split_at_mut(range.len() * width);
            rest = others;
            let rotations = &rotations[range.start * head..range.end * head];
            let rows = &values[range.start * 3 * width..range.end * 3 * width];
            sequences.push((Attention { rows, rotations, heads, width, length: range.len() }, own));
        }
        sequences.into_par_iter().for_each(|(sequence, attended)| sequence.attend(attended));
        tensor(attended, [tokens, width])
    }
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Applies `f` to each row of `x`, `[rows, width]`, and the bias.
fn with_bias(mut x: FlexTensor, bias: &FlexTensor, f: fn(&mut [f32], &[f32])) -> FlexTensor {
    debug_assert_eq!(x.dtype(), DType::F32, "flex computes in 32-bit floating point");
    let bias = bias.storage::<f32>();
    x.storage_mut::<f32>().par_chunks_mut(bias.len()).for_each(|row| f(row, bias));
    x
}

/// One sequence: queries, keys and values of all heads, `[length, 3 * width]`.
struct Attention<'a> {
    rows: &'a [f32],
    /// Cosines, then sines, `[length, 2 * half a head]`.
    rotations: &'a [f32],
    heads: usize,
    width: usize,
    length: usize,
}

impl Attention<'_> {
    /// Writes `[length, width]`.
    fn attend(&self, attended: &mut [f32]) {
        let Self { heads, width, length, .. } = *self;
        let head = width / heads;
        let query = self.heads_of(0, |to, from| {
            simd::rotate(to, from, self.rotations, head, 1.0 / (head as f32).sqrt());
        });
        let key = self.heads_of(1, |to, from| {
            simd::rotate(to, from, self.rotations, head, 1.0);
        });
        let value = self.heads_of(2, |to, from| {
            let rows = from.values.chunks(from.stride);
            to.chunks_exact_mut(head).zip(rows).for_each(|(to, row)| {
                to.copy_from_slice(&row[..head]);
            });
        });
        let key = key.transpose(1, 2);
        let queries = (SCORES / (heads * length)).max(FEWEST_QUERIES);
        for (number, attended) in attended.chunks_mut(queries * width).enumerate() {
            let count = attended.len() / width;
            // [heads, count, length]
            let mut scores = matmul(query.narrow(1, number * queries, count), key.clone());
            scores.storage_mut::<f32>().par_chunks_mut(length).for_each(simd::softmax);
            // [heads, count, head]
            let mixed = matmul(scores, value.clone());
            let mixed = mixed.storage::<f32>();
            attended.par_chunks_mut(width).enumerate().for_each(|(row, to)| {
                for (number, to) in to.chunks_exact_mut(head).enumerate() {
                    let start = (number * count + row) * head;
                    to.copy_from_slice(&mixed[start..start + head]);
                }
            });
        }
    }

    /// Queries (0), keys (1) or values (2) by head, `[heads, length, head]`.
    fn heads_of(
        &self,
        part: usize,
        copy: impl Fn(&mut [f32], HeadRows<'_>) + Sync,
    ) -> FlexTensor {
        let Self { heads, width, length, .. } = *self;
        let head = width / heads;
        let mut values = vec![0.0; heads * length * head];
        values.par_chunks_mut(length * head).enumerate().for_each(|(number, to)| {
            let values = &self.rows[part * width + number * head..];
            copy(to, HeadRows { values, stride: 3 * width });
        });
        tensor(values, [heads, length, head])
    }
}
