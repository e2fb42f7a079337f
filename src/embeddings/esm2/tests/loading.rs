//! Strict loading: what is not exactly the weights of the architecture is refused by name.
#![expect(clippy::disallowed_methods, reason = "tests write files that Dyad never would")]

use std::fs;

use half::{bf16, f16};
use safetensors::tensor::Dtype;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::embeddings::tests::fixture::{Stored, copy, with_config, with_weights, write_weights};

const QUERY: &str = "esm.encoder.layer.1.attention.self.query.weight";
const WEIGHTS: &str = "model.safetensors";

fn refusal(folder: &TempDir) -> EncoderError {
    Encoder::open(folder.path()).unwrap_err()
}

fn weight_problems(folder: &TempDir) -> WeightProblems {
    match refusal(folder) {
        EncoderError::Mismatch { problems, .. } => problems,
        error => panic!("{error}"),
    }
}

fn config_problem(folder: &TempDir) -> String {
    match refusal(folder) {
        EncoderError::Config { problem, .. } => problem,
        error => panic!("{error}"),
    }
}

/// All embeddings of the fixture's sequences, computed by the model in `folder`.
fn embeddings(folder: &TempDir) -> Vec<Vec<f32>> {
    let model =
        Encoder::open(folder.path()).unwrap().load(&crate::device::cpu(), Precision::F32).unwrap();
    embed(&model, &batch(&sequences()))
}

fn renamed(tensors: &mut Stored, rename: impl Fn(&str) -> String) {
    *tensors = std::mem::take(tensors).into_iter().map(|(n, t)| (rename(&n), t)).collect();
}

#[test]
fn tensors_missing_left_over_or_mis_shaped_are_named() {
    let folder = with_weights(|tensors| {
        tensors.remove(QUERY);
        let name = "esm.encoder.layer.3.output.dense.bias".to_owned();
        tensors.insert(name, (Dtype::F32, vec![32], vec![0; 128]));
        let (_, shape, _) = tensors.get_mut("esm.encoder.layer.0.output.dense.weight").unwrap();
        shape.reverse();
        let (dtype, ..) = tensors.get_mut("esm.encoder.layer.0.output.dense.bias").unwrap();
        *dtype = Dtype::I32;
    });
    let problems = weight_problems(&folder);
    assert_eq!(problems.missing, ["encoder.layer.1.attention.self.query.weight"]);
    assert_eq!(problems.left_over, ["encoder.layer.3.output.dense.bias"]);
    let expected = [
        "encoder.layer.0.output.dense.weight: F32 [128, 32], expected [32, 128]",
        "encoder.layer.0.output.dense.bias: I32 [32], expected [32]",
    ];
    assert_eq!(problems.mis_shaped, expected);
}

#[test]
fn a_tensor_in_two_spellings_is_refused() {
    let folder = with_weights(|tensors| {
        let again = tensors[QUERY].clone();
        tensors.insert(QUERY.replace("esm.", ""), again);
    });
    let expected = ["esm.encoder.layer.1.attention.self.query.weight (again)"];
    assert_eq!(weight_problems(&folder).left_over, expected);
}

#[test]
fn a_file_cut_anywhere_is_damaged() {
    let whole = fs::read(fixture::folder().join(WEIGHTS)).unwrap();
    for length in [0, 7, 8, 1000, whole.len() / 2, whole.len() - 1] {
        let folder = copy();
        fs::write(folder.path().join(WEIGHTS), &whole[..length]).unwrap();
        let error = refusal(&folder);
        assert!(matches!(error, EncoderError::Damaged { .. }), "{length} bytes: {error}");
    }
}

#[test]
fn a_folder_without_weights_says_what_is_expected() {
    let folder = copy();
    fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
    let error = refusal(&folder);
    assert!(matches!(error, EncoderError::NoWeights(_)), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("no `model.safetensors` or `model.safetensors.index.json` in"));
}

