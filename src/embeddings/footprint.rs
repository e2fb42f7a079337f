//! How many tokens a batch may have on a device of so much memory.

use super::esm2::Esm2Config;
use crate::device::ComputeDevice;

/// What the CUDA context, cuBLAS workspaces and kernels take.
const RESERVED_BYTES: u64 = 1 << 30;
/// The share of the rest that activations may take: the allocator rounds up and leaves gaps.
const USED_PERCENT: u64 = 80;
/// The smallest budget: one sequence of the length that ESM-2 was trained on.
const LEAST: usize = 1024;
/// The largest.
const MOST: usize = 131_072;
/// Multiplications and additions of a batch, at most: 16,384 tokens of ESM-2 650M, some 4 seconds
/// at the 5 TFLOP/s that an NVIDIA T4 may reach in 32 bits (its peak is 8). A batch should be
/// finished within the grace of a request to stop ([`crate::shutdown::BATCH_GRACE`]).
const MOST_WORK: u64 = 2 * 651_000_000 * 16_384;
/// The same for a batch on one processor: 1,024 tokens of ESM-2 150M, some 2 seconds at the
/// 190 GFLOP/s that one with AVX-512 reaches in bfloat16.
const PROCESSOR_WORK: u64 = 2 * 148_000_000 * 1024;

/// Tokens per batch where the configuration leaves it open: by the memory of the device, where it
/// is known, else what the device's kind can take.
pub(super) fn token_budget(
    device: &ComputeDevice,
    config: &Esm2Config,
    bytes_per_value: usize,
) -> usize {
    if let Some(memory) = device.memory {
        return fitting(memory, config, bytes_per_value);
    }
    let by_work = rounded_down(worked_off(PROCESSOR_WORK, config).max(LEAST));
    device.token_budget.min(by_work)
}

/// Tokens that take `work` multiplications and additions.
fn worked_off(work: u64, config: &Esm2Config) -> usize {
    usize::try_from(work / (2 * parameters(config)).max(1)).unwrap_or(usize::MAX)
}

/// Tokens per batch of an encoder on a device of `memory` bytes, weights and activations in
/// `bytes_per_value` bytes: a power of two, so that it is the same on devices that are nearly alike.
fn fitting(memory: u64, config: &Esm2Config, bytes_per_value: usize) -> usize {
    let bytes = bytes_per_value as u64;
    let weights = parameters(config) * bytes;
    let free = memory.saturating_sub(RESERVED_BYTES).saturating_sub(weights);
    let by_memory = free / 100 * USED_PERCENT / (values_per_token(config) * bytes).max(1);
    let by_memory = usize::try_from(by_memory).unwrap_or(usize::MAX);
    rounded_down(by_memory.min(worked_off(MOST_WORK, config)).clamp(LEAST, MOST))
}

/// The largest power of two that is not above `tokens`.
fn rounded_down(tokens: usize) -> usize {
    1 << tokens.ilog2()
}

/// Weights and biases: per layer four projections of the width and two between it and the
/// feed-forward width, with the biases and the two norms; the embeddings; the last norm.
fn parameters(config: &Esm2Config) -> u64 {
    let (hidden, wide) = (config.hidden_size as u64, config.intermediate_size as u64);
    let layer = 4 * hidden * hidden + 2 * hidden * wide + 9 * hidden + wide;
    config.num_hidden_layers as u64 * layer + (config.vocab_size as u64 + 2) * hidden
}

/// Numbers per token that are alive at once at the widest moment of a layer, where attention keeps
/// no scores, as libtorch's kernels do.
///
/// In the feed-forward block: the states, their norm, the expanded states and what the activation
/// makes of them. In attention, counted in half precision, where what is in 32 bits counts twice:
/// the states (2) with their norm (1), query, key and value (3), queries and keys in 32 bits (4),
/// their rotations (4), the product (4) and its copy (2).
fn values_per_token(config: &Esm2Config) -> u64 {
    let (hidden, wide) = (config.hidden_size as u64, config.intermediate_size as u64);
    (2 * hidden + 2 * wide).max(20 * hidden)
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;
    use super::*;

    fn shape(layers: usize, hidden: usize) -> Esm2Config {
        Esm2Config {
            vocab_size: 33,
            hidden_size: hidden,
            num_hidden_layers: layers,
            num_attention_heads: 20,
            intermediate_size: 4 * hidden,
            layer_norm_eps: 1e-5,
            token_dropout: true,
        }
    }

    #[test]
    fn parameters_are_the_numbers_in_the_weight_file() {
        let (config, _) = Esm2Config::read(&fixture::folder().join("config.json")).unwrap();
        let used = |name: &str| {
            let known = ["esm.embeddings.word_embeddings.", "esm.encoder."];
            known.iter().any(|start| name.starts_with(start)) && !name.contains("inv_freq")
        };
        let tensors = fixture::stored("model.safetensors");
        let tensors = tensors.into_iter().filter(|(name, _)| used(name));
        let numbers: usize =
            tensors.map(|(_, (_, shape, _))| shape.iter().product::<usize>()).sum();
        assert_eq!(parameters(&config), numbers as u64);
        assert_eq!(parameters(&shape(33, 1280)) / 1_000_000, 649, "the one called 650M");
    }

    #[test]
    fn an_nvidia_t4_takes_as_many_tokens_as_it_has_time_for() {
        // 16 GB less what the driver keeps.
        let t4 = 15_360 << 20;
        let large = shape(33, 1280);
        assert_eq!(values_per_token(&large) * 2, 51_200, "bytes per token");
        assert_eq!(fitting(t4, &large, 2), 16_384);
        assert_eq!(fitting(t4, &large, 4), 16_384);
        assert_eq!(fitting(t4, &shape(6, 320), 2), 131_072, "a small encoder");
        assert_eq!(fitting(t4, &shape(36, 2560), 2), 2048, "a large one takes longer");
    }

    #[test]
    fn a_processor_takes_fewer_tokens_of_large_encoders() {
        let device = crate::device::resolve(crate::device::DeviceChoice::Cpu).unwrap();
        let budget = |layers, hidden| token_budget(&device, &shape(layers, hidden), 4);
        let budgets = [budget(6, 320), budget(12, 480), budget(30, 640), budget(33, 1280)];
        assert_eq!(budgets, [2048, 2048, 1024, 1024]);
    }

    #[test]
    fn little_memory_is_shared_between_weights_and_activations() {
        let large = shape(33, 1280);
        let with = |mebibytes: u64| fitting(mebibytes << 20, &large, 2);
        // 2,263 MiB are reserved or weights; 80 % of the rest make 51,200 bytes per token.
        let found = [2_400, 2_600, 2_700, 3_000].map(with);
        assert_eq!(found, [2048, 4096, 4096, 8192]);
        assert_eq!([0, 1_000, 2_262].map(with), [1024; 3], "it will not fit, and says so itself");
        assert!((0..16_384).all(|mebibytes| with(mebibytes).is_power_of_two()));
    }
}
