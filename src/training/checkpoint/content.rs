//! A checkpoint as bytes: one safetensors file with everything a run goes on from.

use serde::{Deserialize, Serialize};

use super::super::state::SavedState;
use super::RunIdentity;
use crate::classifier::{NamedTensors, tensor_file};
use crate::digest::Digest;

/// The name and version of the format, in every checkpoint's metadata.
const SCHEMA: &str = "dyad.checkpoint.v1";
/// The groups of tensors: present parameters, those of the best epoch, Adam's moments.
const GROUPS: [&str; 3] = ["model", "best", "adam"];

/// A checkpoint's content.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::training) struct Checkpoint {
    pub(in crate::training) saved: SavedState,
    /// The present parameters.
    pub(in crate::training) model: NamedTensors,
    /// The parameters of the best epoch.
    pub(in crate::training) best: NamedTensors,
    /// The moments of Adam.
    pub(in crate::training) moments: NamedTensors,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    schema: String,
    run_id: String,
    /// Absent from the checkpoints of version 0.1.0, which only the run id binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_digest: Option<Digest>,
    state: SavedState,
}

/// The bytes of a checkpoint of `run`; equal content gives equal bytes.
pub(super) fn encode(checkpoint: &Checkpoint, run: &RunIdentity) -> Vec<u8> {
    let metadata = Metadata {
        schema: SCHEMA.to_owned(),
        run_id: run.id.clone(),
        config_digest: Some(run.digest),
        state: checkpoint.saved.clone(),
    };
    let groups = [&checkpoint.model, &checkpoint.best, &checkpoint.moments];
    let tensors = GROUPS.iter().zip(groups).flat_map(|(group, named)| {
        named.iter().map(move |(name, tensor)| (format!("{group}.{name}"), tensor.clone()))
    });
    let description = serde_json::to_string(&metadata).unwrap_or_default();
    tensor_file::encode(&tensors.collect(), description)
}

/// The checkpoint of `run` that `bytes` are; they are untrusted.
pub(super) fn decode(bytes: &[u8], run: &RunIdentity) -> Result<Checkpoint, String> {
    let (tensors, description) = tensor_file::decode(bytes)?;
    let metadata: Metadata =
        serde_json::from_str(&description).map_err(|error| error.to_string())?;
    let ours = metadata.config_digest.is_none_or(|digest| digest == run.digest);
    if metadata.schema != SCHEMA || metadata.run_id != run.id || !ours {
        return Err("it is a checkpoint of another format or run".to_owned());
    }
    if !metadata.state.is_plausible() {
        return Err("its counts contradict each other".to_owned());
    }
    let mut groups = GROUPS.map(|_| NamedTensors::new());
    for (name, tensor) in tensors {
        let (group, parameter) = name.split_once('.').unwrap_or_default();
        let Some(index) = GROUPS.iter().position(|known| *known == group) else {
            return Err(format!("its tensor `{name}` is none of a checkpoint"));
        };
        groups[index].insert(parameter.to_owned(), tensor);
    }
    let [model, best, moments] = groups;
    Ok(Checkpoint { saved: metadata.state, model, best, moments })
}
