//! The folder of an encoder: `config.json`, the vocabulary, weights and their index.

use std::fs;
use std::path::Path;

use dyad::device::{self, Precision};
use dyad::embeddings::esm2::{Encoder, PackedBatch, tokenize};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::{case, folder, fuzz, large_folder, refused, shipped};
use crate::forged::{self, Edit, File};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

fn original(name: &str) -> Vec<u8> {
    shipped(&format!("tests/fixtures/esm2_random/{name}"))
}

fn copy() -> TempDir {
    copy_to(folder())
}

fn copy_to(folder: TempDir) -> TempDir {
    for name in [CONFIG, "vocab.txt", WEIGHTS] {
        fs::write(folder.path().join(name), original(name)).unwrap();
    }
    folder
}

/// Opens the encoder; one that opens also loads and embeds.
pub(crate) fn open(place: &Path) -> Option<Encoder> {
    let encoder = match Encoder::open(place) {
        Ok(encoder) => encoder,
        Err(error) => {
            refused(&error);
            return None;
        }
    };
    let model = encoder.load(&device::cpu(), Precision::F32).unwrap();
    let embedded = model.embed(&PackedBatch::of(&tokenize("MKVLAAGIVG")));
    assert_eq!(embedded.dims(), [1, encoder.config().hidden_size]);
    Some(encoder)
}

fn check(folder: &Path) {
    if let Some(encoder) = open(folder) {
        let around = 2 + usize::from(folder.join(INDEX).exists());
        assert_eq!(encoder.sources().len(), encoder.files().len() - around);
    }
}

#[test]
fn configurations() {
    let folder = copy();
    let valid: Value = serde_json::from_slice(&original(CONFIG)).unwrap();
    fuzz("encoder, config.json", vec(json::change(), 1..3), |changes: Vec<Change>| {
        let config = changes.iter().fold(valid.clone(), changed);
        fs::write(folder.path().join(CONFIG), config.to_string()).unwrap();
        check(folder.path());
    });
}

#[test]
fn configurations_of_other_sizes() {
    let folder = copy();
    let valid: Value = serde_json::from_slice(&original(CONFIG)).unwrap();
    let names = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"];
    let size = || prop_oneof![Just(None), (0..24_u32).prop_map(|bits| Some(1_u64 << bits))];
    fuzz("encoder, sizes", [size(), size(), size(), size()], |sizes| {
        let mut config = valid.clone();
        for (name, size) in names.iter().zip(sizes) {
            config[name] = size.map_or_else(|| config[name].clone(), Value::from);
        }
        fs::write(folder.path().join(CONFIG), config.to_string()).unwrap();
        check(folder.path());
    });
}

#[test]
fn weights_forged() {
    let folder = copy();
    let valid = File::parse(&original(WEIGHTS));
    fuzz("encoder, weights forged", forged::edits(), |edits: Vec<Edit>| {
        fs::write(folder.path().join(WEIGHTS), valid.forged(&edits)).unwrap();
        check(folder.path());
    });
}

#[test]
fn files_damaged() {
    let folder = copy();
    let files = [CONFIG, "vocab.txt", WEIGHTS];
    let strategy = (proptest::sample::select(files.to_vec()), mutations());
    fuzz("encoder, files damaged", strategy, |(name, mutations)| {
        let path = folder.path().join(name);
        fs::write(&path, mutated(&original(name), &mutations)).unwrap();
        check(folder.path());
        fs::write(&path, original(name)).unwrap();
    });
}

#[test]
fn indices() {
    let folder = copy();
    let parts = ["model-1.safetensors", "model-2.safetensors"];
    fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
    let whole = File::parse(&original(WEIGHTS));
    fs::write(folder.path().join(parts[0]), whole.bytes()).unwrap();
    let empty = File { header: json!({}), data: Vec::new() };
    fs::write(folder.path().join(parts[1]), empty.bytes()).unwrap();
    let valid =
        json!({"metadata": {"total_size": 1}, "weight_map": {"a": parts[0], "b": parts[1]}});
    fuzz("encoder, index", vec(json::change(), 0..3), |changes: Vec<Change>| {
        let index = changes.iter().fold(valid.clone(), changed);
        fs::write(folder.path().join(INDEX), index.to_string()).unwrap();
        check(folder.path());
    });
}

/// Headers that are large for what they say.
#[test]
fn large_headers() {
    let folder = copy_to(large_folder());
    let valid = File::parse(&original(WEIGHTS));
    let write = |edit: Edit| fs::write(folder.path().join(WEIGHTS), valid.forged(&[edit])).unwrap();
    write(Edit::Many(100_000));
    case("encoder, 100,000 tensors", || check(folder.path()));
    write(Edit::Pad(17 << 20));
    case("encoder, a header of 17 MiB", || check(folder.path()));
    write(Edit::Pad(99_000_000));
    case("encoder, a header of 99 MB", || check(folder.path()));
    // Every name of eighteen parts in two spellings each is the same name.
    let mut spellings = valid.clone();
    for number in 0..1_u32 << 14 {
        let part = |bit: u32| match number & (1 << bit) {
            0 => "LayerNorm.gamma",
            _ => "LayerNorm.weight",
        };
        let name: String = (0..14).map(part).collect();
        let end = valid.data.len();
        spellings.header[name] = json!({"dtype": "F32", "shape": [0], "data_offsets": [end, end]});
    }
    fs::write(folder.path().join(WEIGHTS), spellings.bytes()).unwrap();
    case("encoder, one name in 16,384 spellings", || check(folder.path()));
}
