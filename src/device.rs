//! Devices: where tensors live, and which backend computes them.

mod backend;
mod choice;

pub use backend::{ComputeDevice, DeviceError, cpu, cpu_of, resolve};
pub use choice::{DeviceChoice, ParseDeviceError};
