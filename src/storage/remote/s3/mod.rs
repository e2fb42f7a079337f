//! S3, or what speaks its protocol, behind [`ObjectStore`].
//!
//! The SDK is asynchronous and the rest of Dyad is not: a small runtime of its own carries the
//! requests, and each call waits for its result. The SDK's own retries cover what a second attempt
//! on the spot mends (a broken connection, a wrong clock); [`super::Retrying`] does the waiting.

mod clock;
mod connect;
mod failure;
mod put;

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Config};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::EncodingType;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{Content, Listing, Object, ObjectStore, Problem, Put, RemoteError, S3Uri};
use clock::ServerClock;
use failure::problem_of;

/// A request without a body of size is answered within this time,
const ANSWER: Duration = Duration::from_secs(30);
/// and a body moves at no less than this rate: a tenth of what a slow link gives.
const SLOWEST_BYTES_PER_SECOND: u64 = 1 << 20;
/// No prefix of Dyad's holds more objects in one folder; a listing ends there.
const MAX_OBJECTS: usize = 1_000_000;

/// What it takes to use a bucket, besides what the AWS tools take from their environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Bucket and prefix.
    pub uri: S3Uri,
    /// The KMS key that encrypts new objects; `None` leaves it to the bucket.
    pub sse_kms_key_id: Option<String>,
}

/// A bucket's objects below a prefix.
pub struct S3Store {
    runtime: Runtime,
    client: Client,
    clock: ServerClock,
    access: Access,
    place: String,
}

impl fmt::Debug for S3Store {
    /// Without the client, whose configuration holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store").field("place", &self.place).finish_non_exhaustive()
    }
}

impl S3Store {
    /// Runs a request that moves up to `bytes` bytes, within the time that takes at most.
    fn run<T>(
        &self,
        action: &'static str,
        key: &str,
        bytes: u64,
        request: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, RemoteError> {
        let limit = time_for(bytes);
        let late = || Problem::Transient(format!("no answer within {} s", limit.as_secs()));
        // Attempts of the SDK have their own limits; this one also covers the body.
        let result = self.runtime.block_on(async { timeout(limit * 3, request).await });
        result.unwrap_or_else(|_| Err(late())).map_err(|problem| self.error(action, key, problem))
    }

    fn error(&self, action: &'static str, key: &str, problem: Problem) -> RemoteError {
        RemoteError { action, uri: format!("{}{key}", self.place), problem }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.access.uri.prefix())
    }

    async fn get(&self, key: &str, range: Option<String>, limit: u64) -> Result<Vec<u8>, Problem> {
        let request = self.client.get_object().bucket(self.access.uri.bucket()).key(self.key(key));
        let output = request
            .set_range(range)
            .customize()
            .config_override(time_limit(limit))
            .send()
            .await
            .map_err(|error| self.problem(&error, "s3:GetObject"))?;
        collect(output.body, limit).await
    }

    async fn pages(&self, folder: &str) -> Result<Listing, Problem> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.access.uri.bucket())
            .prefix(self.key(folder))
            .delimiter("/")
            // Keys that XML cannot hold would break the whole listing otherwise. Names of ours
            // look the same in this encoding.
            .encoding_type(EncodingType::Url)
            .into_paginator()
            .send();
        let mut listing = Listing::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.problem(&error, "s3:ListBucket"))?;
            for object in page.contents() {
                let Some(name) = last_part(object.key().unwrap_or_default()) else { continue };
                listing.objects.push(Object {
                    name,
                    bytes: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
                    modified: object.last_modified().map_or(SystemTime::UNIX_EPOCH, system_time),
                });
            }
            let prefixes = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix());
            listing.folders.extend(prefixes.filter_map(|p| last_part(p.trim_end_matches('/'))));
            if listing.objects.len() > MAX_OBJECTS {
                return Err(Problem::Refused(format!("it holds over {MAX_OBJECTS} objects")));
            }
        }
        listing.objects.sort_by(|one, other| one.name.cmp(&other.name));
        listing.at = self.clock.now();
        Ok(listing)
    }
}

impl ObjectStore for S3Store {
    fn place(&self) -> &str {
        &self.place
    }

    fn list(&self, folder: &str) -> Result<Listing, RemoteError> {
        self.run("s3:ListBucket", folder, 100 << 20, self.pages(folder))
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        self.run("s3:GetObject", key, limit, self.get(key, None, limit))
    }

    fn read_start(&self, key: &str, length: u64) -> Result<Vec<u8>, RemoteError> {
        let range = format!("bytes=0-{}", length.saturating_sub(1));
        self.run("s3:GetObject", key, length, self.get(key, Some(range), length))
    }

    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError> {
        self.run("s3:PutObject", key, content.bytes, self.put(key, content))
    }

    fn remove(&self, key: &str) -> Result<(), RemoteError> {
        let request = self.client.delete_object().bucket(self.access.uri.bucket());
        let request = request.key(self.key(key)).send();
        self.run("s3:DeleteObject", key, 0, async {
            request.await.map(drop).map_err(|error| self.problem(&error, "s3:DeleteObject"))
        })
    }
}

/// The time that a request of so many bytes may take.
fn time_for(bytes: u64) -> Duration {
    ANSWER + Duration::from_secs(bytes.div_ceil(SLOWEST_BYTES_PER_SECOND).min(3600))
}

/// The configuration of a request that moves so many bytes: the SDK waits for ever by default.
fn time_limit(bytes: u64) -> Builder {
    let limits = TimeoutConfig::builder()
        .connect_timeout(connect::CONNECT)
        .operation_attempt_timeout(time_for(bytes))
        .build();
    Config::builder().timeout_config(limits)
}

async fn collect(mut body: ByteStream, limit: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        // A body that ends early, or whose checksum is wrong.
        let chunk = chunk.map_err(|error| Problem::Transient(error.to_string()))?;
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(Problem::TooLarge(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What follows the last `/` of a key, which some servers encode.
fn last_part(key: &str) -> Option<String> {
    let key = key.replace("%2F", "/");
    key.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

fn system_time(time: &DateTime) -> SystemTime {
    SystemTime::try_from(*time).unwrap_or(SystemTime::UNIX_EPOCH)
}
