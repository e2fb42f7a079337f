//! The ESM-2 transformer encoder.
//!
//! Lin et al. 2023, "Evolutionary-scale prediction of atomic-level protein structure with a
//! language model", Science 379; numerics as Hugging Face's `EsmModel`: pre-layer normalisation,
//! rotary positions (rotate half), erf GELU, a final layer normalisation.
//!
//! Sequences of a batch are packed one behind the other, `[tokens, hidden]`, so that no work is
//! done on padding; only attention looks at one sequence at a time, and therefore needs no mask
//! (burn-tch 0.22 would invert it: `tests/tch.rs`).

use std::ops::Range;

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::config::{Esm2Config, ROTARY_BASE};
use super::weights::Tensors;

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

    /// Where each sequence lies.
    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.lengths.iter().scan(0, |start, length| {
            let begin = *start;
            *start += length;
            Some(begin..*start)
        })
    }

    /// Runs of neighbouring sequences of one length: start, sequences, length.
    fn equal_runs(&self) -> Vec<(usize, usize, usize)> {
        let mut start = 0;
        let runs = self.lengths.chunk_by(|one, other| one == other).map(|run| {
            let begin = start;
            start += run.len() * run[0];
            (begin, run.len(), run[0])
        });
        runs.collect()
    }
}

/// The encoder.
#[derive(Module, Debug)]
pub struct Esm2 {
    word_embeddings: Param<Tensor<2>>,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    heads: usize,
    embedding_scale: f32,
}

/// One transformer layer.
#[derive(Module, Debug)]
struct Layer {
    attention_norm: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    feed_forward_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
}

/// Rotary tables, `[tokens, 1, head]`.
struct Rotary {
    cos: Tensor<3>,
    sin: Tensor<3>,
}

impl Esm2 {
    /// Builds the network from checked tensors.
    pub(super) fn from_tensors(
        config: &Esm2Config,
        tensors: &Tensors<'_>,
        device: &Device,
    ) -> Self {
        let build = Builder { config, tensors, device };
        let layers = (0..config.num_hidden_layers).map(|index| build.layer(index)).collect();
        Self {
            word_embeddings: build.parameter("embeddings.word_embeddings.weight"),
            layers,
            final_norm: build.norm("encoder.emb_layer_norm_after"),
            heads: config.num_attention_heads,
            embedding_scale: if config.token_dropout { TOKEN_DROPOUT_SCALE } else { 1.0 },
        }
    }

    /// The final states of every token, `[tokens, hidden]`.
    pub fn forward(&self, batch: &PackedBatch) -> Tensor<2> {
        let device = self.word_embeddings.device();
        let [_, hidden] = self.word_embeddings.dims();
        let tokens = TensorData::new(batch.tokens.clone(), [batch.len()]);
        let tokens = Tensor::<1, Int>::from_data(tokens, &device);
        let rotary = Rotary::new(batch, hidden / self.heads, &device);
        let embedded = self.word_embeddings.val().select(0, tokens);
        let states = embedded.mul_scalar(self.embedding_scale);
        let states = self.layers.iter().fold(states, |states, layer| {
            layer.forward(states, batch, &rotary, self.heads) //
        });
        self.final_norm.forward(states)
    }

    /// The mean over the residues of each sequence, `[sequences, hidden]`; `<cls>` and `<eos>`
    /// never enter.
    pub fn embed(&self, batch: &PackedBatch) -> Tensor<2> {
        let states = self.forward(batch);
        let means = batch.ranges().map(|range| {
            let residues = range.len() - 2;
            states.clone().narrow(0, range.start + 1, residues).mean_dim(0)
        });
        Tensor::cat(means.collect(), 0)
    }
}

impl Layer {
    fn forward(
        &self,
        states: Tensor<2>,
        batch: &PackedBatch,
        rotary: &Rotary,
        heads: usize,
    ) -> Tensor<2> {
        let [tokens, hidden] = states.dims();
        let normed = self.attention_norm.forward(states.clone());
        let split = |x: Tensor<2>| x.reshape([tokens, heads, hidden / heads]);
        let query = rotary.apply(split(self.query.forward(normed.clone())));
        let key = rotary.apply(split(self.key.forward(normed.clone())));
        let value = split(self.value.forward(normed));
        let attended = attend(&query, &key, &value, batch).reshape([tokens, hidden]);
        let states = states + self.attention_output.forward(attended);

        let normed = self.feed_forward_norm.forward(states.clone());
        let expanded = activation::gelu(self.expand.forward(normed));
        states + self.contract.forward(expanded)
    }
}

