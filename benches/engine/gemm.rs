//! Matrix products by the backend's own kernels: the roof under which the encoder works.

use std::time::{Duration, Instant};

use burn::tensor::{FloatDType, Tensor, TensorData};
use dyad::device::ComputeDevice;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::Result;

/// Rows, inner size, columns.
pub(crate) type Shape = [usize; 3];

/// Long enough to even out, and to fill a GPU's queue.
const AT_LEAST: Duration = Duration::from_millis(800);

/// GFLOP/s for each shape, the best of three rounds.
pub(crate) fn measure(device: &ComputeDevice, precision: &str, shapes: &[Shape]) -> Result<Value> {
    let dtype = match precision {
        "f32" => FloatDType::F32,
        "bf16" => FloatDType::BF16,
        "f16" => FloatDType::F16,
        other => return Err(format!("`{other}` is no number format").into()),
    };
    let mut rates = Vec::new();
    for shape in shapes {
        rates.push(rate(device, dtype, *shape)?);
    }
    Ok(json!({
        "backend": device.name,
        "precision": precision,
        "shapes": shapes,
        "gflops": rates,
    }))
}

fn rate(device: &ComputeDevice, dtype: FloatDType, [rows, inner, columns]: Shape) -> Result<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut tensor = |shape: [usize; 2]| -> Tensor<2> {
        let count = shape[0] * shape[1];
        let values: Vec<f32> = (0..count).map(|_| random.random_range(-1.0..1.0)).collect();
        let exact: Tensor<2> =
            Tensor::from_data(TensorData::new(values, shape), &device.classifier);
        exact.cast(dtype)
    };
    // Weights lie `[out, in]` in the files and are multiplied transposed.
    let (left, right) = (tensor([rows, inner]), tensor([columns, inner]).transpose());
    let round = |times: usize| -> Result<Duration> {
        let started = Instant::now();
        for _ in 0..times {
            drop(left.clone().matmul(right.clone()));
        }
        device.classifier.sync().map_err(|error| error.to_string())?;
        Ok(started.elapsed())
    };
    round(1)?;
    let once = round(1)?;
    let times = (AT_LEAST.as_secs_f64() / 3.0 / once.as_secs_f64().max(1e-6)).ceil() as usize;
    let mut best = Duration::MAX;
    for _ in 0..3 {
        best = best.min(round(times)?);
    }
    let operations = 2.0 * rows as f64 * inner as f64 * columns as f64 * times as f64;
    Ok(operations / best.as_secs_f64() / 1e9)
}
