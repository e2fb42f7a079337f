//! The ESM-2 transformer encoder.
//!
//! Lin et al. 2023, "Evolutionary-scale prediction of atomic-level protein structure with a
//! language model", Science 379; numerics as Hugging Face's `EsmModel`: pre-layer normalisation,
//! rotary positions (rotate half), erf GELU, a final layer normalisation.
//!
//! Sequences of a batch are packed one behind the other, `[tokens, hidden]`, so that no work is
//! done on padding; only attention looks at one sequence at a time, and therefore needs no mask
//! (burn-tch 0.22 would invert it: `tests/tch.rs`).
//!
//! In half precision the matrix products and attention are computed in it; the states that the
//! layers add to, normalisations and means stay in 32 bits.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::config::{Esm2Config, ROTARY_BASE};
use super::weights::Tensors;
use crate::device::Precision;
use crate::device::ops::{self, Lengths, Linear, Norm, Rotations};

/// What token embeddings are multiplied by when no token is masked: 1 - 0.15 * 0.8, the share of
/// tokens that stayed visible in pre-training.
const TOKEN_DROPOUT_SCALE: f32 = 1.0 - 0.15 * 0.8;

/// Tokens of several sequences, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedBatch {
    tokens: Vec<i32>,
    lengths: Vec<usize>,
}

impl PackedBatch {
    /// A batch of one sequence.
    pub fn of(tokens: &[i32]) -> Self {
        let mut batch = Self::default();
        batch.push(tokens);
        batch
    }

    /// Appends the tokens of one sequence, `<cls>` and `<eos>` included.
    pub fn push(&mut self, tokens: &[i32]) {
        self.tokens.extend_from_slice(tokens);
        self.lengths.push(tokens.len());
    }

    /// Tokens in all.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The lengths of the sequences in tokens.
    fn lengths(&self) -> Lengths {
        self.lengths.as_slice().into()
    }
}

/// The encoder. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Esm2 {
    /// `[alphabet, hidden]`, in 32 bits.
    word_embeddings: Tensor<2>,
    layers: Vec<Layer>,
    final_norm: Norm,
    heads: usize,
    embedding_scale: f32,
    /// Radians per place in the sequence, one for each pair of values of a head.
    frequencies: Vec<f32>,
}

/// One transformer layer.
#[derive(Clone, Debug)]
struct Layer {
    attention_norm: Norm,
    /// Queries, keys and values side by side.
    query_key_value: Linear,
    attention_output: Linear,
    feed_forward_norm: Norm,
    expand: Linear,
    contract: Linear,
}

impl Esm2 {
    /// Builds the network from checked tensors.
    pub(super) fn from_tensors(
        config: &Esm2Config,
        tensors: &Tensors<'_>,
        precision: Precision,
        device: &Device,
    ) -> Self {
        let build = Builder { config, tensors, precision, device };
        let word_embeddings = tensors.data("embeddings.word_embeddings.weight");
        let layers = (0..config.num_hidden_layers).map(|index| {
            let layer = build.layer(index);
            // What was read counts as memory in use until the system needs it elsewhere.
            tensors.release();
            layer
        });
        Self {
            layers: layers.collect(),
            word_embeddings: Tensor::from_data(word_embeddings, device),
            final_norm: build.norm("encoder.emb_layer_norm_after", Precision::F32),
            heads: config.num_attention_heads,
            embedding_scale: if config.token_dropout { TOKEN_DROPOUT_SCALE } else { 1.0 },
            frequencies: frequencies(config.head_size()),
        }
    }

    /// The final states of every token, `[tokens, hidden]`, in 32 bits.
    pub fn forward(&self, batch: &PackedBatch) -> Tensor<2> {
        let device = self.word_embeddings.device();
        let tokens = TensorData::new(batch.tokens.clone(), [batch.len()]);
        let tokens = Tensor::<1, Int>::from_data(tokens, &device);
        let lengths = batch.lengths();
        let rotations = Rotations::new(&lengths, &self.frequencies, self.heads, &device);
        let embedded = self.word_embeddings.clone().select(0, tokens);
        let states = embedded.mul_scalar(self.embedding_scale);
        let states = self.layers.iter().fold(states, |states, layer| {
            layer.forward(states, &rotations, self.heads, &lengths) //
        });
        self.final_norm.forward(states)
    }

