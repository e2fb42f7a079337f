//! Attention of one sequence on the CPU, in 32 bits: every head on its own, vectorised.
//!
//! A few queries at a time meet all keys: their scores, at most some ten kilobytes, never leave the
//! nearest cache, and neither do the weights made of them. Keys are kept transposed, so that a
//! vector holds one value of neighbouring keys; values are kept as they are, so that a vector holds
//! neighbouring values of one key.
#![expect(clippy::inline_always, reason = "instructions are there only in what is inlined")]

use std::array;

use half::bf16;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::Lengths;
use super::simd;

/// Queries that meet the keys at once, and vectors of keys that each then has in registers.
const QUERIES: usize = 8;
const VECTORS: usize = 2;
/// The widest vectors have so many numbers, and all lengths are rounded up to a multiple of what a
/// block of them holds.
const WIDEST: usize = 16;
const BLOCK: usize = VECTORS * WIDEST;

/// A number format that queries, keys and values come in, and that results are given in.
pub(super) trait Number: Copy + Default + Send + Sync {
    /// In 32 bits.
    fn widen(self) -> f32;
    /// From 32 bits, rounded.
    fn narrow(value: f32) -> Self;
}

impl Number for f32 {
    fn widen(self) -> f32 {
        self
    }

    fn narrow(value: f32) -> Self {
        value
    }
}

impl Number for bf16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }

    fn narrow(value: f32) -> Self {
        Self::from_f32(value)
    }
}

/// Queries, keys and values of the sequences of a batch, `[tokens, 3 * width]`, with the cosines
/// and sines that rotate them, `[tokens, size of a head]`.
pub(super) struct Batch<'a, T> {
    pub(super) rows: &'a [T],
    pub(super) rotations: &'a [f32],
    pub(super) heads: usize,
    pub(super) width: usize,
}

impl<T: Number> Batch<'_, T> {
    /// What the tokens of each sequence take from it, `[tokens, width]`.
    pub(super) fn attend(&self, lengths: &Lengths) -> Vec<T> {
        let Self { heads, width, .. } = *self;
        let size = width / heads;
        let mut attended = vec![T::default(); lengths.tokens() * width];
        let mut sequences = Vec::new();
        let mut rest = attended.as_mut_slice();
        for range in lengths.ranges() {
            let (own, others) = rest.split_at_mut(range.len() * width);
            rest = others;
            sequences.push((range, own));
        }
        sequences.into_par_iter().for_each(|(range, attended)| {
            let rows = &self.rows[range.start * 3 * width..range.end * 3 * width];
            let rotations = &self.rotations[range.start * size..range.end * size];
            let by_head: Vec<Vec<f32>> = (0..heads)
                .into_par_iter()
                .map(|head| {
                    let part = |part: usize| HeadRows {
                        values: &rows[part * width + head * size..],
                        stride: 3 * width,
                    };
                    Head::new([0, 1, 2].map(part), rotations, size, range.len()).attend()
                })
                .collect();
            for (row, attended) in attended.chunks_exact_mut(width).enumerate() {
                for (to, from) in attended.chunks_exact_mut(size).zip(&by_head) {
                    let stride = from.len() / range.len();
                    for (to, from) in to.iter_mut().zip(&from[row * stride..][..size]) {
                        *to = T::narrow(*from);
                    }
                }
            }
        });
        attended
    }
}

/// The rows of one head: each begins `stride` values behind the one before, the first at the start
/// of `values`.
struct HeadRows<'a, T> {
    values: &'a [T],
    stride: usize,
}

impl<T: Number> HeadRows<'_, T> {
    /// The first `size` values of each of `rows` rows in 32 bits, filled up with zeros:
    /// `[rows, padded]`.
    fn widened(&self, rows: usize, size: usize, padded: usize) -> Vec<f32> {
        let mut widened = vec![0.0; rows * padded];
        let from = self.values.chunks(self.stride);
        for (to, from) in widened.chunks_exact_mut(padded).zip(from) {
            for (to, from) in to.iter_mut().zip(&from[..size]) {
                *to = from.widen();
            }
        }
        widened
    }
}

/// One head of one sequence.
struct Head {
    /// Rotated and scaled, `[length, size]`.
    queries: Vec<f32>,
    /// Rotated, `[size, padded length]`.
    keys: Vec<f32>,
    /// `[length, padded size]`.
    values: Vec<f32>,
    size: usize,
    length: usize,
}

