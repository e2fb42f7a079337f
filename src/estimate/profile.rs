//! What a device does per second.

use serde::{Deserialize, Serialize};

use super::instance::{Hardware, Instance};
use crate::device::{Precision, PrecisionChoice};

/// Where the figures of a profile come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Measured by `--calibrate` on this device.
    Calibrated,
    /// Derived from another device or from a data sheet: nobody has measured this one.
    Estimate,
}

impl Basis {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calibrated => "calibrated",
            Self::Estimate => "estimate",
        }
    }
}

/// What a device does per second.
///
/// The cost of a batch of the encoder is that of its tokens, of the pairs of tokens that attend to
/// each other, and of each sequence's own small operations; a step of training costs its pairs and
/// its parameters, whatever the number of pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// The name of the device.
    pub device: String,
    /// Where the figures come from.
    pub basis: Basis,
    /// The same in words.
    pub origin: String,
    /// Tokens per batch where the configuration leaves it open.
    pub token_budget: usize,
    /// Operations per second outside attention by the width of the encoder, ascending.
    pub linear: Vec<(usize, f64)>,
    /// Operations per second of attention.
    pub attention: f64,
    /// Seconds per sequence and layer.
    pub sequence: f64,
    /// Seconds per batch of the encoder and layer: on a GPU, the start of its operations.
    pub batch: f64,
    /// Seconds per training step.
    pub step: f64,
    /// Seconds per training step and parameter.
    pub parameter: f64,
    /// Operations per second on the pairs of a training step.
    pub train: f64,
    /// Operations per second when scoring pairs.
    pub score: f64,
    /// Bytes of input read, checked and resolved per second.
    pub read: f64,
    /// Bytes of weights digested, or loaded, per second.
    pub weights: f64,
    /// Pairs split, drawn and proved per second.
    pub pairs: f64,
    /// Values of embeddings stored, verified and standardised per second.
    pub values: f64,
    /// Seconds that a run takes besides everything else: files, folders, flushing.
    pub fixed: f64,
}

/// GPUs of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gpus {
    /// How many embed side by side.
    pub count: f64,
    /// Operations per second of one in 32 bits, from the data sheet.
    pub peak: f64,
    /// The same of its matrix units in 16 bits.
    pub peak_f16: f64,
}

/// Threads of the machine on which [`Profile::cpu`] was measured.
const MEASURED_CORES: f64 = 2.0;
/// What each doubling of cores leaves of perfect scaling; assumed.
const SCALING: f64 = 0.9;

impl Profile {
    /// A CPU with so many cores like those measured: two of an AMD EPYC 9005 (Zen 5, AVX-512) at 3.7 GHz
    /// with the backend `flex`, 22 November 2026; one run each, on published shapes and, for
    /// width 64, on the encoder that comes with Dyad, whose slower attention is counted in.
    pub fn cpu(device: impl Into<String>, cores: f64, speed: f64) -> Self {
        let doublings = (cores / MEASURED_CORES).max(1e-3).log2();
        let gain = cores / MEASURED_CORES * SCALING.powf(doublings.abs()) * speed;
        let gflops = |width, rate: f64| (width, rate * 1e9 * gain);
        Self {
            device: device.into(),
            basis: Basis::Estimate,
            origin: format!(
                "measured on 2 cores of an AMD EPYC 9005, scaled to {cores} cores of {speed} times its speed"
            ),
            token_budget: 4096,
            linear: vec![
                gflops(64, 10.0),
                gflops(320, 65.0),
                gflops(480, 122.0),
                gflops(640, 109.0),
                gflops(1280, 315.0),
            ],
            attention: 48e9 * gain,
            sequence: 20e-6 / speed,
            batch: 0.0,
            step: 0.5e-3 / speed,
            parameter: 7.0e-9 / gain,
            train: 190e9 * gain,
            score: 25e9 * gain,
            read: 30e6 * speed,
            weights: 500e6 * speed,
            pairs: 800e3 * speed,
            values: 30e6 * speed,
            fixed: 0.05,
        }
    }

    /// GPUs that embed in `precision`, on a host of so many cores.
    ///
    /// Nobody has measured Dyad on any. Assumed for 32 bits: half of the peak for the widest layers,
    /// less for narrow ones, which do not fill the device; attention at a quarter of it. In 16 bits
    /// the matrix units are faster than what feeds them: a quarter of their peak (NVIDIA's own
    /// `TensorRT` reaches a third of a T4's with a BERT of width 1024), attention a tenth. Some dozen
    /// operations to start per layer and step, at about 10 microseconds each. Training is in 32 bits
    /// on one GPU.
    pub fn gpu(device: impl Into<String>, gpus: Gpus, precision: Precision, cores: f64) -> Self {
        let host = Self::cpu("", cores, 0.6);
        let Gpus { count, peak, peak_f16 } = gpus;
        let (embedding, shares, attention, bits) = match precision {
            Precision::F32 => (peak, [0.03, 0.15, 0.22, 0.3, 0.5], 0.25, 32),
            Precision::Bf16 | Precision::F16 => (peak_f16, [0.01, 0.06, 0.1, 0.15, 0.25], 0.1, 16),
        };
        let share = 100.0 * shares[4];
        let rates = shares.map(|share| count * embedding * share);
        Self {
            device: device.into(),
            basis: Basis::Estimate,
            origin: format!(
                "{share:.0} % of the data sheet's {:.1} TFLOPS in {bits}-bit",
                embedding / 1e12
            ),
            token_budget: 16_384,
            linear: [64, 320, 480, 640, 1280].into_iter().zip(rates).collect(),
            attention: attention * count * embedding,
            sequence: 100e-6 / count,
            batch: 300e-6 / count,
            step: 2.5e-3,
            parameter: 0.2e-9,
            train: 0.3 * peak,
            score: 0.05 * peak,
            ..host
        }
    }

    /// The instance's device for a run that asks for `precision`; always an estimate.
    ///
    /// CPUs are those of the small image, which computes in 32 bits.
    pub fn of(instance: &Instance, precision: PrecisionChoice) -> Self {
        // Two virtual processors are the threads of one core.
        let cores = f64::from(instance.vcpus) / 2.0;
        match &instance.hardware {
            Hardware::Cpu { name, speed } => Self::cpu(name, cores, *speed),
            Hardware::Gpu { name, count, tflops, tflops_f16 } => {
                let [peak, peak_f16] = [tflops, tflops_f16].map(|tflops| tflops * 1e12);
                let gpus = Gpus { count: f64::from(*count), peak, peak_f16 };
                Self::gpu(name, gpus, precision.fixed().unwrap_or(Precision::F16), cores)
            }
        }
    }

    /// Operations per second outside attention for an encoder of this width: between the known
    /// widths in proportion, beyond them as at the nearest.
    pub fn linear_rate(&self, width: usize) -> f64 {
        let after = self.linear.partition_point(|(known, _)| *known < width);
        match (after.checked_sub(1).and_then(|i| self.linear.get(i)), self.linear.get(after)) {
            (Some((low, slow)), Some((high, fast))) => {
                let share = (width - low) as f64 / (high - low) as f64;
                slow + share * (fast - slow)
            }
            (Some((_, rate)), None) | (None, Some((_, rate))) => *rate,
            (None, None) => f64::NAN,
        }
    }
}
