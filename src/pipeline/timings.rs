//! Predicted and actual seconds of an attempt, part by part.
//!
//! Time is not reproducible, so that the file lies outside the model directory, whose bytes are.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{debug, warn};

use super::Survey;
use super::record::Record;
use crate::device::{ComputeDevice, Precision};
use crate::estimate::{
    self, Basis, Calibration, Component, EncoderShape, Gpus, Instance, Profile, Seconds, Workload,
};
use crate::progress::{Event, Forecast, Observer, Task};
use crate::report::Spending;

/// The profile of the device of a run: what was calibrated on it, else what its kind should reach.
///
/// An unusable calibration is left out with a warning; a run does not depend on it.
pub fn profile(
    device: &ComputeDevice,
    precision: Precision,
    shape_name: &str,
    cache: &Path,
    instance: Option<&Instance>,
) -> Profile {
    let threads = estimate::threads();
    let on_gpu = device.name.contains("cuda");
    let base = match instance.filter(|instance| instance.has_gpu() == on_gpu) {
        Some(instance) => Profile::of(instance, precision.into()),
        // Of the GPUs that Dyad is meant for, the smallest.
        None if on_gpu => {
            let origin = "assumed to be an NVIDIA T4, which nobody has measured".to_owned();
            Profile { origin, ..Profile::gpu(&device.name, T4, precision, threads as f64) }
        }
        None => Profile::cpu(&device.name, threads as f64, 1.0),
    };
    let base = Profile { device: device.name.clone(), token_budget: device.token_budget, ..base };
    match Calibration::load(
        cache,
        shape_name,
        &Calibration::engine(&device.name, precision),
        threads,
    ) {
        Ok(Some(calibration)) => calibration.applied_to(base),
        Ok(None) => base,
        Err(error) => {
            warn!(%error, "estimating without the calibration");
            base
        }
    }
}

/// One NVIDIA T4, from its data sheet.
const T4: Gpus = Gpus { count: 1.0, peak: 8.14e12, peak_f16: 65.1e12 };

/// Measures the parts of an attempt: a decorator of the run's observer, told by the pipeline when
/// each part is over.
pub(super) struct Stopwatch<'a> {
    observer: &'a dyn Observer,
    marks: Mutex<Marks>,
}

struct Marks {
    /// When the present part began.
    part_began: Instant,
    actual: Seconds,
    work: Option<(Workload, Profile)>,
    /// The share of residues that were not embedded before.
    embedding_left: f64,
    /// Trainings that are to come, with the present one.
    trainings_left: f64,
    /// Epochs of all trainings that were left, with parts of them.
    epochs_left: Option<f64>,
}

impl<'a> Stopwatch<'a> {
    /// A stopwatch that starts now.
    pub(super) fn new(observer: &'a dyn Observer) -> Self {
        let marks = Marks {
            part_began: Instant::now(),
            actual: Seconds::default(),
            work: None,
            embedding_left: 0.0,
            trainings_left: 1.0,
            epochs_left: None,
        };
        Self { observer, marks: Mutex::new(marks) }
    }

