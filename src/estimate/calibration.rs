//! What `--calibrate` measured, as it is kept beside the embeddings.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::profile::{Basis, Profile};
use crate::device::Precision;
use crate::storage::{self, StorageError};

const SCHEMA: &str = "dyad-calibration-1";
const LONGEST: u64 = 64 << 10;
/// No rate lies outside that `--calibrate` can find, terms that it did not see included.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 1.0..=1e26;

/// Rates of one device for encoders like the one it was measured with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// `dyad-calibration-1`.
    pub schema: String,
    /// Backend, device and number format, as [`Calibration::engine`] names them.
    pub engine: String,
    /// Threads of the machine.
    pub threads: usize,
    /// The shape of the encoder, as `esm2_t6_320d`.
    pub shape: String,
    /// Its width.
    pub width: usize,
    /// Operations per second outside attention.
    pub linear: f64,
    /// Operations per second of attention.
    pub attention: f64,
    /// Seconds per sequence and layer.
    pub sequence: f64,
    /// Seconds per training step.
    pub step: f64,
    /// Seconds per training step and parameter.
    pub parameter: f64,
    /// Operations per second on the pairs of a training step.
    pub train: f64,
    /// Operations per second when scoring pairs.
    pub score: f64,
}

/// A calibration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// It could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is not what `--calibrate` writes.
    #[error("`{path}` is no calibration ({problem}); remove it, or calibrate again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Calibration {
    /// A calibration with its schema.
    pub(super) fn schema() -> String {
        SCHEMA.to_owned()
    }

    /// The name of a device that computes in `precision`; 32 bits go without saying.
    pub fn engine(device: &str, precision: Precision) -> String {
        match precision {
            Precision::F32 => device.to_owned(),
            half => format!("{device} {half}"),
        }
    }

    /// Keeps it in the cache folder.
    pub fn save(&self, cache: &Path) -> Result<PathBuf, CalibrationError> {
        storage::create_folder(cache)?;
        let path = place(cache, &self.shape);
        // Texts and finite numbers always serialise.
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        storage::write_atomic(&path, &text)?;
        Ok(path)
    }

    /// The calibration of an encoder's shape that a cache folder holds, if it is of this device.
    pub fn load(
        cache: &Path,
        shape: &str,
        engine: &str,
        threads: usize,
    ) -> Result<Option<Self>, CalibrationError> {
        let path = place(cache, shape);
        let bytes = match storage::read(&path, LONGEST) {
            Err(error) if error.is_absent() => return Ok(None),
            bytes => bytes?,
        };
        let damaged = |problem: String| CalibrationError::Damaged { path: path.clone(), problem };
        let found: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        found.check(shape).map_err(|problem| damaged(problem.to_owned()))?;
        Ok((found.engine == engine && found.threads == threads).then_some(found))
    }

    fn check(&self, shape: &str) -> Result<(), &'static str> {
        if self.schema != SCHEMA {
            return Err("its schema is another");
        }
        if self.shape != shape || !(1..=1 << 20).contains(&self.width) {
            return Err("it is of another encoder than its name says");
        }
        let rates = [self.linear, self.attention, self.train, self.score];
        let times = [self.sequence, self.step, self.parameter];
        let plausible = rates.iter().all(|rate| PLAUSIBLE.contains(rate))
            && times.iter().all(|time| (0.0..=1e3).contains(time));
        if plausible { Ok(()) } else { Err("a number is out of range") }
    }

    /// `profile` with the measured rates; at other widths of the encoder, what it says of them in
    /// proportion.
    #[must_use]
    pub fn applied_to(&self, profile: Profile) -> Profile {
        let ratio = self.linear / profile.linear_rate(self.width);
        Profile {
            basis: Basis::Calibrated,
            origin: format!("measured on this machine with {}", self.shape),
            linear: profile.linear.iter().map(|(width, rate)| (*width, rate * ratio)).collect(),
            attention: self.attention,
            sequence: self.sequence,
            batch: 0.0,
            step: self.step,
            parameter: self.parameter,
            train: self.train,
            score: self.score,
            ..profile
        }
    }
}

fn place(cache: &Path, shape: &str) -> PathBuf {
    cache.join(format!("calibration-{shape}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        Calibration {
            schema: SCHEMA.to_owned(),
            engine: "flex cpu".to_owned(),
            threads: 2,
            shape: "esm2_t6_64d".to_owned(),
            width: 64,
            linear: 3e10,
            attention: 4e10,
            sequence: 1e-5,
            step: 1e-3,
            parameter: 1e-9,
            train: 2e11,
            score: 1e10,
        }
    }

    #[test]
    fn it_is_found_again_on_the_device_it_is_of_and_on_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let load = |engine, threads| {
            Calibration::load(folder.path(), "esm2_t6_64d", engine, threads).unwrap()
        };
        assert_eq!(load("flex cpu", 2), None);
        calibration().save(folder.path()).unwrap();
        assert_eq!(load("flex cpu", 2), Some(calibration()));
        assert_eq!(load("flex cpu", 4), None);
        assert_eq!(load("libtorch cpu", 2), None);
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(calibration()).unwrap();
            change(&mut value);
            let bytes = value.to_string();
            storage::write_atomic(&place(folder.path(), "esm2_t6_64d"), bytes.as_bytes()).unwrap();
            let loaded = Calibration::load(folder.path(), "esm2_t6_64d", "flex cpu", 2);
            matches!(loaded, Err(CalibrationError::Damaged { .. }))
        };
        assert!(!refused(&|_| ()));
        assert!(!refused(&|value| value["attention"] = 1.5e18.into()), "a term that was not seen");
        assert!(refused(&|value| value["linear"] = 0.0.into()));
        assert!(refused(&|value| value["linear"] = 1e30.into()));
        assert!(refused(&|value| value["step"] = (-1.0).into()));
        assert!(refused(&|value| value["schema"] = "dyad-calibration-2".into()));
        assert!(refused(&|value| value["shape"] = "esm2_t6_320d".into()));
        assert!(refused(&|value| value["more"] = 1.into()));
        assert!(refused(&|value| *value = serde_json::Value::Null));
    }

    #[test]
    fn other_widths_change_in_proportion() {
        let base = Profile::cpu("flex cpu", 2.0, 1.0);
        let applied = calibration().applied_to(base.clone());
        assert!((applied.linear_rate(64) / 3e10 - 1.0).abs() < 1e-9);
        let ratio = |profile: &Profile| profile.linear_rate(1280) / profile.linear_rate(64);
        assert!((ratio(&applied) / ratio(&base) - 1.0).abs() < 1e-9);
    }
}