/// Attention inside each sequence; all tensors `[tokens, heads, head]`.
fn attend(query: &Tensor<3>, key: &Tensor<3>, value: &Tensor<3>, batch: &PackedBatch) -> Tensor<3> {
    let [_, heads, head] = query.dims();
    let attended = batch.equal_runs().into_iter().map(|(start, sequences, length)| {
        // [sequences, heads, length, head]
        let take = |x: &Tensor<3>| {
            let rows = x.clone().narrow(0, start, sequences * length);
            rows.reshape([sequences, length, heads, head]).swap_dims(1, 2)
        };
        let options = AttentionModuleOptions::default();
        let run = attention(take(query), take(key), take(value), None, None, options);
        run.swap_dims(1, 2).reshape([sequences * length, heads, head])
    });
    Tensor::cat(attended.collect(), 0)
}

impl Rotary {
    fn new(batch: &PackedBatch, head: usize, device: &Device) -> Self {
        let half = head / 2;
        let exponent = |i: usize| 2.0 * i as f32 / head as f32;
        let frequencies: Vec<f32> =
            (0..half).map(|i| 1.0 / ROTARY_BASE.powf(exponent(i))).collect();
        let shape = [batch.len(), 1, head];
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for position in batch.ranges().flat_map(|range| 0..range.len()) {
            for _ in 0..2 {
                let angles = frequencies.iter().map(|frequency| position as f32 * frequency);
                for (sine, cosine) in angles.map(f32::sin_cos) {
                    cos.push(cosine);
                    sin.push(sine);
                }
            }
        }
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape), device);
        Self { cos: tensor(cos), sin: tensor(sin) }
    }

    /// `x cos + rotate_half(x) sin`, `[tokens, heads, head]`.
    fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        let [_, _, head] = x.dims();
        let first = x.clone().narrow(2, 0, head / 2);
        let second = x.clone().narrow(2, head / 2, head / 2);
        let rotated = Tensor::cat(vec![second.neg(), first], 2);
        x * self.cos.clone() + rotated * self.sin.clone()
    }
}

/// Turns named tensors into modules.
struct Builder<'a> {
    config: &'a Esm2Config,
    tensors: &'a Tensors<'a>,
    device: &'a Device,
}

impl Builder<'_> {
    fn layer(&self, index: usize) -> Layer {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        Layer {
            attention_norm: self.norm(&name("attention.LayerNorm")),
            query: self.linear(&name("attention.self.query")),
            key: self.linear(&name("attention.self.key")),
            value: self.linear(&name("attention.self.value")),
            attention_output: self.linear(&name("attention.output.dense")),
            feed_forward_norm: self.norm(&name("LayerNorm")),
            expand: self.linear(&name("intermediate.dense")),
            contract: self.linear(&name("output.dense")),
        }
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (values, shape) = self.tensors.values(name);
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    fn parameter<const D: usize>(&self, name: &str) -> Param<Tensor<D>> {
        Param::from_tensor(self.tensor(name)).set_require_grad(false)
    }

    /// Stored `[out, in]`; burn multiplies by `[in, out]`.
    fn linear(&self, name: &str) -> Linear {
        let weight = self.tensor::<2>(&format!("{name}.weight")).transpose();
        let weight = Param::from_tensor(weight).set_require_grad(false);
        Linear { weight, bias: Some(self.parameter(&format!("{name}.bias"))) }
    }

    fn norm(&self, name: &str) -> LayerNorm {
        let settings = LayerNormConfig::new(self.config.hidden_size);
        let mut norm = settings.with_epsilon(self.config.layer_norm_eps).init(self.device);
        norm.gamma = self.parameter(&format!("{name}.weight"));
        norm.beta = Some(self.parameter(&format!("{name}.bias")));
        norm
    }
}
