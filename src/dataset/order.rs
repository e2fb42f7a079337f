//! Random numbers: a generator of its own for every purpose, so that a draw more in one place
//! moves nothing elsewhere.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Section;

/// The order in which epoch number `epoch` visits the `len` examples of the training part: a
/// permutation that depends on nothing but the three arguments, so that a resumed run sees it again.
pub fn epoch_order(len: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(len).collect();
    order.shuffle(&mut generator(seed, *b"epoch\0\0\0", epoch));
    order
}

/// Decides which proteins or pairs fall into which part.
pub(super) fn parts(seed: u64) -> ChaCha8Rng {
    generator(seed, *b"parts\0\0\0", 0)
}

/// Decides which training pairs are tested instead.
pub(super) fn held_out(seed: u64) -> ChaCha8Rng {
    generator(seed, *b"held out", 0)
}

/// Draws the negatives of one section.
pub(super) fn negatives(seed: u64, section: Section) -> ChaCha8Rng {
    generator(seed, *b"negative", section as u64)
}

/// `ChaCha8` keyed by seed and purpose; the counter says which of many equal purposes.
fn generator(seed: u64, purpose: [u8; 8], counter: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose);
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(counter);
    generator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_permutations_that_differ_by_seed_and_epoch() {
        let orders = [(42, 0), (42, 1), (43, 0)].map(|(s, e)| epoch_order(1000, s, e));
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..1000));
        }
        assert!(orders[0] != orders[1] && orders[0] != orders[2] && orders[1] != orders[2]);
        assert_eq!(orders[0], epoch_order(1000, 42, 0));
        assert!(epoch_order(0, 42, 0).is_empty());
    }

    #[test]
    fn orders_stay_what_they_were() {
        // Pinned: a change of these numbers changes every model and belongs into the changelog.
        assert_eq!(epoch_order(8, 42, 0), [0, 3, 7, 2, 4, 1, 5, 6]);
        assert_eq!(epoch_order(8, 42, 1), [4, 6, 2, 3, 0, 7, 1, 5]);
    }
}
