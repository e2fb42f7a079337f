//! Devices: where tensors live, and which backend computes them.
#![cfg_attr(feature = "tch", expect(deprecated, reason = "burn-tch is the fixed GPU backend"))]

mod adam;
mod allocator;
mod backend;
mod choice;
mod memory;
#[cfg(feature = "tch")]
mod nvml;
pub mod ops;
mod precision;
mod processors;

pub use adam::{AdamRates, Moving, adam_step};
pub use allocator::keep_freed_memory;
pub use backend::{ComputeDevice, DeviceError, cpu, cpu_of, resolve};
pub use choice::{DeviceChoice, ParseDeviceError};
pub use memory::{OutOfMemory, is_out_of_memory, with_memory};
pub use precision::{ParsePrecisionError, Precision, PrecisionChoice};
pub use processors::compute_alone;
