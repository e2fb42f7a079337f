//! Batches of the encoder.

use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tracing::info;

use super::{SEED, Subject};
use crate::device;
use crate::embeddings::esm2::{EncoderError, Esm2, PackedBatch, tokenize};

/// Residues of the sequences that are measured, from short proteins to what ESM-2 sees at most.
const LENGTHS: [usize; 4] = [50, 150, 400, 1022];
/// Time for the batches of one length; one sequence is measured whatever it takes.
const BATCH_TIME: Duration = Duration::from_millis(2500);

/// Lengths in tokens with seconds per token.
pub(super) fn times(subject: &Subject<'_>) -> Result<Vec<(f64, f64)>, EncoderError> {
    let devices = &subject.device.encoder;
    let model = subject.encoder.load(&devices[0], subject.precision)?;
    let copies = devices.iter().filter(|other| **other == devices[0]).count();
    // All at once, as when sequences are embedded.
    let measured: Vec<_> = thread::scope(|scope| {
        let measure = |model| move || times_of(subject, &model, copies > 1);
        let threads: Vec<_> = (0..copies).map(|_| scope.spawn(measure(model.clone()))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let lengths = measured.first().cloned().unwrap_or_default();
    let mean = |at: usize| {
        let times = measured.iter().map(|times: &Vec<(f64, f64)>| times[at].1);
        times.sum::<f64>() / (measured.len() * copies) as f64
    };
    let times: Vec<_> =
        lengths.iter().enumerate().map(|(at, (length, _))| (*length, mean(at))).collect();
    for (tokens, time) in &times {
        info!("{} residues: {:.0} residues/s", tokens - 2.0, 1.0 / time);
    }
    Ok(times)
}

/// The same for one of several copies.
fn times_of(subject: &Subject<'_>, model: &Esm2, side_by_side: bool) -> Vec<(f64, f64)> {
    if side_by_side {
        device::compute_alone();
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let run = |batch: &PackedBatch| {
        let started = Instant::now();
        embed(model, batch);
        started.elapsed()
    };
    // The first batch pays for what all others find done.
    run(&batch(&mut random, 50, 256));
    let small = batch(&mut random, 200, 600);
    let mut rate = small.len() as f64 / run(&small).as_secs_f64().max(1e-6);
    let mut times = Vec::new();
    let mut lengths = LENGTHS.map(|length| length.min(subject.max_residues)).to_vec();
    lengths.dedup();
    for length in lengths {
        let affordable = (rate * BATCH_TIME.as_secs_f64()) as usize;
        let batch = batch(&mut random, length, subject.device.token_budget.min(affordable));
        let (mut spent, mut tokens) = (Duration::ZERO, 0);
        while tokens == 0 || spent + spent / 2 < BATCH_TIME {
            spent += run(&batch);
            tokens += batch.len();
        }
        let per_token = spent.as_secs_f64() / tokens as f64;
        times.push((length as f64 + 2.0, per_token));
        rate = 1.0 / per_token;
    }
    times
}

fn embed(model: &Esm2, batch: &PackedBatch) {
    // Reading the result waits for it.
    drop(model.embed(batch).into_data());
}

/// Random sequences around one length, no two of the same: most lengths of a proteome are rare,
/// and attention runs once for each. At least one, and as many as `budget` tokens hold.
fn batch(random: &mut ChaCha8Rng, length: usize, budget: usize) -> PackedBatch {
    const AMINO_ACIDS: &[u8] = b"LAGVSERTIDPKQNFYMHWC";
    let mut batch = PackedBatch::default();
    let count = (budget / (length + 2)).max(1);
    for number in 0..count {
        // Shorter and longer ones in turn keep the mean; the last few of a long list repeat.
        let away = (number / 2) % (length / 2).max(1);
        let residues = if number % 2 == 0 { length - away } else { (length + away).min(1022) };
        let mut residue = || char::from(AMINO_ACIDS[random.random_range(0..AMINO_ACIDS.len())]);
        let sequence: String = (0..residues.max(1)).map(|_| residue()).collect();
        batch.push(&tokenize(&sequence));
    }
    batch
}
