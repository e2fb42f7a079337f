//! Dropout masks that depend on nothing but the seed and the number of the step.

use burn::tensor::TensorData;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::classifier::Settings;

/// Draws that one task makes: far more work than starting it. An even number, for a word of the
/// generator holds two draws.
const CHUNK: usize = 1 << 15;

/// One mask `[pairs, width]` per hidden layer: 0 drops an activation, `1 / (1 - dropout)` scales
/// what stays (Srivastava et al. 2014). No masks without dropout.
///
/// The share dropped is exact to 1/65536. The masks are made on the host from a counter-based
/// generator, so that a resumed run sees the same ones and no global random state is involved.
pub(super) fn dropout_masks(
    settings: &Settings,
    pairs: usize,
    seed: u64,
    step: u64,
) -> Vec<TensorData> {
    if settings.dropout == 0.0 {
        return Vec::new();
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(step);
    let limit = (settings.dropout * 65_536.0).round() as u32;
    let keep = (1.0 / (1.0 - settings.dropout)) as f32;
    let masks = settings.hidden_sizes.iter().map(|width| {
        let mut mask = vec![0.0_f32; pairs * width];
        let begin = random.get_word_pos();
        mask.par_chunks_mut(CHUNK).enumerate().for_each(|(number, part)| {
            let mut random = random.clone();
            random.set_word_pos(begin + (number * CHUNK / 2) as u128);
            let mut bytes = vec![0_u8; 2 * part.len()];
            random.fill_bytes(&mut bytes);
            for (value, draw) in part.iter_mut().zip(bytes.as_chunks::<2>().0) {
                let dropped = u32::from(u16::from_le_bytes(*draw)) < limit;
                *value = if dropped { 0.0 } else { keep };
            }
        });
        random.set_word_pos(begin + mask.len().div_ceil(2) as u128);
        TensorData::new(mask, [pairs, *width])
    });
    masks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_drop_the_asked_share_and_differ_by_step() {
        let settings = Settings { hidden_sizes: vec![512, 64], dropout: 0.3 };
        let values = |step| -> Vec<Vec<f32>> {
            let masks = dropout_masks(&settings, 100, 42, step);
            masks.iter().map(|mask| mask.iter::<f32>().collect()).collect()
        };
        let masks = values(7);
        assert_eq!([masks[0].len(), masks[1].len()], [51_200, 6_400]);
        let dropped = masks[0].iter().filter(|value| **value == 0.0).count();
        assert!((dropped as f64 / 51_200.0 - 0.3).abs() < 0.01, "{dropped} of 51200");
        assert!((masks[0].iter().sum::<f32>() / 51_200.0 - 1.0).abs() < 0.02);
        assert_eq!(masks, values(7));
        assert_ne!(masks, values(8));
    }

    #[test]
    fn tasks_draw_what_one_alone_would() {
        // Longer than a task, and of an odd length.
        let settings = Settings { hidden_sizes: vec![CHUNK + 1, 3], dropout: 0.5 };
        let mut random = ChaCha8Rng::seed_from_u64(42);
        random.set_stream(7);
        for mask in dropout_masks(&settings, 3, 42, 7) {
            let mut bytes = vec![0; 2 * mask.num_elements()];
            random.fill_bytes(&mut bytes);
            let draws = bytes.as_chunks::<2>().0.iter().map(|draw| u16::from_le_bytes(*draw));
            let expected = draws.map(|draw| if draw < 32_768 { 0.0 } else { 2.0 });
            assert!(mask.iter::<f32>().eq(expected));
        }
    }
}
