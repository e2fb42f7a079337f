//! A bucket seen by a test: synchronous, and without retries, so that it tells what is.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use tokio::runtime::{Builder, Runtime};

use super::Keys;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
}

/// A bucket and the means to look into it. Every method panics where S3 does not do as asked.
pub(crate) struct Bucket {
    name: String,
    client: Client,
    runtime: Runtime,
}

impl Bucket {
    /// The bucket of this name with the given keys, whether it exists or not.
    pub(crate) fn at(endpoint: &str, keys: &Keys, name: &str) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(30)).build();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(endpoint)
            .force_path_style(true)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(&keys.id, &keys.secret, None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        // With a thread of its own, so that idle connections are noticed when the server ends.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { name: name.to_owned(), client: Client::from_conf(config), runtime }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `s3://BUCKET/PREFIX`.
    pub(crate) fn uri(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", self.name)
    }

    /// All objects whose key begins with `prefix`, sorted.
    pub(crate) fn list(&self, prefix: &str) -> Vec<Object> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = self.wait(pages.next()) {
            objects.extend(checked(page).contents().iter().map(|object| Object {
                key: object.key().unwrap().to_owned(),
                size: object.size().unwrap().try_into().unwrap(),
            }));
        }
        objects.sort();
        objects
    }

    /// The bytes of an object, or `None` where there is none.
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let request = self.client.get_object().bucket(&self.name).key(key).send();
        self.wait(async {
            match request.await {
                Err(error) if error.code() == Some("NoSuchKey") => None,
                reply => Some(checked(reply).body.collect().await.unwrap().to_vec()),
            }
        })
    }

    /// Writes an object, over another one if need be.
    pub(crate) fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let body = ByteStream::from(bytes.into());
        let request = self.client.put_object().bucket(&self.name).key(key).body(body);
        checked(self.wait(request.send()));
    }

    /// Removes an object, if there is one.
    pub(crate) fn delete(&self, key: &str) {
        let request = self.client.delete_object().bucket(&self.name).key(key);
        checked(self.wait(request.send()));
    }

    /// The keys of the multipart uploads that nobody completed or aborted.
    pub(crate) fn open_uploads(&self, prefix: &str) -> Vec<String> {
        let request = self.client.list_multipart_uploads().bucket(&self.name).prefix(prefix);
        let reply = checked(self.wait(request.send()));
        reply.uploads().iter().map(|upload| upload.key().unwrap().to_owned()).collect()
    }

    /// The SDK's client, for what the other methods do not do; see [`Bucket::wait`].
    pub(crate) fn sdk(&self) -> &Client {
        &self.client
    }

    /// Runs a request of [`Bucket::sdk`] to its end.
    pub(crate) fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        self.runtime.block_on(request)
    }

    /// Creates the bucket; one that is there is fine.
    pub(super) fn make(&self) {
        match self.wait(self.client.create_bucket().bucket(&self.name).send()) {
            Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => {}
            reply => drop(checked(reply)),
        }
    }

    pub(super) fn server_answers(&self) -> bool {
        self.wait(self.client.list_buckets().send()).is_ok()
    }
}

/// The reply, or a panic that tells everything about the error.
#[track_caller]
fn checked<T, E: std::error::Error + 'static, R: std::fmt::Debug + 'static>(
    reply: Result<T, SdkError<E, R>>,
) -> T {
    reply.map_err(|error| DisplayErrorContext(error).to_string()).unwrap()
}