#[test]
fn another_architecture_is_refused() {
    let cases = [
        (json!({"position_embedding_type": "absolute"}), "positions are not rotary (ESM-1?)"),
        (json!({"model_type": "bert"}), "`model_type` is not `esm`"),
        (json!({"emb_layer_norm_before": true}), "`emb_layer_norm_before` is set (ESM-1b)"),
        (json!({"is_decoder": true}), "`is_decoder` is set"),
        (json!({"rope_theta": 500_000.0}), "`rope_theta` is not 10000"),
        (json!({"vocab_size": 64}), "`vocab_size` is 64, ESM-2 has 33"),
        (
            json!({"num_attention_heads": 5}),
            "`hidden_size` 32 cannot be split into 5 heads of even width",
        ),
        (
            json!({"num_attention_heads": 32}),
            "`hidden_size` 32 cannot be split into 32 heads of even width",
        ),
        (json!({"num_attention_heads": 0}), "a size is 0 or beyond any published model"),
        (json!({"num_hidden_layers": 100_000}), "a size is 0 or beyond any published model"),
        (json!({"layer_norm_eps": 0.0}), "`layer_norm_eps` is 0"),
    ];
    for (change, expected) in cases {
        let folder = with_config(|config| {
            let change = change.as_object().unwrap().clone();
            config.as_object_mut().unwrap().extend(change);
        });
        assert_eq!(config_problem(&folder), expected);
    }
    let folder = with_config(|config| config["intermediate_size"] = json!("128"));
    assert!(config_problem(&folder).contains("expected usize"));
    let folder = with_config(|config| drop(config.as_object_mut().unwrap().remove("hidden_size")));
    assert!(config_problem(&folder).contains("`hidden_size`"));
    // One layer more than there are weights for.
    let folder = with_config(|config| config["num_hidden_layers"] = json!(4));
    assert_eq!(weight_problems(&folder).missing.len(), 16);
}

#[test]
fn the_vocabulary_of_another_model_is_refused() {
    let folder = copy();
    let path = folder.path().join("vocab.txt");
    let swapped = fs::read_to_string(&path).unwrap().replace("L\nA\n", "A\nL\n");
    fs::write(&path, swapped).unwrap();
    assert_eq!(config_problem(&folder), "its tokens are not the 33 of ESM-2");
    fs::remove_file(&path).unwrap();
    assert!(Encoder::open(folder.path()).is_ok(), "a folder without one is fine");
}

#[test]
fn every_published_spelling_gives_the_same_numbers() {
    let expected = embeddings(&copy());
    let older = with_weights(|tensors| {
        renamed(tensors, |name| {
            name.replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta")
        });
        assert!(tensors.contains_key("esm.encoder.layer.2.attention.LayerNorm.gamma"));
    });
    let bare = with_weights(|tensors| {
        renamed(tensors, |name| name.strip_prefix("esm.").unwrap_or(name).to_owned());
    });
    let without_frequencies = with_weights(|tensors| {
        tensors.retain(|name, _| !name.ends_with("inv_freq") && !name.starts_with("lm_head."));
        let name = "esm.rotary_embeddings.inv_freq".to_owned();
        tensors.insert(name, (Dtype::F32, vec![4], vec![0; 16]));
    });
    for folder in [older, bare, without_frequencies] {
        assert_eq!(embeddings(&folder), expected);
    }
}

#[test]
fn one_name_in_thousands_of_spellings_is_refused_at_once() {
    let empty = (Dtype::F32, vec![0], Vec::new());
    let folder = with_weights(|tensors| {
        for number in 0..1 << 10 {
            let part = |bit: u32| match number & (1 << bit) {
                0 => "LayerNorm.gamma",
                _ => "LayerNorm.weight",
            };
            tensors.insert((0..10).map(part).collect(), empty.clone());
        }
    });
    let problems = weight_problems(&folder);
    assert_eq!(problems.left_over.len(), 1 << 10);
    // Each marked once: marks on marks took gigabytes.
    let longest = problems.left_over.iter().map(String::len).max().unwrap();
    assert!(longest < 200, "{longest}");
}

#[test]
fn a_header_that_would_fill_the_memory_is_refused_unread() {
    let folder = copy();
    let path = folder.path().join(WEIGHTS);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&(17_u64 << 20).to_le_bytes(), &bytes[8..]].concat()).unwrap();
    let error = refusal(&folder).to_string();
    assert!(error.contains("its header claims 17825792 bytes, at most 16777216"), "{error}");
}

