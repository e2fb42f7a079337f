//! Instance types with their prices, from a dated table.

use serde::{Deserialize, Serialize};

/// The table, compiled in.
const TABLE: &str = include_str!("instances.json");

/// A SageMaker instance type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// The name, as `ml.g4dn.xlarge`.
    pub name: String,
    /// Virtual processors: threads, two to a core.
    pub vcpus: u32,
    /// What computes.
    pub hardware: Hardware,
    /// The price on demand, where one is known.
    pub price: Option<Price>,
    /// What a user should know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Hardware {
    /// The processor.
    Cpu {
        /// Its name.
        name: String,
        /// The speed of a core, relative to the one that was measured; an assumption.
        speed: f64,
    },
    /// GPUs of one kind: all of them embed, one trains.
    Gpu {
        /// Its name.
        name: String,
        /// GPUs of the instance.
        count: u32,
        /// The peak in 32-bit floating point, from the data sheet, in 10^12 operations per second.
        tflops: f64,
        /// The same of its matrix units in 16 bits, without sparsity.
        tflops_f16: f64,
    },
}

/// A price, and where it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// US dollars per hour.
    pub usd_per_hour: f64,
    /// The region.
    pub region: String,
    /// The day for which the source gives it.
    pub date: String,
    /// The source.
    pub source: String,
}

/// A name that the table does not hold.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "instance type `{name}` is not in the table; the nearest is `{nearest}`, and `dyad estimate` without `--instance` lists all"
)]
pub struct InstanceError {
    name: String,
    nearest: String,
}

impl Instance {
    /// Whether a GPU computes.
    pub fn has_gpu(&self) -> bool {
        matches!(self.hardware, Hardware::Gpu { .. })
    }
}

/// All instance types of the table.
pub fn instances() -> Vec<Instance> {
    // A table of ours, which a test reads.
    serde_json::from_str(TABLE).unwrap_or_default()
}

/// The instance type of this name.
pub fn named_instance(name: &str) -> Result<Instance, InstanceError> {
    let all = instances();
    let wanted = if name.starts_with("ml.") { name.to_owned() } else { format!("ml.{name}") };
    if let Some(found) = all.iter().find(|instance| instance.name == wanted) {
        return Ok(found.clone());
    }
    let similarity = |instance: &&Instance| strsim::jaro_winkler(&instance.name, &wanted);
    let nearest = all.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    let nearest = nearest.map(|instance| instance.name.clone()).unwrap_or_default();
    Err(InstanceError { name: name.chars().take(80).collect(), nearest })
}
