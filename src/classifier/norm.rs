//! Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167), once for any layer and once for
//! the first, whose two orders of a pair share their statistics.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

/// Added to variances; the value of PyTorch and burn.
const EPSILON: f64 = 1e-5;
/// What a batch contributes to the running statistics; the value of PyTorch and burn.
const MOMENTUM: f64 = 0.1;

/// The parameters of a normalisation, `[width]` each.
#[derive(Module, Debug)]
pub(super) struct Norm {
    pub(super) gamma: Param<Tensor<1>>,
    pub(super) beta: Param<Tensor<1>>,
    pub(super) running_mean: Param<Tensor<1>>,
    pub(super) running_var: Param<Tensor<1>>,
}

/// A batch without mean and of variance 1, and what brought it there.
pub(super) struct Normalized {
    /// `[pairs, width]`.
    pub(super) values: Tensor<2>,
    /// `1 / sqrt(variance + epsilon)`, `[1, width]`.
    inverse_deviation: Tensor<2>,
}

impl Norm {
    /// The identity, with running statistics of nothing seen yet.
    pub(super) fn new(width: usize, device: &Device) -> Self {
        let (zeros, ones) = (Initializer::Zeros, Initializer::Ones);
        Self {
            gamma: ones.init([width], device),
            beta: zeros.init([width], device),
            running_mean: zeros.init([width], device),
            running_var: ones.init([width], device),
        }
    }

    /// `values`, `[n, width]`, normalised by the running statistics.
    pub(super) fn forward(&self, values: Tensor<2>) -> Tensor<2> {
        (values - row(&self.running_mean)) * self.running_scale() + row(&self.beta)
    }

    /// What `values`, `[n, width]`, add to something that [`Norm::forward`] normalises.
    pub(super) fn forward_difference(&self, values: Tensor<2>) -> Tensor<2> {
        values * self.running_scale()
    }

    /// `gamma / sqrt(running_var + epsilon)`, `[1, width]`.
    fn running_scale(&self) -> Tensor<2> {
        row(&self.gamma) / (row(&self.running_var) + EPSILON).sqrt()
    }

    /// `values`, `[n, width]`, normalised by their own statistics, which the running ones take up.
    pub(super) fn learn(&mut self, values: Tensor<2>) -> Normalized {
        let mean = values.clone().mean_dim(0);
        let centred = values - mean.clone();
        let variance = centred.clone().square().mean_dim(0);
        let inverse_deviation = self.record(mean, variance);
        Normalized { values: centred * inverse_deviation.clone(), inverse_deviation }
    }

    /// The sum and the difference of `even` and `odd`, `[n, width]` each, normalised as one batch
    /// of twice as many rows: returns their halves, normalised. Changing the sign of a row of
    /// `odd` changes no bit but its sign.
    ///
    /// With `m` the mean of `even`, the rows `even ± odd` have the mean `m` and the variance
    /// `mean((even - m)² + odd²)`.
    pub(super) fn learn_orders(
        &mut self,
        even: Tensor<2>,
        odd: Tensor<2>,
    ) -> (Normalized, Normalized) {
        let mean = even.clone().mean_dim(0);
        let even = even - mean.clone();
        let variance = (even.clone().square() + odd.clone().square()).mean_dim(0);
        let inverse_deviation = self.record(mean, variance);
        let normalized = |values: Tensor<2>| Normalized {
            values: values * inverse_deviation.clone(),
            inverse_deviation: inverse_deviation.clone(),
        };
        (normalized(even), normalized(odd))
    }

    /// Takes the statistics of a batch up, `[1, width]` each; returns the inverse deviation.
    fn record(&mut self, mean: Tensor<2>, variance: Tensor<2>) -> Tensor<2> {
        let inverse_deviation = (variance.clone() + EPSILON).sqrt().recip();
        for (running, new) in [(&mut self.running_mean, mean), (&mut self.running_var, variance)] {
            let width = new.dims()[1];
            let moved = running.val() * (1.0 - MOMENTUM) + new.reshape([width]) * MOMENTUM;
            *running = Param::initialized(running.id, moved);
        }
        inverse_deviation
    }

    /// `gamma x + beta`.
    pub(super) fn scale_and_shift(&self, normalized: &Normalized) -> Tensor<2> {
        self.scale(normalized) + row(&self.beta)
    }

    /// `gamma x`.
    pub(super) fn scale(&self, normalized: &Normalized) -> Tensor<2> {
        normalized.values.clone() * row(&self.gamma)
    }
}

impl Normalized {
    /// The gradient with respect to what was normalised, from `gradient`, that with respect to
    /// `gamma x + beta`, and the sums over the batch `[1, width]` that are the gradients of `beta`
    /// and `gamma`; without `beta`, the values were not centred.
    pub(super) fn backward(
        self,
        norm: &Norm,
        gradient: Tensor<2>,
        beta: Option<Tensor<2>>,
        gamma: Tensor<2>,
    ) -> Tensor<2> {
        let pairs = gradient.dims()[0] as f64;
        let gradient = match beta {
            Some(beta) => gradient - beta / pairs,
            None => gradient,
        };
        let scale = row(&norm.gamma) * self.inverse_deviation;
        (gradient - self.values * (gamma / pairs)) * scale
    }
}

/// A parameter as a row, `[1, width]`.
pub(super) fn row(parameter: &Param<Tensor<1>>) -> Tensor<2> {
    parameter.val().unsqueeze()
}