    /// Everything since the last call belonged to `part`.
    pub(super) fn finish(&self, part: Component) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let seconds = now.duration_since(marks.part_began).as_secs_f64();
        marks.actual.add(part, seconds);
        marks.part_began = now;
    }

    /// The input has been read: predicts what follows and tells the observer.
    pub(super) fn foresee(
        &self,
        survey: &Survey,
        shape: EncoderShape,
        run: &super::Run<'_>,
        profile: Profile,
    ) {
        let work = survey.workload(shape, run.config, |_| false);
        let seconds = estimate::predict(&work, &profile);
        debug!(?seconds, basis = profile.basis.name(), "predicted");
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).work = Some((work, profile));
        self.announce(run.config.seeds);
    }

    /// So many trainings are to come, with the one that is about to begin: tells the observer.
    pub(super) fn announce(&self, trainings: usize) {
        let forecast = {
            let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
            marks.trainings_left = trainings as f64;
            let Some((work, profile)) = &marks.work else { return };
            let mut left = work.clone();
            left.learning.trainings = trainings as f64;
            let seconds = estimate::predict(&left, profile);
            let time = |part| Duration::try_from_secs_f64(seconds.of(part)).unwrap_or_default();
            Forecast {
                training: time(Component::Training),
                epochs: left.learning.all_epochs() as usize,
                after: time(Component::Evaluation),
            }
        };
        self.observer.observe(Event::Forecast(forecast));
    }

    /// Writes `timings.json`: what was predicted and what it took.
    pub(super) fn write(&self, record: &Record<'_>, run_id: &str, complete: bool) {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(timings) = marks.timings(run_id, complete) else { return };
        // Texts and finite numbers always serialise.
        record.write("timings.json", &serde_json::to_vec_pretty(&timings).unwrap_or_default());
    }

    /// What the attempt took so far, for the report.
    pub(super) fn spending(&self, instance: Option<&Instance>) -> Option<Spending> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let (predicted, profile) = marks.predicted()?;
        Some(Spending {
            device: profile.device.clone(),
            actual: marks.actual.clone(),
            predicted,
            instance: instance.cloned(),
        })
    }
}

impl Observer for Stopwatch<'_> {
    fn observe(&self, event: Event) {
        self.observer.observe(event);
        let Event::Started { task, done, total } = event else { return };
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let left = (total - done.min(total)) as f64 / total.max(1) as f64;
        match task {
            Task::Embedding => marks.embedding_left = marks.embedding_left.max(left),
            Task::Epoch(number) if marks.epochs_left.is_none() => {
                let epochs = marks.work.as_ref().map_or(0.0, |(work, _)| work.learning.epochs);
                let epochs = epochs * marks.trainings_left;
                marks.epochs_left = Some((epochs - number as f64 + left).max(left));
            }
            Task::Reading | Task::Fetching | Task::Downloading | Task::Epoch(_) => {}
        }
    }
}

/// `timings.json`.
#[derive(Serialize)]
struct Timings<'a> {
    schema: &'static str,
    run_id: &'a str,
    complete: bool,
    device: &'a str,
    basis: Basis,
    origin: &'a str,
    components: Vec<Timing>,
    total: Timing,
}

#[derive(Serialize)]
struct Timing {
    component: &'static str,
    predicted_seconds: f64,
    actual_seconds: f64,
}

impl Marks {
    /// What was predicted for what this attempt found left to do.
    fn predicted(&self) -> Option<(Seconds, &Profile)> {
        let (work, profile) = self.work.as_ref()?;
        let mut left = work.clone();
        left.missing = work.all.scaled(self.embedding_left);
        left.learning.epochs = self.epochs_left.unwrap_or_default() / left.learning.trainings;
        Some((estimate::predict(&left, profile), profile))
    }

    fn timings<'a>(&'a self, run_id: &'a str, complete: bool) -> Option<Timings<'a>> {
        let (predicted, profile) = self.predicted()?;
        let timing = |part: Component| Timing {
            component: part.name(),
            predicted_seconds: predicted.of(part),
            actual_seconds: self.actual.of(part),
        };
        Some(Timings {
            schema: "dyad-timings-1",
            run_id,
            complete,
            device: &profile.device,
            basis: profile.basis,
            origin: &profile.origin,
            components: Component::ALL.map(timing).into(),
            total: Timing {
                component: "total",
                predicted_seconds: predicted.total(),
                actual_seconds: self.actual.total(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Hardware;

    #[test]
    fn a_cpu_run_on_a_gpu_instance_is_predicted_as_one_on_a_cpu() {
        let device = crate::device::resolve(crate::device::DeviceChoice::Cpu).unwrap();
        let instance = estimate::named_instance("ml.g4dn.xlarge").unwrap();
        assert!(matches!(instance.hardware, Hardware::Gpu { .. }));
        let folder = tempfile::tempdir().unwrap();
        let found =
            profile(&device, Precision::F32, "esm2_t6_320d", folder.path(), Some(&instance));
        assert_eq!(found, profile(&device, Precision::F32, "esm2_t6_320d", folder.path(), None));
        assert!(found.linear_rate(1280) < 1e13);
    }
}
