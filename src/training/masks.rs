//! Dropout masks that depend on nothing but the seed and the number of the step.

use burn::tensor::TensorData;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::classifier::Settings;

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
        let mut bytes = vec![0_u8; 2 * pairs * width];
        random.fill_bytes(&mut bytes);
        let draws = bytes.as_chunks::<2>().0.iter().map(|draw| u16::from_le_bytes(*draw));
        let mask = draws.map(|draw| if u32::from(draw) < limit { 0.0 } else { keep });
        TensorData::new(mask.collect::<Vec<f32>>(), [pairs, *width])
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
}