    /// The mean over the residues of each sequence, `[sequences, hidden]`; `<cls>` and `<eos>`
    /// never enter.
    pub fn embed(&self, batch: &PackedBatch) -> Tensor<2> {
        let states = self.forward(batch);
        let lengths = batch.lengths();
        let means = lengths.ranges().map(|range| {
            let residues = range.len() - 2;
            states.clone().narrow(0, range.start + 1, residues).mean_dim(0)
        });
        Tensor::cat(means.collect(), 0)
    }
}

impl Layer {
    /// From states to states, `[tokens, hidden]`, in 32 bits.
    fn forward(
        &self,
        states: Tensor<2>,
        rotations: &Rotations,
        heads: usize,
        lengths: &Lengths,
    ) -> Tensor<2> {
        let normed = self.attention_norm.forward(states.clone());
        // [tokens, 3 hidden]
        let projected = self.query_key_value.forward(normed);
        let attended = ops::attention(projected, rotations, heads, lengths);
        let states = self.attention_output.forward_add(attended, states);

        let normed = self.feed_forward_norm.forward(states.clone());
        // [tokens, 4 hidden]
        let expanded = self.expand.forward_gelu(normed);
        self.contract.forward_add(expanded, states)
    }
}

/// The rotary frequencies of a head of `size` values.
fn frequencies(size: usize) -> Vec<f32> {
    let exponent = |i: usize| 2.0 * i as f32 / size as f32;
    (0..size / 2).map(|i| 1.0 / ROTARY_BASE.powf(exponent(i))).collect()
}

/// Turns named tensors into layers.
struct Builder<'a> {
    config: &'a Esm2Config,
    tensors: &'a Tensors<'a>,
    precision: Precision,
    device: &'a Device,
}

impl Builder<'_> {
    fn layer(&self, index: usize) -> Layer {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        Layer {
            attention_norm: self.norm(&name("attention.LayerNorm"), self.precision),
            query_key_value: self.projections(&name("attention.self")),
            attention_output: self.linear(&name("attention.output.dense")),
            feed_forward_norm: self.norm(&name("LayerNorm"), self.precision),
            expand: self.linear(&name("intermediate.dense")),
            contract: self.linear(&name("output.dense")),
        }
    }

    fn linear(&self, name: &str) -> Linear {
        let part = |part: &str| self.tensors.data(&format!("{name}.{part}"));
        Linear::new(part("weight"), part("bias"), self.precision, self.device)
    }

    /// Queries, keys and values of all heads in one layer, the values of a head in the order that
    /// the device's attention wants.
    fn projections(&self, name: &str) -> Linear {
        let size = self.config.head_size();
        let order = ops::rotary_order(size, self.device);
        let part = |part: &str| {
            let [query, key, value] = ["query", "key", "value"]
                .map(|projection| self.tensors.values(&format!("{name}.{projection}.{part}")));
            let shape = query.1.iter().copied().enumerate();
            let shape: Vec<_> = shape.map(|(at, n)| if at == 0 { 3 * n } else { n }).collect();
            let values = [by_head(query, &order), by_head(key, &order), value.0].concat();
            TensorData::new(values, shape)
        };
        Linear::new(part("weight"), part("bias"), self.precision, self.device)
    }

    fn norm(&self, name: &str, results: Precision) -> Norm {
        let part = |part: &str| self.tensors.data(&format!("{name}.{part}"));
        let parameters = [part("weight"), part("bias")];
        Norm::new(parameters, self.config.layer_norm_eps, results, self.device)
    }
}

/// The rows of a tensor, with those of each head, as many as `order` has, in that order.
fn by_head((values, shape): (Vec<f32>, Vec<usize>), order: &[usize]) -> Vec<f32> {
    let width = values.len() / shape[0];
    let heads = values.chunks_exact(width * order.len());
    let row = |head: &'_ [f32], place: usize| head[place * width..][..width].to_vec();
    heads.flat_map(|head| order.iter().flat_map(move |place| row(head, *place))).collect()
}
