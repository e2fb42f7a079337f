//! Adam's update of one parameter, in place.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

/// The constants of Adam (Kingma and Ba 2015) at one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamRates {
    /// How much of the gradient goes into the first moment, `1 - beta_1`.
    pub first: f64,
    /// How much of the squared gradient goes into the second moment, `1 - beta_2`.
    pub second: f64,
    /// The step size divided by the correction of the first moment, `1 - beta_1^t`.
    pub step_size: f64,
    /// The square root of the correction of the second moment, `1 - beta_2^t`.
    pub second_root: f64,
    /// Added to the root of the corrected second moment.
    pub epsilon: f64,
}

/// A parameter and its moments, flattened.
pub struct Moving {
    /// The parameter.
    pub parameter: Tensor<1>,
    /// The running mean of its gradients.
    pub moment_1: Tensor<1>,
    /// The running mean of their squares.
    pub moment_2: Tensor<1>,
}

/// `moving` after a step along `gradient`; nothing is copied that nobody else holds.
///
/// ```text
/// moment_1  += first (gradient - moment_1)
/// moment_2  += second (gradient² - moment_2)
/// parameter -= step_size moment_1 / (sqrt(moment_2) / second_root + epsilon)
/// ```
#[must_use]
pub fn adam_step(moving: Moving, gradient: Tensor<1>, rates: AdamRates) -> Moving {
    let (parameter, moment_1, moment_2) = Dispatch::adam_step(
        moving.parameter.into_dispatch(),
        moving.moment_1.into_dispatch(),
        moving.moment_2.into_dispatch(),
        gradient.into_dispatch(),
        rates,
    );
    Moving {
        parameter: Tensor::from_dispatch(parameter),
        moment_1: Tensor::from_dispatch(moment_1),
        moment_2: Tensor::from_dispatch(moment_2),
    }
}

#[backend_extension(LibTorch: cfg(feature = "tch"), Flex: cfg(feature = "flex"))]
trait AdamOps: Backend {
    fn adam_step(
        parameter: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rates: AdamRates,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

#[cfg(feature = "tch")]
mod libtorch {
    #![expect(clippy::cast_possible_wrap, reason = "libtorch counts in signed numbers")]

    use burn::backend::LibTorch;
    use burn::backend::libtorch::TchTensor;
    use tch::Tensor;

    use super::{AdamOps, AdamRates};

    /// Numbers updated at once on a CPU: with their moments and gradients they stay in the second
    /// level cache from one of the operations below to the next.
    const CPU_CHUNK: i64 = 1 << 16;

    impl AdamOps for LibTorch {
        fn adam_step(
            parameter: TchTensor,
            moment_1: TchTensor,
            moment_2: TchTensor,
            gradient: TchTensor,
            rates: AdamRates,
        ) -> (TchTensor, TchTensor, TchTensor) {
            let (parameter, moment_1, moment_2) = (own(parameter), own(moment_1), own(moment_2));
            let length = parameter.tensor.numel() as i64;
            let chunk = if parameter.tensor.device().is_cuda() { length } else { CPU_CHUNK };
            for start in (0..length).step_by(chunk.max(1) as usize) {
                let part =
                    |tensor: &TchTensor| tensor.tensor.narrow(0, start, chunk.min(length - start));
                let gradient = part(&gradient);
                step(part(&parameter), part(&moment_1), part(&moment_2), &gradient, rates);
            }
            (parameter, moment_1, moment_2)
        }
    }

    /// Updates views in place.
    fn step(
        mut parameter: Tensor,
        mut moment_1: Tensor,
        mut moment_2: Tensor,
        gradient: &Tensor,
        rates: AdamRates,
    ) {
        let AdamRates { first, second, step_size, second_root, epsilon } = rates;
        let _ = moment_1.lerp_(gradient, first);
        let _ = moment_2.lerp_(&gradient.square(), second);
        // addcdiv_ adds a quotient: the step size goes, negative, into the divisor.
        let mut divisor = moment_2.sqrt();
        let _ = divisor.g_mul_scalar_(-1.0 / (second_root * step_size));
        let _ = divisor.g_sub_scalar_(epsilon / step_size);
        let _ = parameter.addcdiv_(&moment_1, &divisor);
    }

    /// The tensor, copied if somebody else holds it.
    fn own(tensor: TchTensor) -> TchTensor {
        match tensor.can_mut() {
            true => tensor,
            false => TchTensor::new(tensor.tensor.copy()),
        }
    }
}

#[cfg(feature = "flex")]
mod flex {
    use burn::backend::Flex;
    use burn::backend::flex::FlexTensor;
    use rayon::prelude::*;

    use super::{AdamOps, AdamRates};

    /// Numbers per task: far more work than starting one.
    const CHUNK: usize = 1 << 15;

    impl AdamOps for Flex {
        fn adam_step(
            parameter: FlexTensor,
            moment_1: FlexTensor,
            moment_2: FlexTensor,
            gradient: FlexTensor,
            rates: AdamRates,
        ) -> (FlexTensor, FlexTensor, FlexTensor) {
            let gradient = contiguous(&gradient);
            let [mut parameter, mut moment_1, mut moment_2] =
                [parameter, moment_1, moment_2].map(|tensor| contiguous(&tensor));
            let parameters = parameter.storage_mut::<f32>();
            parameters
                .par_chunks_mut(CHUNK)
                .zip(moment_1.storage_mut::<f32>().par_chunks_mut(CHUNK))
                .zip(moment_2.storage_mut::<f32>().par_chunks_mut(CHUNK))
                .zip(gradient.storage::<f32>().par_chunks(CHUNK))
                .for_each(|(((parameter, moment_1), moment_2), gradient)| {
                    step(parameter, moment_1, moment_2, gradient, rates);
                });
            (parameter, moment_1, moment_2)
        }
    }

    fn step(
        parameter: &mut [f32],
        moment_1: &mut [f32],
        moment_2: &mut [f32],
        gradient: &[f32],
        rates: AdamRates,
    ) {
        let (first, second) = (rates.first as f32, rates.second as f32);
        let (step_size, epsilon) = (rates.step_size as f32, rates.epsilon as f32);
        let root = (1.0 / rates.second_root) as f32;
        let moments = moment_1.iter_mut().zip(moment_2);
        for ((parameter, (m, v)), g) in parameter.iter_mut().zip(moments).zip(gradient) {
            *m += first * (g - *m);
            *v += second * (g * g - *v);
            *parameter -= step_size * *m / (v.sqrt() * root + epsilon);
        }
    }

    /// The tensor alone in its storage, row after row.
    fn contiguous(tensor: &FlexTensor) -> FlexTensor {
        tensor.to_contiguous()
    }
}
