//! The architecture of an ESM-2 model, from its `config.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::EncoderError;
use crate::storage;

/// The numbers that shape an ESM-2 network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Esm2Config {
    /// Tokens in the alphabet; 33 for every published ESM-2.
    pub vocab_size: usize,
    /// The width of states and embeddings.
    pub hidden_size: usize,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Attention heads per layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// The width inside the feed-forward blocks.
    pub intermediate_size: usize,
    /// Added to variances in layer normalisation.
    pub layer_norm_eps: f64,
    /// Whether token embeddings are scaled for the masks seen in pre-training.
    #[serde(default)]
    pub token_dropout: bool,
}

/// What else a `config.json` says that must hold, or that we want to know.
#[derive(Deserialize)]
struct Surroundings {
    #[serde(default)]
    model_type: String,
    #[serde(default)]
    position_embedding_type: String,
    #[serde(default)]
    emb_layer_norm_before: Option<bool>,
    #[serde(default)]
    is_decoder: bool,
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default, rename = "_name_or_path")]
    name_or_path: Option<String>,
}

/// The base of the rotary frequencies in every ESM-2 (Su et al. 2021, arXiv:2104.09864).
pub(super) const ROTARY_BASE: f32 = 10_000.0;

/// More than any published model has (48): each layer costs a row of 16 tensors in every check.
const MOST_LAYERS: usize = 512;

/// A name made of layers and width, as `esm2_t33_1280d`.
pub fn shape_name(layers: usize, width: usize) -> String {
    format!("esm2_t{layers}_{width}d")
}

impl Esm2Config {
    /// Reads a `config.json`, and the published name where it tells one.
    pub fn read(path: &Path) -> Result<(Self, Option<String>), EncoderError> {
        let bytes = storage::read(path, 1 << 20)?;
        let wrong = |problem: String| EncoderError::Config { path: path.to_owned(), problem };
        let around: Surroundings =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        let checks = [
            (around.model_type != "esm", "`model_type` is not `esm`"),
            (around.position_embedding_type != "rotary", "positions are not rotary (ESM-1?)"),
            (around.emb_layer_norm_before == Some(true), "`emb_layer_norm_before` is set (ESM-1b)"),
            (around.is_decoder, "`is_decoder` is set"),
            (
                around
                    .rope_theta
                    .is_some_and(|theta| (theta - f64::from(ROTARY_BASE)).abs() > 1e-6),
                "`rope_theta` is not 10000",
            ),
        ];
        if let Some((_, problem)) = checks.iter().find(|(failed, _)| *failed) {
            return Err(wrong((*problem).to_owned()));
        }
        let config: Self = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        config.check().map_err(wrong)?;
        let name = around.name_or_path.filter(|name| !name.is_empty());
        Ok((config, name))
    }

    /// The width of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// The [`shape_name`] of this network.
    pub fn shape_name(&self) -> String {
        shape_name(self.num_hidden_layers, self.hidden_size)
    }

    /// What no ESM-2 has.
    pub(super) fn check(&self) -> Result<(), String> {
        let heads = self.num_attention_heads;
        if self.vocab_size != super::tokenizer::VOCABULARY.len() {
            return Err(format!("`vocab_size` is {}, ESM-2 has 33", self.vocab_size));
        }
        let sizes = [self.hidden_size, self.num_hidden_layers, heads, self.intermediate_size];
        let excessive = self.num_hidden_layers > MOST_LAYERS;
        if excessive || sizes.iter().any(|size| !(1..=1 << 20).contains(size)) {
            return Err("a size is 0 or beyond any published model".to_owned());
        }
        if !self.hidden_size.is_multiple_of(heads) || !self.head_size().is_multiple_of(2) {
            return Err(format!(
                "`hidden_size` {} cannot be split into {heads} heads of even width",
                self.hidden_size
            ));
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(format!("`layer_norm_eps` is {}", self.layer_norm_eps));
        }
        Ok(())
    }
}
