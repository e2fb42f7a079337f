//! Parameters by name: initial values from a seed, reading, writing.
//!
//! Names are paths of the module (`hidden.0.linear.weight`), the same in model files and
//! checkpoints. Batch normalisation's running statistics are among them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::PairClassifier;
use super::earlier::from_left_and_right;

/// Values and shape of every parameter by name.
pub type NamedTensors = BTreeMap<String, (Vec<f32>, Vec<usize>)>;

/// Why named tensors are not the parameters of a network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Absent, or present with another number of values.
    #[error("the parameter `{0}` is missing or has another shape")]
    Missing(String),
    /// Present, but no such parameter exists.
    #[error("the parameter `{0}` does not belong to this network")]
    LeftOver(String),
}

/// Every parameter of `classifier`, running statistics included.
pub fn named_tensors(classifier: &PairClassifier) -> NamedTensors {
    let mut reader = Reader::default();
    classifier.visit(&mut reader);
    reader.tensors
}

/// `classifier` with the parameters `tensors`; every one must be there, and no other.
pub fn load(
    classifier: PairClassifier,
    tensors: &NamedTensors,
    device: &Device,
) -> Result<PairClassifier, ParameterError> {
    let mut writer =
        Writer { path: ParameterPath::default(), used: 0, missing: None, device, tensors };
    let classifier = classifier.map(&mut writer);
    if let Some(name) = writer.missing {
        return Err(ParameterError::Missing(name));
    }
    if writer.used == tensors.len() {
        return Ok(classifier);
    }
    let known = named_tensors(&classifier);
    let left_over = tensors.keys().find(|name| !known.contains_key(*name));
    Err(ParameterError::LeftOver(left_over.cloned().unwrap_or_default()))
}

/// `classifier` with initial weights that depend on `seed` alone, whatever the device.
///
/// Weights and biases are uniform in ±sqrt(1 / inputs), PyTorch's default for linear layers; the
/// first layer's are drawn for its halves `L` and `R`, which both count as its inputs.
/// Normalisation starts as the identity.
pub fn initialize(classifier: PairClassifier, seed: u64, device: &Device) -> PairClassifier {
    let mut tensors = named_tensors(&classifier);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let inputs: BTreeMap<String, usize> = tensors
        .iter()
        .filter_map(|(name, (_, shape))| Some((name.strip_suffix(".weight")?.to_owned(), shape[0])))
        .map(|(layer, inputs)| match layer.as_str() {
            "sum" | "difference" => (layer, 2 * inputs),
            _ => (layer, inputs),
        })
        .collect();
    for (name, (values, _)) in &mut tensors {
        let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
        if let Some(inputs) = inputs.get(layer) {
            let bound = (1.0 / *inputs as f32).sqrt();
            values.iter_mut().for_each(|value| *value = random.random_range(-bound..bound));
        }
    }
    // What was drawn are the values of `L` and `R`.
    for (name, drawn) in [("sum.weight", "left.weight"), ("difference.weight", "right.weight")] {
        if let Some(tensor) = tensors.remove(name) {
            tensors.insert(drawn.to_owned(), tensor);
        }
    }
    let tensors = from_left_and_right(tensors);
    let mut writer = Writer {
        path: ParameterPath::default(),
        used: 0,
        missing: None,
        device,
        tensors: &tensors,
    };
    classifier.map(&mut writer)
}

/// The path of the parameter being visited.
#[derive(Debug, Default)]
pub struct ParameterPath(Vec<String>);

impl ParameterPath {
    /// Enters the module `name`.
    pub fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    /// Leaves the module entered last.
    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// The names of the modules entered, joined by dots.
    pub fn name(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Reader {
    path: ParameterPath,
    tensors: NamedTensors,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let values = tensor.into_data().iter::<f32>().collect();
        self.tensors.insert(self.path.name(), (values, shape));
    }
}

struct Writer<'a> {
    path: ParameterPath,
    used: usize,
    missing: Option<String>,
    device: &'a Device,
    tensors: &'a NamedTensors,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let shape = param.lazy_shape();
        match self.tensors.get(&name) {
            Some((values, found)) if shape.iter().eq(found) => {
                self.used += 1;
                let data = TensorData::new(values.clone(), found.clone());
                let gradient = param.is_require_grad();
                let tensor = Tensor::from_data(data, self.device).set_require_grad(gradient);
                Param::initialized(param.id, tensor)
            }
            _ => {
                self.missing.get_or_insert(name);
                param
            }
        }
    }
}
