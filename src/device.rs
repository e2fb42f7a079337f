//! Devices: where tensors live, and which backend computes them.

mod backend;
mod choice;
mod memory;
#[cfg(feature = "tch")]
mod nvml;

pub use backend::{ComputeDevice, DeviceError, cpu, resolve};
pub use choice::{DeviceChoice, ParseDeviceError};
pub use memory::{OutOfMemory, is_out_of_memory, with_memory};
