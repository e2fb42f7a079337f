//! Embeddings: one vector per protein from ESM-2, kept in a content-addressed store.

use serde::{Deserialize, Serialize};

/// How sequences become vectors. Every field but the token budget is part of the embedding space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Residues the encoder sees at once; longer sequences are truncated or windowed.
    pub max_residues: usize,
    /// What becomes of longer sequences.
    pub long_sequences: LongSequences,
    /// The number format of the forward pass.
    pub precision: Precision,
    /// The number format of stored embeddings.
    pub embedding_dtype: EmbeddingDtype,
    /// Tokens per batch; `None` lets the device decide.
    pub token_budget: Option<usize>,
}

/// What becomes of sequences over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongSequences {
    /// The residues after the limit are ignored.
    Truncate,
    /// Overlapping windows, averaged by their number of residues.
    Window,
}

/// The number format of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
}

/// The number format of stored embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingDtype {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point: half the space, rounded.
    F16,
}
