//! The one module that names backends: the pure-Rust `flex` and, behind a feature, `libtorch`.

#[cfg(feature = "tch")]
use std::ops::Range;

use burn::tensor::Device;

#[cfg(feature = "tch")]
use super::nvml;
use super::{DeviceChoice, Precision, PrecisionChoice, processors};

#[cfg(not(any(feature = "flex", feature = "tch")))]
compile_error!("enable the feature `flex` or `tch`");

/// Tokens per batch on a processor: enough for large matrix products, small enough for the caches.
const CPU_TOKEN_BUDGET: usize = 2048;
/// Tokens per batch on a GPU.
#[cfg(feature = "tch")]
const CUDA_TOKEN_BUDGET: usize = 16_384;

/// A device that is there.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    /// What trains and scores.
    pub classifier: Device,
    /// What embeds, side by side: at least one. A CPU is there once per processor.
    pub encoder: Vec<Device>,
    /// Backend and device, as `flex cpu` or `libtorch cuda:0`: results are bit-identical only for
    /// equal names.
    pub name: String,
    /// Why it was chosen.
    pub reason: &'static str,
    /// Bytes of memory of the smallest of them, used or not, where it is known.
    pub memory: Option<u64>,
    /// Tokens per batch where neither the configuration nor the memory says it.
    pub token_budget: usize,
    /// The number format of 16 bits that it computes faster than 32 bits, if there is one.
    pub half: Option<Precision>,
}

impl ComputeDevice {
    /// The number format that `choice` means here, and why; never another one than asked for.
    pub fn precision(
        &self,
        choice: PrecisionChoice,
    ) -> Result<(Precision, &'static str), DeviceError> {
        match (choice.fixed(), self.half) {
            (None, None) => Ok((Precision::F32, "this device computes no other format faster")),
            (None, Some(half)) => Ok((half, "the fastest that this device computes")),
            (Some(asked), half) if asked == Precision::F32 || Some(asked) == half => {
                Ok((asked, "asked for"))
            }
            (Some(asked), half) => {
                let other = half.map_or_else(String::new, |half| format!(" and `{half}`"));
                Err(DeviceError::NotComputed { asked, device: self.name.clone(), other })
            }
        }
    }
}

/// Why an explicitly chosen device, or number format, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// This build has no libtorch.
    #[error(
        "`device={0}` needs a build with libtorch, and this one computes on the CPU only; use \
         `device=cpu`, or the GPU image"
    )]
    NotBuilt(DeviceChoice),
    /// The device does not compute in this format, or not faster than in 32 bits.
    #[error(
        "`precision={asked}` is not for `{device}` of this machine, which computes in `f32`{other}; \
         use `precision=auto`"
    )]
    NotComputed {
        /// The format asked for.
        asked: Precision,
        /// The device.
        device: String,
        /// What it computes besides.
        other: String,
    },
    /// The build has libtorch, and no GPU or driver answers.
    #[cfg(feature = "tch")]
    #[error(
        "`device={0}` was asked for and no CUDA device is usable: libtorch {TORCH} needs an NVIDIA \
         driver of version 525 or later (CUDA 12.8 build); update the driver, start the container \
         with its GPUs, or use `device=cpu`"
    )]
    NoCuda(DeviceChoice),
    /// There are fewer GPUs.
    #[cfg(feature = "tch")]
    #[error("`device=cuda:{index}` was asked for and this machine has {count} CUDA device(s)")]
    NoSuchGpu {
        /// The number asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
}

/// The version of libtorch that the build is pinned to.
#[cfg(feature = "tch")]
const TORCH: &str = "2.9.0";

/// The CPU of the preferred backend: libtorch where it was built in, else flex.
pub fn cpu() -> Device {
    #[cfg(feature = "tch")]
    return Device::libtorch();
    #[cfg(not(feature = "tch"))]
    Device::flex()
}

