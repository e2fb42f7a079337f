//! Adam (Kingma and Ba 2015, arXiv:1412.6980) with PyTorch's constants, its state by name.
//!
//! burn's own module optimizer keeps its state by random parameter ids; here it is kept by the
//! parameters' paths, so that a checkpoint is readable and complete. The update itself is burn's.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, GradientsParams, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};

use crate::classifier::{NamedTensors, PairClassifier, ParameterPath};

/// The optimizer and its moments by parameter, flattened.
pub(super) struct NamedAdam {
    adam: Adam,
    moments: BTreeMap<String, AdamState<1>>,
}

impl NamedAdam {
    /// An optimizer that has seen no gradient.
    pub(super) fn new() -> Self {
        // burn's default epsilon is 1e-5; PyTorch's, which published recipes assume, is 1e-8.
        Self { adam: AdamConfig::new().with_epsilon(1e-8).build(), moments: BTreeMap::new() }
    }

    /// `model` after one step of size `learning_rate`.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        model: PairClassifier,
        gradients: GradientsParams,
    ) -> PairClassifier {
        let path = ParameterPath::default();
        model.map(&mut Update { optimizer: self, learning_rate, gradients, path })
    }

    /// The moments as tensors named `<parameter>.moment_1` and `.moment_2`.
    pub(super) fn tensors(&self) -> NamedTensors {
        let mut tensors = NamedTensors::new();
        for (name, state) in &self.moments {
            let moments = [&state.momentum.moment_1, &state.momentum.moment_2];
            for (number, moment) in moments.into_iter().enumerate() {
                let values: Vec<f32> = moment.clone().into_data().iter::<f32>().collect();
                let shape = vec![values.len()];
                tensors.insert(format!("{name}.moment_{}", number + 1), (values, shape));
            }
        }
        tensors
    }

    /// The optimizer after `steps` steps that left `tensors`.
    pub(super) fn restore(tensors: &NamedTensors, steps: u64, device: &Device) -> Option<Self> {
        let mut optimizer = Self::new();
        let time = usize::try_from(steps).ok()?;
        let tensor = |name: &str| -> Option<Tensor<1>> {
            let (values, _) = tensors.get(name)?;
            Some(Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device))
        };
        for name in tensors.keys().filter_map(|name| name.strip_suffix(".moment_1")) {
            let first = tensor(&format!("{name}.moment_1"))?;
            let second = tensor(&format!("{name}.moment_2"))?;
            let momentum = AdaptiveMomentumState::new(time, first, second);
            optimizer.moments.insert(name.to_owned(), AdamState::new(momentum));
        }
        Some(optimizer)
    }
}

struct Update<'a> {
    optimizer: &'a mut NamedAdam,
    learning_rate: f64,
    gradients: GradientsParams,
    path: ParameterPath,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.shape();
        let name = self.path.name();
        let state = self.optimizer.moments.remove(&name);
        let (flat, gradient) = (tensor.inner().reshape([-1]), gradient.reshape([-1]));
        let (updated, state) =
            self.optimizer.adam.step::<1>(self.learning_rate, flat, gradient, state);
        if let Some(state) = state {
            self.optimizer.moments.insert(name, state);
        }
        let updated = Tensor::from_inner(updated.reshape(shape)).require_grad();
        Param::from_mapped_value(id, updated, mapper)
    }
}
