//! The committed random ESM-2, altered copies of it, and random sequences.
#![expect(clippy::disallowed_methods, reason = "tests write files that Dyad never would")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use tempfile::TempDir;

use crate::protein::ProteinSequence;

/// Type, shape and bytes of each tensor of a weight file.
pub(in crate::embeddings) type Stored = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// The folder of the random encoder and of what Hugging Face computes with it.
pub(in crate::embeddings) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/esm2_random")
}

/// The tensors of a file of the fixture.
pub(in crate::embeddings) fn stored(file: &str) -> Stored {
    stored_in(&folder().join(file))
}

/// The tensors of any file.
pub(in crate::embeddings) fn stored_in(path: &Path) -> Stored {
    let bytes = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap().tensors().into_iter();
    let owned = |view: TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
    tensors.map(|(name, view)| (name, owned(view))).collect()
}

pub(in crate::embeddings) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

pub(in crate::embeddings) fn bytes(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

pub(in crate::embeddings) fn write_weights(path: &Path, tensors: &Stored) {
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// A copy of the encoder in a folder of its own.
pub(in crate::embeddings) fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "vocab.txt", "model.safetensors"] {
        fs::copy(folder().join(file), copy.path().join(file)).unwrap();
    }
    copy
}

/// A copy with other weights.
pub(in crate::embeddings) fn with_weights(change: impl FnOnce(&mut Stored)) -> TempDir {
    let copy = copy();
    let mut tensors = stored("model.safetensors");
    change(&mut tensors);
    write_weights(&copy.path().join("model.safetensors"), &tensors);
    copy
}

/// A copy with another configuration.
pub(in crate::embeddings) fn with_config(change: impl FnOnce(&mut Value)) -> TempDir {
    let copy = copy();
    let path = copy.path().join("config.json");
    let mut config = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(&path, config.to_string()).unwrap();
    copy
}

/// Random sequences of the given lengths.
pub(in crate::embeddings) fn random_sequences(
    seed: u64,
    lengths: impl IntoIterator<Item = usize>,
) -> Vec<ProteinSequence> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let alphabet = b"LAGVSERTIDPKQNFYMHWC";
    let mut residue = || char::from(alphabet[random.random_range(0..alphabet.len())]);
    let sequences = lengths.into_iter().map(|length| (0..length).map(|_| residue()).collect());
    sequences.map(|residues: String| residues.parse().unwrap()).collect()
}
