//! Encoders of any shape with random weights, in the layout that Hugging Face publishes: speed does
//! not depend on the values.

use std::fs;
use std::path::Path;

use dyad::classifier::{NamedTensors, tensor_file};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::json;

const VOCABULARY: usize = 33;

/// The numbers that shape an ESM-2.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    /// Inside the feed-forward blocks.
    pub(crate) inner: usize,
}

/// Writes `config.json` and `model.safetensors` into `folder`, the weights last: whoever finds
/// them finds everything.
pub(crate) fn write(folder: &Path, shape: Shape) -> std::io::Result<()> {
    let config = json!({
        "model_type": "esm",
        "position_embedding_type": "rotary",
        "token_dropout": true,
        "vocab_size": VOCABULARY,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "layer_norm_eps": 1e-5,
    });
    fs::create_dir_all(folder)?;
    fs::write(folder.join("config.json"), config.to_string())?;
    let partial = folder.join("partial");
    fs::write(&partial, tensor_file::encode(&tensors(shape), "random".into()))?;
    fs::rename(partial, folder.join("model.safetensors"))
}

fn tensors(Shape { layers, width, inner, .. }: Shape) -> NamedTensors {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut tensors = NamedTensors::new();
    let mut insert = |name: String, shape: &[usize], middle: f32| {
        let around = middle - 0.03..middle + 0.03;
        let count: usize = shape.iter().product();
        let values = (0..count).map(|_| random.random_range(around.clone())).collect();
        tensors.insert(name, (values, shape.to_vec()));
    };
    insert("esm.embeddings.word_embeddings.weight".into(), &[VOCABULARY, width], 0.0);
    for layer in 0..layers {
        let name = |part: &str| format!("esm.encoder.layer.{layer}.{part}");
        let linears = [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", inner, width),
            ("output.dense", width, inner),
        ];
        for (part, to, from) in linears {
            insert(name(&format!("{part}.weight")), &[to, from], 0.0);
            insert(name(&format!("{part}.bias")), &[to], 0.0);
        }
        for norm in ["attention.LayerNorm", "LayerNorm"] {
            insert(name(&format!("{norm}.weight")), &[width], 1.0);
            insert(name(&format!("{norm}.bias")), &[width], 0.0);
        }
    }
    insert("esm.encoder.emb_layer_norm_after.weight".into(), &[width], 1.0);
    insert("esm.encoder.emb_layer_norm_after.bias".into(), &[width], 0.0);
    tensors
}
