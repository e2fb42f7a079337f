//! The key table of ESM-2 weights and the strict check against it.
//!
//! Names are Hugging Face's without the prefix `esm.`, and `LayerNorm.gamma`/`beta` (older files)
//! read as `weight`/`bias`; those of fair-esm are translated in `pt/names.rs`. Linear weights are stored `[out, in]`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

use super::{EncoderError, Esm2Config, pt};
use crate::storage::{self, MappedFile, SourceFile};

/// All weights, where there is one file.
pub(super) const SINGLE: &str = "model.safetensors";
/// Names the file of each tensor where there are several files.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Every tensor of the network with its shape.
fn key_table(config: &Esm2Config) -> Vec<(String, Vec<usize>)> {
    let (d, f) = (config.hidden_size, config.intermediate_size);
    let mut table = vec![("embeddings.word_embeddings.weight".into(), vec![config.vocab_size, d])];
    let mut linear = |name: String, from: usize, to: usize| {
        table.push((format!("{name}.weight"), vec![to, from]));
        table.push((format!("{name}.bias"), vec![to]));
    };
    for layer in 0..config.num_hidden_layers {
        let prefix = format!("encoder.layer.{layer}");
        for projection in ["self.query", "self.key", "self.value", "output.dense"] {
            linear(format!("{prefix}.attention.{projection}"), d, d);
        }
        linear(format!("{prefix}.intermediate.dense"), d, f);
        linear(format!("{prefix}.output.dense"), f, d);
    }
    let mut norm = |name: String| {
        table.push((format!("{name}.weight"), vec![d]));
        table.push((format!("{name}.bias"), vec![d]));
    };
    for layer in 0..config.num_hidden_layers {
        norm(format!("encoder.layer.{layer}.attention.LayerNorm"));
        norm(format!("encoder.layer.{layer}.LayerNorm"));
    }
    norm("encoder.emb_layer_norm_after".into());
    table
}

/// Tensors that published files carry and the embedding does not need.
fn is_ignored(name: &str) -> bool {
    let heads = ["lm_head.", "contact_head.", "pooler."];
    heads.iter().any(|head| name.starts_with(head))
        || name.ends_with("rotary_embeddings.inv_freq")
        || name.starts_with("embeddings.position_")
}

fn canonical(name: &str) -> String {
    let name = name.strip_prefix("esm.").unwrap_or(name);
    name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
}

/// What keeps weights from fitting an architecture, by tensor name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WeightProblems {
    /// In the key table, not in the files.
    pub missing: Vec<String>,
    /// In the files, not in the key table.
    pub left_over: Vec<String>,
    /// In both with another shape or an unusable number format.
    pub mis_shaped: Vec<String>,
}

impl fmt::Display for WeightProblems {
    /// At most two names of each kind, so that the cause stays readable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("missing", &self.missing),
            ("left over", &self.left_over),
            ("mis-shaped", &self.mis_shaped),
        ];
        let mut separator = "";
        for (kind, names) in kinds.into_iter().filter(|(_, names)| !names.is_empty()) {
            let shown: Vec<_> = names.iter().take(2).map(|name| format!("`{name}`")).collect();
            write!(f, "{separator}{} {kind}: {}", names.len(), shown.join(", "))?;
            if names.len() > shown.len() {
                f.write_str(", ...")?;
            }
            separator = "; ";
        }
        Ok(())
    }
}

/// The weight files of an encoder, mapped.
#[derive(Debug)]
pub(super) struct WeightFiles {
    files: Vec<(PathBuf, MappedFile)>,
    format: Format,
}

/// What weight files are written in.
#[derive(Clone, Copy, Debug)]
enum Format {
    Safetensors,
    Pt,
}

