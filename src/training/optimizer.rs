//! Adam (Kingma and Ba 2015, arXiv:1412.6980) with PyTorch's constants, its state by name.
//!
//! burn's own module optimizer keeps its state by random parameter ids; here it is kept by the
//! parameters' paths, so that a checkpoint is readable and complete.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::classifier::{NamedTensors, PairClassifier, ParameterError, ParameterPath};
use crate::device::{AdamRates, Moving, adam_step};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimizer and its moments by parameter, flattened.
pub(super) struct NamedAdam {
    /// Steps done.
    time: u64,
    moments: BTreeMap<String, (Tensor<1>, Tensor<1>)>,
}

impl NamedAdam {
    /// An optimizer that has seen no gradient.
    pub(super) fn new() -> Self {
        Self { time: 0, moments: BTreeMap::new() }
    }

    /// `model` after one step of size `learning_rate`. Its weights are updated where they lie,
    /// unless another copy of it shares them.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        model: PairClassifier,
        gradients: GradientsParams,
    ) -> PairClassifier {
        self.time += 1;
        let time = i32::try_from(self.time).unwrap_or(i32::MAX);
        let rates = AdamRates {
            first: 1.0 - BETA_1,
            second: 1.0 - BETA_2,
            step_size: learning_rate / (1.0 - BETA_1.powi(time)),
            second_root: (1.0 - BETA_2.powi(time)).sqrt(),
            epsilon: EPSILON,
        };
        let path = ParameterPath::default();
        model.map(&mut Update { moments: &mut self.moments, rates, gradients, path })
    }

    /// The moments as tensors named `<parameter>.moment_1` and `.moment_2`.
    pub(super) fn tensors(&self) -> NamedTensors {
        let mut tensors = NamedTensors::new();
        for (name, (first, second)) in &self.moments {
            for (number, moment) in [first, second].into_iter().enumerate() {
                let values: Vec<f32> = moment.clone().into_data().iter::<f32>().collect();
                let shape = vec![values.len()];
                tensors.insert(format!("{name}.moment_{}", number + 1), (values, shape));
            }
        }
        tensors
    }

    /// The optimizer after `steps` steps that left `tensors` for the parameters `model`.
    ///
    /// Every parameter has both moments, or none has before the first step; the running
    /// statistics of normalisation are not optimised.
    pub(super) fn restore(
        tensors: &NamedTensors,
        model: &NamedTensors,
        steps: u64,
        device: &Device,
    ) -> Result<Self, ParameterError> {
        let mut optimizer = Self { time: steps, moments: BTreeMap::new() };
        let moment = |name: String, length: usize| match tensors.get(&name) {
            Some((values, _)) if values.len() == length => {
                Ok(Tensor::from_data(TensorData::new(values.clone(), [length]), device))
            }
            _ => Err(ParameterError::Missing(name)),
        };
        let is_optimized = |name: &&String| steps > 0 && !name.contains(".running_");
        for name in model.keys().filter(is_optimized) {
            let length = model[name].0.len();
            let first = moment(format!("{name}.moment_1"), length)?;
            let second = moment(format!("{name}.moment_2"), length)?;
            optimizer.moments.insert(name.clone(), (first, second));
        }
        Ok(optimizer)
    }
}

struct Update<'a> {
    moments: &'a mut BTreeMap<String, (Tensor<1>, Tensor<1>)>,
    rates: AdamRates,
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
        let gradient: Tensor<1> = gradient.reshape([-1]);
        let (moment_1, moment_2) = self
            .moments
            .remove(&name)
            .unwrap_or_else(|| (gradient.zeros_like(), gradient.zeros_like()));
        let moving = Moving { parameter: tensor.reshape([-1]), moment_1, moment_2 };
        let moved = adam_step(moving, gradient, self.rates);
        self.moments.insert(name, (moved.moment_1, moved.moment_2));
        Param::from_mapped_value(id, moved.parameter.reshape(shape), mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::ModuleVisitor;

    use super::*;
    use crate::classifier::{Settings, initialize, named_tensors};

    /// Gives the gradients of one step: one number repeated in each parameter.
    struct Feed<'a>(&'a mut GradientsParams, f32, ParameterPath);

    impl ModuleVisitor for Feed<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.2.enter(name);
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.2.leave();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.2.name().contains("running_") {
                self.0.register(param.id, param.val().zeros_like() + self.1);
            }
        }
    }

    /// Algorithm 1 of Kingma and Ba with PyTorch's constants; the sum of the updates.
    fn reference(learning_rate: f64, gradients: &[f64]) -> f64 {
        let (mut first, mut second, mut moved) = (0.0, 0.0, 0.0);
        for (step, gradient) in (1..).zip(gradients) {
            first = 0.9 * first + 0.1 * gradient;
            second = 0.999 * second + 0.001 * gradient * gradient;
            let unbiased =
                (first / (1.0 - 0.9_f64.powi(step)), second / (1.0 - 0.999_f64.powi(step)));
            moved -= learning_rate * unbiased.0 / (unbiased.1.sqrt() + 1e-8);
        }
        moved
    }

    #[test]
    fn steps_are_those_of_adam_with_epsilon_1e_8() {
        let device = crate::device::cpu();
        let settings = Settings { hidden_sizes: vec![3, 2], dropout: 0.0 };
        // The second series shows epsilon: with 1e-5 its steps would be a hundred times smaller.
        for gradients in [[0.5, -0.25, 1.5, 0.125], [1e-7, 3e-8, -2e-8, 1e-8]] {
            let mut model = initialize(PairClassifier::new(4, &settings, &device), 1, &device);
            let before = named_tensors(&model);
            let mut adam = NamedAdam::new();
            for gradient in gradients {
                let mut fed = GradientsParams::new();
                model.visit(&mut Feed(&mut fed, gradient, ParameterPath::default()));
                model = adam.step(0.125, model, fed);
            }
            let expected = reference(0.125, &gradients.map(f64::from));
            for (name, (after, _)) in named_tensors(&model) {
                let moves = !name.contains(".running_");
                for (after, before) in after.iter().zip(&before[&name].0) {
                    let moved = f64::from(after - before);
                    let expected = if moves { expected } else { 0.0 };
                    assert!((moved - expected).abs() < 2e-5, "{name}: {moved}, not {expected}");
                }
            }
        }
    }
}
