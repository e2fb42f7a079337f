//! fair-esm's `.pt` files: what they give, and which of them is meant.
#![expect(clippy::disallowed_methods, reason = "tests write files that Dyad never would")]

use std::fs;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::tensor::Dtype;
use tempfile::TempDir;

use super::*;
use crate::embeddings::tests::fixture::{Stored, with_weights};
use torch_save::{Steps, archive, cfg, dictionary, pickle, tensor};

mod refusals;
#[path = "../../../../tests/support/torch_save.rs"]
mod torch_save;

const NAME: &str = "esm2_t3_UR50D.pt";
/// Layers, width and heads of the random encoder of Hugging Face's layout.
const SIZES: [usize; 3] = [3, 32, 4];

fn sources(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The file that PyTorch and fair-esm made.
fn made_by_fair_esm() -> PathBuf {
    sources("tests/fixtures/fair_esm_random/esm2_tiny.pt")
}

fn tensors_in(folder: &Path) -> Stored {
    fixture::stored_in(&folder.join("model.safetensors"))
}

/// The name that fair-esm gives to a tensor of Hugging Face's, without prefix; `None` for what only
/// Hugging Face's files carry.
fn theirs(name: &str) -> Option<String> {
    if name.contains("position_") {
        return None;
    }
    let parts = [
        ("esm.", ""),
        ("embeddings.word_embeddings", "embed_tokens"),
        ("encoder.emb_layer_norm_after", "emb_layer_norm_after"),
        ("encoder.layer.", "layers."),
        ("attention.self.query", "self_attn.q_proj"),
        ("attention.self.key", "self_attn.k_proj"),
        ("attention.self.value", "self_attn.v_proj"),
        ("attention.output.dense", "self_attn.out_proj"),
        ("attention.self.rotary_embeddings", "self_attn.rot_emb"),
        ("attention.LayerNorm", "self_attn_layer_norm"),
        (".LayerNorm", ".final_layer_norm"),
        ("intermediate.dense", "fc1"),
        ("output.dense", "fc2"),
    ];
    Some(parts.iter().fold(name.to_owned(), |name, (ours, theirs)| name.replace(ours, theirs)))
}

/// What goes into a `.pt` file: steps that make a dictionary of tensors, and their numbers.
#[derive(Default)]
struct Parts {
    model: Vec<(String, Steps)>,
    files: Vec<(String, Vec<u8>)>,
}

impl Parts {
    /// The tensors of Hugging Face's layout under fair-esm's names.
    fn of(tensors: Stored, prefix: &str) -> Self {
        let mut parts = Self::default();
        for (name, (dtype, shape, bytes)) in tensors {
            let Some(name) = theirs(&name) else { continue };
            let storage = match dtype {
                Dtype::F16 => "HalfStorage",
                Dtype::BF16 => "BFloat16Storage",
                Dtype::I64 => "LongStorage",
                _ => "FloatStorage",
            };
            let key = parts.files.len().to_string();
            parts.model.push((format!("{prefix}{name}"), tensor(storage, &key, &shape)));
            parts.files.push((format!("data/{key}"), bytes));
        }
        parts
    }

    fn embed_tokens(&mut self) -> &mut Steps {
        let mut tensors = self.model.iter_mut();
        &mut tensors.find(|(name, _)| name.ends_with("embed_tokens.weight")).unwrap().1
    }

    fn random() -> Self {
        Self::of(tensors_in(&fixture::folder()), "encoder.sentence_encoder.")
    }

    fn bytes(self, cfg: Steps) -> Vec<u8> {
        self.bytes_of(&dictionary(&[("cfg", cfg), ("model", dictionary(&self.model))]))
    }

    fn bytes_of(&self, root: &[u8]) -> Vec<u8> {
        let about =
            [("data.pkl".to_owned(), pickle(root)), ("byteorder".to_owned(), b"little".to_vec())];
        archive(&[&about[..], &self.files].concat())
    }
}

fn folder_with(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), bytes).unwrap();
    folder
}