impl Format {
    /// What tells the architecture of such weights.
    fn description(self) -> &'static str {
        match self {
            Self::Safetensors => super::CONFIG,
            Self::Pt => "cfg",
        }
    }

    fn tensors<'a>(
        self,
        path: &Path,
        mapped: &'a MappedFile,
    ) -> Result<Vec<(String, TensorView<'a>)>, EncoderError> {
        if let Self::Pt = self {
            return pt::tensors(path, mapped.as_ref());
        }
        let damaged = |problem| EncoderError::Damaged { path: path.to_owned(), problem };
        storage::check_tensor_header(mapped.as_ref()).map_err(damaged)?;
        let parsed = SafeTensors::deserialize(mapped.as_ref());
        Ok(parsed.map_err(|error| damaged(error.to_string()))?.tensors())
    }
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl WeightFiles {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    pub(super) fn open(folder: &Path) -> Result<Self, EncoderError> {
        let mut files = Vec::new();
        for name in Self::names(folder)? {
            let path = folder.join(name);
            let mapped = storage::map(&path)?;
            files.push((path, mapped));
        }
        Ok(Self { files, format: Format::Safetensors })
    }

    /// The `.pt` file that [`pt::open`] has mapped.
    pub(super) fn of_pt(path: PathBuf, mapped: MappedFile) -> Self {
        Self { files: vec![(path, mapped)], format: Format::Pt }
    }

    /// The names of the weight files in `folder`.
    pub(super) fn names(folder: &Path) -> Result<Vec<String>, EncoderError> {
        if folder.join(SINGLE).exists() {
            return Ok(vec![SINGLE.to_owned()]);
        }
        let path = folder.join(INDEX);
        if !path.exists() {
            return Err(EncoderError::NoWeights(folder.to_owned()));
        }
        let wrong = |problem: String| EncoderError::Damaged { path: path.clone(), problem };
        let bytes = storage::read(&path, 16 << 20)?;
        let index: ShardIndex = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        let mut names: Vec<_> = index.weight_map.into_values().collect();
        names.sort();
        names.dedup();
        match names.iter().find(|name| !is_file_name(name)) {
            Some(name) => Err(wrong(format!("`{name}` is no file name"))),
            None => Ok(names),
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// The files with their digests.
    pub(super) fn sources(&self) -> Vec<SourceFile> {
        let source = |(path, mapped): &(PathBuf, MappedFile)| SourceFile {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: mapped.as_ref().len() as u64,
            sha256: mapped.digest(),
        };
        self.files.iter().map(source).collect()
    }

    /// Every tensor by canonical name; one that comes again under another spelling or in another
    /// file keeps its own name, marked so that the check reports it as left over.
    pub(super) fn tensors(&self) -> Result<Tensors<'_>, EncoderError> {
        let mut tensors = BTreeMap::new();
        for (path, mapped) in &self.files {
            let mut named = self.format.tensors(path, mapped)?;
            named.sort_by(|one, other| one.0.cmp(&other.0));
            for (name, view) in named {
                match tensors.entry(canonical(&name)) {
                    Entry::Vacant(entry) => drop(entry.insert(view)),
                    // The network has no tensor of such a name.
                    Entry::Occupied(_) => drop(tensors.insert(format!("{name} (again)"), view)),
                }
            }
        }
        Ok(Tensors { files: self, views: tensors })
    }

    /// Compares names and shapes with the key table.
    pub(super) fn check(&self, config: &Esm2Config, place: &Path) -> Result<(), EncoderError> {
        let mut tensors = self.tensors()?.views;
        let mut problems = WeightProblems::default();
        for (name, shape) in key_table(config) {
            match tensors.remove(&name) {
                None => problems.missing.push(name),
                Some(view) => {
                    let known = matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16);
                    if view.shape() != shape || !known {
                        let (found, dtype) = (view.shape(), view.dtype());
                        let text = format!("{name}: {dtype:?} {found:?}, expected {shape:?}");
                        problems.mis_shaped.push(text);
                    }
                }
            }
        }
        problems.left_over =
            tensors.into_keys().filter(|name| !is_ignored(&canonical(name))).collect();
        if problems == WeightProblems::default() {
            return Ok(());
        }
        let description = self.format.description();
        Err(EncoderError::Mismatch { place: place.to_owned(), description, problems })
    }
}

/// Whether a name stands for a file of its folder and nothing else.
pub(super) fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.')
}

/// The tensors of checked weight files.
pub(super) struct Tensors<'a> {
    files: &'a WeightFiles,
    views: BTreeMap<String, TensorView<'a>>,
}

impl Tensors<'_> {
    /// The values of a tensor of the key table as 32-bit floats, with its shape.
    ///
    /// The check has proven that every name of the key table is there.
    pub(super) fn values(&self, name: &str) -> (Vec<f32>, Vec<usize>) {
        let Some(view) = self.views.get(name) else { return (Vec::new(), Vec::new()) };
        let bytes = view.data();
        let values = match view.dtype() {
            Dtype::F16 => halves(bytes).map(|b| half::f16::from_bits(b).to_f32()).collect(),
            Dtype::BF16 => halves(bytes).map(|b| half::bf16::from_bits(b).to_f32()).collect(),
            _ => {
                let words = bytes.as_chunks::<4>().0.iter();
                words.map(|word| f32::from_le_bytes(*word)).collect()
            }
        };
        (values, view.shape().to_vec())
    }

    /// The same as data of a tensor.
    pub(super) fn data(&self, name: &str) -> TensorData {
        let (values, shape) = self.values(name);
        TensorData::new(values, shape)
    }

    /// Lets the system have the memory that holds what was read so far; it is read again where it
    /// is needed.
    pub(super) fn release(&self) {
        self.files.files.iter().for_each(|(_, file)| file.release());
    }
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|half| u16::from_le_bytes(*half))
}
