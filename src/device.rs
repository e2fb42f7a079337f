//! Devices: where tensors live, and which backend computes them.

mod allocator;
mod backend;
mod choice;
pub mod ops;
mod precision;

pub use allocator::keep_freed_memory;
pub use backend::{ComputeDevice, DeviceError, cpu, resolve};
pub use choice::{DeviceChoice, ParseDeviceError};
pub use precision::{ParsePrecisionError, Precision, PrecisionChoice};
