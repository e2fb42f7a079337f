//! Estimate: how long a run takes and what it costs, before it runs.
//!
//! The core is pure: a [`Workload`] (counts), a [`Profile`] (what a device does per second) and a
//! price give an estimate, part by part ([`Component`]). Profiles come from measurements, from
//! [`calibrate()`] on this device, or from assumptions about devices that nobody has measured with
//! this program; which one, [`Basis`] says. `docs/estimate.md` explains the model and compares it
//! with real runs.

mod calibrate;
mod calibration;
mod component;
mod cost;
mod fit;
mod instance;
mod model;
mod profile;
mod report;
mod shape;
mod workload;

pub use calibrate::{CalibrateError, Subject, calibrate, threads};
pub use calibration::{Calibration, CalibrationError};
pub use component::{Component, Seconds, spoken};
pub use cost::{Cost, SPOT_SAVINGS, SpotSavings};
pub use instance::{Hardware, Instance, InstanceError, Price, instances, named_instance};
pub use model::{StartUp, predict, start_up};
pub use profile::{Basis, Gpus, Profile};
pub use report::{Case, Estimate, Line, QUICK_EPOCHS, QUICK_PROTEINS, Reference, Report, cases};
pub use shape::EncoderShape;
pub use workload::{Counts, Learning, Lengths, Workload};

#[cfg(test)]
mod tests;