impl Head {
    fn new<T: Number>(
        [query, key, value]: [HeadRows<'_, T>; 3],
        rotations: &[f32],
        size: usize,
        length: usize,
    ) -> Self {
        let mut queries = query.widened(length, size, size);
        simd::rotate(&mut queries, rotations, size, 1.0 / (size as f32).sqrt());
        let mut rotated = key.widened(length, size, size);
        simd::rotate(&mut rotated, rotations, size, 1.0);
        let padded = length.next_multiple_of(BLOCK);
        let mut keys = vec![0.0; size * padded];
        for (place, key) in rotated.chunks_exact(size).enumerate() {
            for (row, value) in keys.chunks_exact_mut(padded).zip(key) {
                row[place] = *value;
            }
        }
        let values = value.widened(length, size, size.next_multiple_of(WIDEST));
        Self { queries, keys, values, size, length }
    }

    /// `[length, padded size]`.
    fn attend(&self) -> Vec<f32> {
        struct Op<'a>(&'a Head);
        impl WithSimd for Op<'_> {
            type Output = Vec<f32>;
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
                self.0.attend_with(simd)
            }
        }
        simd::dispatch(Op(self))
    }

    #[inline(always)]
    fn attend_with<S: Simd>(&self, simd: S) -> Vec<f32> {
        let padded = self.length.next_multiple_of(BLOCK);
        let columns = self.size.next_multiple_of(WIDEST);
        let mut attended = vec![0.0; self.length * columns];
        // Those beyond the length are of keys that are not there, and not read.
        let mut scores = vec![0.0; QUERIES * padded];
        let blocks = attended.chunks_mut(QUERIES * columns);
        for (queries, attended) in self.queries.chunks(QUERIES * self.size).zip(blocks) {
            // The last few queries of a sequence leave rows of the block over.
            let last = queries.len() / self.size - 1;
            let queries =
                array::from_fn(|number| &queries[number.min(last) * self.size..][..self.size]);
            self.scores(simd, queries, &mut scores);
            let rows = scores.chunks_exact_mut(padded);
            let mut shares = [0.0; QUERIES];
            for (share, row) in shares.iter_mut().zip(rows) {
                *share = 1.0 / simd::exponentials_with(simd, &mut row[..self.length]);
            }
            self.mix(simd, &scores, &shares, attended);
        }
        attended
    }

    /// The scores of a few queries with all keys, `[queries, padded length]`.
    #[inline(always)]
    fn scores<S: Simd>(&self, simd: S, queries: [&[f32]; QUERIES], scores: &mut [f32]) {
        let (keys, _) = S::as_simd_f32s(&self.keys);
        let (scores, _) = S::as_mut_simd_f32s(scores);
        let stride = keys.len() / self.size;
        for start in (0..stride).step_by(VECTORS) {
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; QUERIES];
            for place in 0..self.size {
                let keys = &keys[place * stride + start..][..VECTORS];
                for (sums, query) in sums.iter_mut().zip(queries) {
                    let query = simd.splat_f32s(query[place]);
                    for (sum, key) in sums.iter_mut().zip(keys) {
                        *sum = simd.mul_add_f32s(query, *key, *sum);
                    }
                }
            }
            for (row, sums) in scores.chunks_exact_mut(stride).zip(sums) {
                row[start..start + VECTORS].copy_from_slice(&sums);
            }
        }
    }

    /// The values of all keys for a few queries, weighted and times the query's share:
    /// `[queries, padded size]`.
    #[inline(always)]
    fn mix<S: Simd>(&self, simd: S, weights: &[f32], shares: &[f32; QUERIES], mixed: &mut [f32]) {
        let (mixed, _) = S::as_mut_simd_f32s(mixed);
        let columns = self.size.next_multiple_of(WIDEST) / S::F32_LANES;
        let mut start = 0;
        while start + 2 <= columns {
            self.mix_columns::<S, 2>(simd, weights, shares, start, mixed);
            start += 2;
        }
        if start < columns {
            self.mix_columns::<S, 1>(simd, weights, shares, start, mixed);
        }
    }

    /// The same for `N` vectors of each value, from the one at `start` on.
    #[inline(always)]
    fn mix_columns<S: Simd, const N: usize>(
        &self,
        simd: S,
        weights: &[f32],
        shares: &[f32; QUERIES],
        start: usize,
        mixed: &mut [S::f32s],
    ) {
        let (values, _) = S::as_simd_f32s(&self.values);
        let columns = values.len() / self.length;
        let padded = weights.len() / QUERIES;
        let rows: [&[f32]; QUERIES] =
            array::from_fn(|number| &weights[number * padded..][..self.length]);
        let mut sums = [[simd.splat_f32s(0.0); N]; QUERIES];
        for key in 0..self.length {
            let values = &values[key * columns + start..][..N];
            for (sums, row) in sums.iter_mut().zip(rows) {
                let weight = simd.splat_f32s(row[key]);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_f32s(weight, *value, *sum);
                }
            }
        }
        for ((row, sums), share) in mixed.chunks_exact_mut(columns).zip(sums).zip(shares) {
            let share = simd.splat_f32s(*share);
            for (to, sum) in row[start..][..N].iter_mut().zip(sums) {
                *to = simd.mul_f32s(sum, share);
            }
        }
    }
}

#[cfg(test)]
mod tests;
