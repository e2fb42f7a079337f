//! Devices: where tensors live, and which backend computes them.

mod adam;
mod backend;
mod choice;

pub use adam::{AdamRates, Moving, adam_step};
pub use backend::{ComputeDevice, DeviceError, cpu, resolve};
pub use choice::{DeviceChoice, ParseDeviceError};