fn embeddings(place: &Path) -> Vec<Vec<f32>> {
    let encoder = Encoder::open(place).unwrap();
    embed(&encoder.load(&crate::device::cpu(), Precision::F32).unwrap(), &batch(&sequences()))
}

#[test]
fn a_file_of_fair_esm_gives_what_fair_esm_gives() {
    let path = made_by_fair_esm();
    let expected = fixture::stored_in(&path.with_file_name("expected.safetensors"));
    let expected = fixture::floats(&expected["embeddings"].2);
    let ours = embeddings(&path);
    assert_eq!(ours.len() * 8, expected.len());
    for (index, (ours, theirs)) in ours.iter().zip(expected.chunks_exact(8)).enumerate() {
        assert_parity(&format!("sequence {index}"), ours, theirs);
    }
    let encoder = Encoder::open(&path).unwrap();
    assert_eq!(encoder.identity().name, "esm2_tiny");
    assert_eq!(encoder.files(), std::slice::from_ref(&path));
    let [source] = encoder.sources() else { panic!("{:?}", encoder.sources()) };
    assert_eq!(source.name, "esm2_tiny.pt");
    assert_eq!(source.sha256, Digest::of(&fs::read(&path).unwrap()));
}

#[test]
fn the_same_weights_in_both_layouts_give_the_same_bits() {
    let small = sources("models/esm2_t6_tiny");
    let folder = folder_with(&Parts::of(tensors_in(&small), "encoder.").bytes(cfg([6, 64, 4])));
    assert_eq!(embeddings(folder.path()), embeddings(&small));
    let [theirs, ours] = [folder.path(), &small].map(|place| Encoder::open(place).unwrap());
    assert_eq!(theirs.config(), ours.config());
    assert_ne!(theirs.identity().digest, ours.identity().digest, "it is of files");
}

#[test]
fn every_prefix_and_number_format_is_read() {
    let half = |tensors: &mut Stored| {
        let floating = tensors.values_mut().filter(|tensor| tensor.0 == Dtype::F32);
        floating.for_each(|(dtype, _, bytes)| {
            *dtype = Dtype::F16;
            let values = fixture::floats(bytes).into_iter();
            *bytes = values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
        });
    };
    for (format, folder) in [("f32", with_weights(|_| ())), ("f16", with_weights(half))] {
        let expected = embeddings(folder.path());
        for prefix in ["", "encoder.", "sentence_encoder.", "encoder.sentence_encoder."] {
            let saved =
                folder_with(&Parts::of(tensors_in(folder.path()), prefix).bytes(cfg(SIZES)));
            assert_eq!(embeddings(saved.path()), expected, "{format}, `{prefix}`");
        }
    }
}

#[test]
fn the_file_that_is_meant_is_found() {
    let folder = folder_with(&fs::read(made_by_fair_esm()).unwrap());
    let path = |name: &str| folder.path().join(name);
    fs::write(path("esm2_t3_UR50D-contact-regression.pt"), "not opened").unwrap();
    fs::write(path("notes.txt"), "not opened").unwrap();
    let digest = |place: &Path| Encoder::open(place).unwrap().identity().digest;
    assert_eq!(digest(folder.path()), digest(&made_by_fair_esm()));
    assert_eq!(Encoder::open(folder.path()).unwrap().identity().name, "esm2_t3_UR50D");

    fs::copy(path(NAME), path("mine.pt")).unwrap();
    let error = Encoder::open(folder.path()).unwrap_err();
    let expected = format!(
        "`{}` holds `esm2_t3_UR50D.pt` and `mine.pt`; give the path of one of them, or a folder with one",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(digest(&path("mine.pt")), digest(&path(NAME)));
    assert_eq!(Encoder::open(&path("mine.pt")).unwrap().identity().name, "esm2_t2_8d");

    // A folder of Hugging Face may hold other files.
    for file in ["config.json", "model.safetensors"] {
        fs::copy(fixture::folder().join(file), path(file)).unwrap();
    }
    assert_eq!(digest(folder.path()), digest(&fixture::folder()));
}