/// What trains on a CPU: flex where it was built in, whose operations take less to begin. Batches of
/// training are small.
fn learning_cpu() -> Device {
    #[cfg(feature = "flex")]
    return Device::flex();
    #[cfg(not(feature = "flex"))]
    Device::libtorch()
}

#[cfg(all(feature = "tch", feature = "flex"))]
const CPU_NAME: &str = "libtorch cpu with flex";
#[cfg(all(feature = "tch", not(feature = "flex")))]
const CPU_NAME: &str = "libtorch cpu";
#[cfg(not(feature = "tch"))]
const CPU_NAME: &str = "flex cpu";

/// Bfloat16 where libtorch finds instructions for it. Flex would convert to 32 bits and back.
fn cpu_half() -> Option<Precision> {
    #[cfg(target_arch = "x86_64")]
    let instructions = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let instructions = false;
    (cfg!(feature = "tch") && instructions).then_some(Precision::Bf16)
}

fn cpu_because(reason: &'static str) -> ComputeDevice {
    ComputeDevice { classifier: learning_cpu(), ..cpu_named(cpu(), CPU_NAME, reason, cpu_half()) }
}

fn cpu_named(
    device: Device,
    name: &str,
    reason: &'static str,
    half: Option<Precision>,
) -> ComputeDevice {
    ComputeDevice {
        encoder: vec![device.clone(); processors::count()],
        classifier: device,
        name: name.to_owned(),
        reason,
        memory: None,
        token_budget: CPU_TOKEN_BUDGET,
        half,
    }
}

/// The CPU of the backend that is named as engines are, `flex cpu` or `libtorch cpu`, if it is built
/// in: to compare the two in one program.
pub fn cpu_of(engine: &str) -> Option<ComputeDevice> {
    let (device, half) = match engine {
        #[cfg(feature = "flex")]
        "flex cpu" => (Device::flex(), None),
        #[cfg(feature = "tch")]
        "libtorch cpu" => (Device::libtorch(), cpu_half()),
        _ => return None,
    };
    Some(cpu_named(device, engine, "asked for", half))
}

/// The device that `choice` means on this machine; never another one than asked for.
#[cfg(feature = "tch")]
pub fn resolve(choice: DeviceChoice) -> Result<ComputeDevice, DeviceError> {
    let usable = tch::Cuda::is_available();
    let count = if usable { usize::try_from(tch::Cuda::device_count()).unwrap_or(0) } else { 0 };
    let cuda = |numbers: Range<usize>, reason| ComputeDevice {
        classifier: Device::libtorch_cuda(numbers.start),
        name: format!("libtorch cuda:{}", numbers.start),
        encoder: numbers.map(Device::libtorch_cuda).collect(),
        reason,
        memory: nvml::smallest_memory(),
        token_budget: CUDA_TOKEN_BUDGET,
        half: Some(Precision::F16),
    };
    let found = match count {
        1 => "the CUDA device found",
        _ => "the first CUDA device found; all of them embed",
    };
    match choice {
        DeviceChoice::Cpu => Ok(cpu_because("asked for")),
        DeviceChoice::Auto if count == 0 => Ok(cpu_because("no CUDA device is usable")),
        DeviceChoice::AllCuda | DeviceChoice::Cuda(_) if count == 0 => {
            Err(DeviceError::NoCuda(choice))
        }
        DeviceChoice::Auto | DeviceChoice::AllCuda => Ok(cuda(0..count, found)),
        DeviceChoice::Cuda(index) if index < count => Ok(cuda(index..index + 1, "asked for")),
        DeviceChoice::Cuda(index) => Err(DeviceError::NoSuchGpu { index, count }),
    }
}

/// The device that `choice` means on this machine; never another one than asked for.
#[cfg(not(feature = "tch"))]
pub fn resolve(choice: DeviceChoice) -> Result<ComputeDevice, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu_because("asked for")),
        DeviceChoice::Auto => Ok(cpu_because("this build computes on the CPU only")),
        DeviceChoice::AllCuda | DeviceChoice::Cuda(_) => Err(DeviceError::NotBuilt(choice)),
    }
}
