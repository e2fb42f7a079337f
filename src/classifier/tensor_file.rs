//! Named tensors as a safetensors file: model files and checkpoints.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::NamedTensors;
use crate::storage;

/// The only metadata key; the order of several would not be reproducible.
const METADATA_KEY: &str = "dyad";

/// The bytes of a file of 32-bit tensors with a description of our own.
///
/// Equal input gives equal bytes.
pub fn encode(tensors: &NamedTensors, description: String) -> Vec<u8> {
    let encoded: Vec<(&String, Vec<u8>, &[usize])> = tensors
        .iter()
        .map(|(name, (values, shape))| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, bytes, shape.as_slice())
        })
        .collect();
    let views = encoded.iter().filter_map(|(name, bytes, shape)| {
        // Shape and size agree: both come from one tensor.
        Some((name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).ok()?))
    });
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), description)]);
    // Serialising fails for views that contradict themselves, and none was made of such.
    safetensors::serialize(views, Some(metadata)).unwrap_or_default()
}

/// The tensors and the description of a file; the bytes are untrusted.
pub fn decode(bytes: &[u8]) -> Result<(NamedTensors, String), String> {
    storage::check_tensor_header(bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let description = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
    let description = description.ok_or("it was not written by Dyad")?.clone();
    let mut tensors = NamedTensors::new();
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("its tensor `{name}` is not of 32-bit floating point"));
        }
        let values = view.data().as_chunks().0.iter().map(|word| f32::from_le_bytes(*word));
        let values: Vec<f32> = values.collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(format!("its tensor `{name}` holds a value that is not finite"));
        }
        tensors.insert(name, (values, view.shape().to_vec()));
    }
    Ok((tensors, description))
}