/// A format with its encoding and its rounding.
type Half = (Dtype, fn(f32) -> [u8; 2], fn(f32) -> f32);

#[test]
fn half_precision_weights_give_what_their_values_give() {
    let cases: [Half; 2] = [
        (Dtype::F16, |v| f16::from_f32(v).to_le_bytes(), |v| f16::from_f32(v).to_f32()),
        (Dtype::BF16, |v| bf16::from_f32(v).to_le_bytes(), |v| bf16::from_f32(v).to_f32()),
    ];
    let each = |tensors: &mut Stored, change: &dyn Fn(&mut Dtype, &mut Vec<u8>)| {
        let floating = tensors.values_mut().filter(|tensor| tensor.0 == Dtype::F32);
        floating.for_each(|(dtype, _, bytes)| change(dtype, bytes));
    };
    for (half, encode, round) in cases {
        let narrow = with_weights(|tensors| {
            each(tensors, &|dtype, bytes| {
                *dtype = half;
                *bytes = fixture::floats(bytes).into_iter().flat_map(encode).collect();
            });
        });
        let rounded = with_weights(|tensors| {
            each(tensors, &|_, bytes| {
                *bytes = fixture::bytes(fixture::floats(bytes).into_iter().map(round));
            });
        });
        assert_eq!(embeddings(&narrow), embeddings(&rounded), "{half:?}");
    }
}

/// A copy whose weights lie in two files, the index naming them `files`.
fn sharded(files: [&str; 2]) -> TempDir {
    let folder = copy();
    fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
    let tensors = fixture::stored(WEIGHTS);
    let (mut parts, mut map) = ([Stored::new(), Stored::new()], serde_json::Map::new());
    for (index, (name, tensor)) in tensors.into_iter().enumerate() {
        map.insert(name.clone(), json!(files[index % 2]));
        parts[index % 2].insert(name, tensor);
    }
    for (file, part) in files.iter().zip(&parts) {
        write_weights(&folder.path().join(file), part);
    }
    let index = json!({"metadata": {"total_size": 0}, "weight_map": map});
    fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
    folder
}

#[test]
fn weights_in_several_files_are_read_through_their_index() {
    let files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let folder = sharded(files);
    assert_eq!(embeddings(&folder), embeddings(&copy()));
    let listed = Encoder::open(folder.path()).unwrap().files();
    assert!(files.iter().all(|file| listed.contains(&folder.path().join(file))));

    fs::remove_file(folder.path().join(files[1])).unwrap();
    let error = refusal(&folder);
    assert!(matches!(error, EncoderError::Storage(_)), "{error}");
    assert!(error.to_string().contains(files[1]));
}

#[test]
fn an_index_that_leads_out_of_the_folder_is_refused() {
    let folder = sharded(["a.safetensors", "b.safetensors"]);
    fs::create_dir(folder.path().join("inner")).unwrap();
    for file in ["config.json", "vocab.txt"] {
        fs::copy(folder.path().join(file), folder.path().join("inner").join(file)).unwrap();
    }
    for name in ["../a.safetensors", "/a.safetensors", "x/../a.safetensors", ".."] {
        let index = json!({"weight_map": {"x": name}});
        let path = folder.path().join("inner/model.safetensors.index.json");
        fs::write(path, index.to_string()).unwrap();
        let error = Encoder::open(&folder.path().join("inner")).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}` is no file name")), "{error}");
    }
}

#[test]
fn the_digest_tells_weights_and_architectures_apart() {
    let digest = |folder: &TempDir| Encoder::open(folder.path()).unwrap().identity().digest;
    let original = digest(&with_weights(|_| ()));
    assert_eq!(original, digest(&with_weights(|_| ())), "whatever the folder");
    let weight = with_weights(|tensors| tensors.get_mut(QUERY).unwrap().2[0] ^= 1);
    assert_ne!(original, digest(&weight));
    let original = digest(&copy());
    let heads = with_config(|config| config["num_attention_heads"] = json!(8));
    assert_ne!(original, digest(&heads));
    let described = with_config(|config| config["transformers_version"] = json!("4.0.0"));
    assert_eq!(original, digest(&described), "what computes nothing does not count");
}
