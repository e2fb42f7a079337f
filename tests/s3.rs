//! S3 at its worst: errors, hangs, lies, races, outages.

mod bodies;
mod cache;
mod faults;
mod jobs;
mod proxy;
mod races;
mod servers;
mod store;
mod uploads;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use dyad::digest::Digest;
use dyad::storage::remote::{Access, Patience, Retrying, S3Store};
use dyad::storage::sync::{Rank, Upload};

use crate::support::s3::{Bucket, Kind, Server};

/// The two servers that stand in for S3; what both do is taken for what S3 does.
const STAND_INS: [Kind; 2] = [Kind::LocalStack, Kind::Ministack];

/// Just over what is sent in one piece.
const LARGE: usize = (64 << 20) + 1;
/// Longer than anything here takes.
const MINUTES: Duration = Duration::from_mins(10);

/// Those of them that are installed.
fn stand_ins(test: &str) -> impl Iterator<Item = &'static Server> {
    STAND_INS.into_iter().filter_map(move |kind| Server::shared(test, kind))
}

/// Runs a test on all of them at once: most of its time is waiting.
fn on_each(test: &str, run: impl Fn(&'static Server) + Sync) {
    let servers: Vec<_> = stand_ins(test).collect();
    thread::scope(|scope| {
        for server in servers {
            scope.spawn(|| run(server));
        }
    });
}

/// Prints a line of the matrix: what was run, on which server and how often, what came of it.
fn matrix(id: &str, server: &Server, ran: &str, result: &str) {
    eprintln!("matrix: {id} | {:?}: {ran} | {result}", server.kind());
}

/// What the AWS tools would find in an environment that names `endpoint`.
fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .build()
}

/// The store of `uri` at `endpoint`, a server or a proxy.
fn store(endpoint: &str, uri: &str) -> Arc<S3Store> {
    let access = Access { uri: uri.parse().unwrap(), sse_kms_key_id: None };
    Arc::new(S3Store::connect_with(access, config(endpoint)).unwrap())
}

/// The same with patience.
fn patient(endpoint: &str, uri: &str, deadline: Duration) -> Retrying {
    Retrying::new(store(endpoint, uri), Patience { deadline, stop: Arc::default() })
}

/// A file of these bytes, to be uploaded as an object of its name below `files/`.
fn upload(folder: &Path, name: &str, bytes: &[u8]) -> Upload {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    Upload {
        key: format!("files/{name}"),
        path,
        bytes: bytes.len() as u64,
        digest: Digest::of(bytes),
        rank: Rank::Shard,
        watcher: None,
    }
}

/// Bytes that a seed stands for.
fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    use rand::{Rng as _, SeedableRng as _};
    let mut bytes = vec![0; length];
    rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A deadline for `Uploader::drain`.
fn within(time: Duration) -> impl Fn() -> Option<Instant> {
    let end = Instant::now() + time;
    move || Some(end)
}

/// Every upload is an object with the right bytes, there are no others below `prefix`, and no
/// upload in parts is open.
#[track_caller]
fn assert_there(bucket: &Bucket, prefix: &str, uploads: &[Upload]) {
    let mut expected: Vec<_> = uploads.iter().map(|u| format!("{prefix}{}", u.key)).collect();
    expected.sort();
    let there: Vec<_> = bucket.list(prefix).into_iter().map(|object| object.key).collect();
    assert_eq!(there, expected);
    for upload in uploads {
        let bytes = bucket.get(&format!("{prefix}{}", upload.key)).unwrap();
        assert!(Digest::of(&bytes) == upload.digest, "`{}` has other bytes", upload.key);
    }
    assert_eq!(bucket.open_uploads(prefix), Vec::<String>::new());
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}
