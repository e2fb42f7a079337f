//! S3, or what speaks its protocol, behind [`ObjectStore`].
//!
//! The SDK is asynchronous and the rest of Dyad is not: a small runtime of its own carries the
//! requests, and each call waits for its result. The SDK's own retries cover what a second attempt
//! on the spot mends (a broken connection, a wrong clock); [`super::Retrying`] does the waiting.

mod clock;
mod connect;
mod failure;
mod put;
mod read;

pub(super) use connect::{check_credentials, https};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Config};
use tokio::runtime::Runtime;

use super::{Content, Listing, ObjectStore, Problem, Put, RemoteError, S3Uri};
use clock::ServerClock;
use failure::problem_of;

/// A request without a body of size is answered within this time: S3 takes some tenths of a second,
/// and an operation that is tried for a minute has to meet a silent server twice.
const ANSWER: Duration = Duration::from_secs(15);
/// A body moves at no less than this rate, many at a time over one slow link.
const SLOWEST_BYTES_PER_SECOND: u64 = 256 << 10;

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
    answered: bool,
}

impl fmt::Debug for S3Store {
    /// Without the client, whose configuration holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store").field("place", &self.place).finish_non_exhaustive()
    }
}

impl S3Store {
    /// Runs requests, each of which has a limit of its own, to their end.
    fn run<T>(
        &self,
        action: &'static str,
        key: &str,
        requests: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, RemoteError> {
        let result = self.runtime.block_on(requests);
        result.map_err(|problem| {
            let action = match &problem {
                // To compare after a lost reply is to read.
                Problem::Denied { action, .. } => action,
                _ => action,
            };
            self.error(action, key, problem)
        })
    }

    fn error(&self, action: &'static str, key: &str, problem: Problem) -> RemoteError {
        RemoteError { action, uri: format!("{}{key}", self.place), problem }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.access.uri.prefix())
    }
}

impl ObjectStore for S3Store {
    fn place(&self) -> &str {
        &self.place
    }

    fn list(&self, folder: &str) -> Result<Listing, RemoteError> {
        self.run("s3:ListBucket", folder, self.pages(folder))
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        self.run("s3:GetObject", key, self.get(key, limit))
    }

    fn read_range(&self, key: &str, start: u64, length: u64) -> Result<Vec<u8>, RemoteError> {
        self.run("s3:GetObject", key, self.get_part(key, start, length))
    }

    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError> {
        self.run("s3:PutObject", key, self.put(key, content))
    }

    fn remove(&self, key: &str) -> Result<(), RemoteError> {
        let request = self.client.delete_object().bucket(self.access.uri.bucket());
        let request = request.key(self.key(key)).send();
        self.run("s3:DeleteObject", key, async {
            request.await.map(drop).map_err(|error| self.problem(&error, "s3:DeleteObject"))
        })
    }
}

/// The time that a request of so many bytes may take.
fn time_for(bytes: u64) -> Duration {
    ANSWER + Duration::from_secs(bytes.div_ceil(SLOWEST_BYTES_PER_SECOND))
}

/// The configuration of a request with a limit of its own: the SDK waits for ever by default.
fn time_limit(limit: Duration) -> Builder {
    let limits = TimeoutConfig::builder()
        .connect_timeout(connect::CONNECT)
        .operation_attempt_timeout(limit)
        .build();
    Config::builder().timeout_config(limits)
}
