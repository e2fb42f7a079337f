//! Whole jobs on a bucket: killed, stopped, robbed of their disk, their rights and their server.
//!
//! Modules and test names carry the ids of the matrix in `docs/reliability.md`.

mod cost;
mod credentials;
mod encoder;
mod fetched;
mod kills;
mod outages;
mod outside;
mod permissions;
mod secrets;
mod sharing;
mod stops;
mod tampered;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dyad::digest::Digest;

use crate::crash::store::{Shards, units_of};
use crate::support::job::Job;
use crate::support::kill::job_with;
use crate::support::s3::{Bucket, Keys, Server};

/// What makes jobs small: a second of embedding, or two, and two of training.
const SMALL: [(&str, &str); 3] =
    [("max_proteins", "120"), ("split", "pairs"), ("token_budget", "256")];

/// A prefix of a bucket, for one test.
struct Place {
    bucket: Bucket,
    prefix: String,
    endpoint: String,
}

impl Place {
    fn new(server: &Server, bucket: &str) -> Self {
        let prefix = "some/prefix/".to_owned();
        Self { bucket: server.bucket(bucket), prefix, endpoint: server.endpoint() }
    }

    fn uri(&self) -> String {
        self.bucket.uri(&self.prefix)
    }

    /// A small job with all rights here, and these settings besides.
    fn job(&self, settings: &[(&str, &str)]) -> Job {
        self.job_at(&self.endpoint, settings)
    }

    /// The same by way of a proxy.
    fn job_at(&self, endpoint: &str, settings: &[(&str, &str)]) -> Job {
        let uri = self.uri();
        let settings = [&SMALL[..], &[("storage_uri", uri.as_str())], settings].concat();
        job_with(&settings).connected(endpoint, &Keys::root())
    }

    /// The keys below the prefix that contain `part`, without the prefix.
    fn keys(&self, part: &str) -> BTreeSet<String> {
        let objects = self.bucket.list(&self.prefix).into_iter();
        let keys = objects.map(|object| object.key[self.prefix.len()..].to_owned());
        keys.filter(|key| key.contains(part)).collect()
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.bucket.get(&format!("{}{key}", self.prefix))
    }

    fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.bucket.put(&format!("{}{key}", self.prefix), bytes);
    }

    fn delete(&self, key: &str) {
        self.bucket.delete(&format!("{}{key}", self.prefix));
    }

    /// Removes what lies below `part`, or everything.
    fn empty(&self, part: &str) {
        self.keys(part).iter().for_each(|key| self.delete(key));
    }

    /// All objects whose keys contain `part`.
    fn objects(&self, part: &str) -> BTreeMap<String, Vec<u8>> {
        let keys = self.keys(part).into_iter();
        keys.filter_map(|key| Some((key.clone(), self.get(&key)?))).collect()
    }

    /// The shards there, each with the SHA-256 that is its name.
    fn shards(&self) -> Shards {
        Shards::of(self.objects("/shards/").into_iter().map(|(key, bytes)| {
            let name = Path::new(&key).file_stem().unwrap().to_string_lossy();
            (name.parse().unwrap(), bytes)
        }))
    }

    /// The sequences of each planned unit, by its name in the log.
    fn units(&self) -> BTreeMap<Digest, BTreeSet<Digest>> {
        units_of(self.objects("/plans/").into_values())
    }

    /// The names of the checkpoints there.
    fn checkpoints(&self) -> BTreeSet<String> {
        let name = |key: String| key.rsplit('/').next().unwrap().to_owned();
        self.keys("/ckpt/").into_iter().map(name).collect()
    }
}

/// The values of a field, such as `file=`, in the lines of a log that contain `text`.
fn values<'l>(log: &'l str, text: &str, field: &str) -> Vec<&'l str> {
    let lines = log.lines().filter(|line| line.contains(text));
    let rest = lines.filter_map(|line| Some(line.split_once(field)?.1));
    rest.filter_map(|rest| rest.split_whitespace().next()).collect()
}
