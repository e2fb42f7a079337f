//! Embedding spaces: what must agree before two embeddings may be compared or mixed.

use serde::{Deserialize, Serialize};

use super::esm2::Encoder;
use super::{EmbeddingDtype, LongSequences, Settings};
use crate::device::Precision;
use crate::digest::Digest;

/// Raised whenever the same input would give numbers that differ by more than rounding.
const NUMERICS: u32 = 1;

/// Everything an embedding depends on besides the sequence.
///
/// Written once as `space.json` beside the shards; a store whose file differs in one byte is
/// refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingSpace {
    /// The version of this description.
    pub schema: u32,
    /// The shape of the encoder, as `esm2_t33_1280d`.
    pub model: String,
    /// The digest of the encoder's architecture and weights.
    pub weights: Digest,
    /// The alphabet and what becomes of residues outside it.
    pub alphabet: String,
    /// The layer whose states are pooled, counted from 1; the final normalisation included.
    pub layer: usize,
    /// How states become one vector.
    pub pooling: String,
    /// Residues the encoder sees at once.
    pub max_residues: usize,
    /// What becomes of longer sequences.
    pub long_sequences: LongSequences,
    /// Residues that neighbouring windows share; 0 without windows.
    pub window_overlap: usize,
    /// The number format of the forward pass.
    pub compute: Precision,
    /// The number format of stored embeddings.
    pub stored: EmbeddingDtype,
    /// The length of an embedding.
    pub dimension: usize,
    /// The revision of Dyad's numerics.
    pub numerics: u32,
}

impl EmbeddingSpace {
    /// The space of `encoder` under `settings`, computed in `precision`.
    pub fn new(encoder: &Encoder, settings: &Settings, precision: Precision) -> Self {
        let config = encoder.config();
        Self {
            schema: 1,
            model: config.shape_name(),
            weights: encoder.identity().digest,
            alphabet: "esm2-33, J is <unk>".to_owned(),
            layer: config.num_hidden_layers,
            pooling: "mean over residues, <cls> and <eos> excluded".to_owned(),
            max_residues: settings.max_residues,
            long_sequences: settings.long_sequences,
            window_overlap: super::windows::overlap(settings),
            compute: precision,
            stored: settings.embedding_dtype,
            dimension: config.hidden_size,
            numerics: NUMERICS,
        }
    }

    /// The bytes of `space.json`.
    pub fn canonical_json(&self) -> Vec<u8> {
        // Strings and numbers in declaration order always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The folder name of the space: 32 hexadecimal characters of the digest of its description.
    pub fn id(&self) -> String {
        Digest::of(&self.canonical_json()).short(32)
    }
}
