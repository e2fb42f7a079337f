//! The hosts of a job.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::{ContainerError, json};

/// What `resourceconfig.json` says; all of it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// This host.
    pub current_host: Option<String>,
    /// All hosts, sorted: inside a group the platform may list them in any order.
    pub hosts: Vec<String>,
    /// The instance type of this host.
    pub instance_type: Option<String>,
}

#[derive(Default, Deserialize)]
struct ResourceConfig {
    current_host: Option<String>,
    hosts: Option<Vec<String>>,
    current_instance_type: Option<String>,
    instance_groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    hosts: Option<Vec<String>>,
}

/// The instance type that the file names; a file that cannot be read names none.
pub(super) fn instance_type(path: &Path) -> Option<String> {
    json::read::<ResourceConfig>(path).ok()??.current_instance_type
}

impl Cluster {
    /// Reads and logs the hosts, and refuses more than one.
    ///
    /// A second host would be paid for and train the same model again, and both would write to one
    /// checkpoint prefix and one model archive.
    pub(super) fn read(path: &Path) -> Result<Self, ContainerError> {
        let config: ResourceConfig = json::read(path)?.unwrap_or_default();
        let grouped = config.instance_groups.into_iter().flatten().filter_map(|group| group.hosts);
        let hosts: BTreeSet<_> = config.hosts.into_iter().chain(grouped).flatten().collect();
        let cluster = Self {
            current_host: config.current_host,
            hosts: hosts.into_iter().collect(),
            instance_type: config.current_instance_type,
        };
        tracing::info!(
            host = cluster.current_host.as_deref().unwrap_or("unknown"),
            hosts = cluster.hosts.len().max(1),
            instance_type = cluster.instance_type.as_deref().unwrap_or("unknown"),
            "cluster"
        );
        match cluster.hosts.len() {
            0 | 1 => Ok(cluster),
            hosts => Err(ContainerError::Hosts { hosts }),
        }
    }
}
