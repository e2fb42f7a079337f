use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const HEADS: usize = 2;

fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(-2.0..2.0)).collect()
}

/// Attention of one sequence by its definition, in 64 bits.
fn by_definition(rows: &[f32], rotations: &[f32], size: usize) -> Vec<f64> {
    let (width, half) = (HEADS * size, size / 2);
    let tokens = rotations.len() / size;
    let part = |token: usize, part: usize, head: usize, at: usize| {
        f64::from(rows[token * 3 * width + part * width + head * size + at])
    };
    let rotated = |token: usize, which: usize, head: usize, at: usize| {
        let angle = |at: usize| f64::from(rotations[token * size + at]);
        let (cos, sin) = (angle(at % half), angle(half + at % half));
        let (own, other) =
            (part(token, which, head, at), part(token, which, head, (at + half) % size));
        if at < half { own * cos - other * sin } else { own * cos + other * sin }
    };
    let mut attended = vec![0.0; tokens * width];
    for (query, head) in (0..tokens).flat_map(|query| (0..HEADS).map(move |head| (query, head))) {
        let queries: Vec<f64> = (0..size).map(|at| rotated(query, 0, head, at)).collect();
        let score = |key: usize| {
            let products = queries.iter().enumerate();
            let product: f64 = products.map(|(at, q)| q * rotated(key, 1, head, at)).sum();
            (product / (size as f64).sqrt()).exp()
        };
        let weights: Vec<f64> = (0..tokens).map(score).collect();
        let sum: f64 = weights.iter().sum();
        for at in 0..size {
            let values = weights.iter().enumerate();
            let mixed: f64 = values.map(|(key, weight)| weight * part(key, 2, head, at)).sum();
            attended[query * width + head * size + at] = mixed / sum;
        }
    }
    attended
}

/// The largest difference to the definition over sequences of `lengths`.
fn largest_difference<T: Number>(size: usize, lengths: &[usize]) -> f64 {
    let (width, tokens) = (HEADS * size, lengths.iter().sum::<usize>());
    let rows: Vec<T> = random(tokens * 3 * width, 1).into_iter().map(T::narrow).collect();
    let rotations: Vec<f32> = random(tokens * size / 2, 2)
        .chunks(size / 2)
        .flat_map(|row| row.iter().map(|a| a.cos()).chain(row.iter().map(|a| a.sin())))
        .collect();
    let lengths = Lengths::from(lengths);
    let batch = Batch { rows: &rows, rotations: &rotations, heads: HEADS, width };
    let ours = batch.attend(&lengths);
    let rows: Vec<f32> = rows.into_iter().map(T::widen).collect();
    let exact = lengths.ranges().flat_map(|range| {
        let rotations = &rotations[range.start * size..range.end * size];
        by_definition(&rows[range.start * 3 * width..range.end * 3 * width], rotations, size)
    });
    let differences = ours.into_iter().zip(exact).map(|(a, b)| (f64::from(a.widen()) - b).abs());
    differences.fold(0.0, f64::max)
}

#[test]
fn every_size_of_head_and_every_length_is_exact_to_rounding() {
    // Fewer queries or keys than a block, as many, and one more; heads narrower and wider than
    // a vector, and no multiple of one.
    for size in [2, 8, 16, 24, 32, 64, 128] {
        let difference = largest_difference::<f32>(size, &[1, 7, 8, 9, 31, 32, 33, 70]);
        assert!(difference < 2e-6, "{size}: {difference:e}");
        // Values below 2 in 8 bits of fraction.
        let difference = largest_difference::<bf16>(size, &[1, 9, 33]);
        assert!((1e-5..4.1e-3).contains(&difference), "{size}: {difference:e}");
    }
}

#[test]
fn a_sequence_may_be_longer_than_any_that_the_encoder_was_trained_on() {
    let difference = largest_difference::<f32>(16, &[1100]);
    assert!(difference < 2e-6, "{difference:e}");
}
