//! From a URI to a client: credentials, endpoint and region as the AWS tools find them.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, ProvideCredentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::service_config::ServiceConfigKey;
use tokio::runtime;
use tracing::{debug, warn};

use super::super::{Problem, RemoteError};
use super::{ANSWER, Access, S3Store, ServerClock, problem_of};

/// Time for a connection to be made.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// Time for credentials to be found: instance metadata answers at once or not at all.
const CREDENTIALS: Duration = Duration::from_secs(20);
/// Attempts of the SDK: the second mends a wrong clock or a broken connection. More would keep
/// whoever waits for a silent server from going on without it.
const ATTEMPTS: u32 = 2;
/// Where a bucket is looked for first if nothing names a region.
const DEFAULT_REGION: &str = "us-east-1";
/// Names the region of a bucket in any answer about it, also in a refusal.
const REGION_HEADER: &str = "x-amz-bucket-region";

impl S3Store {
    /// Finds credentials and the bucket's region.
    ///
    /// Environment, profiles, containers and instances are asked as the AWS tools do it; a custom
    /// endpoint (`AWS_ENDPOINT_URL`) gets the bucket in the path.
    pub fn connect(access: Access) -> Result<Self, RemoteError> {
        Self::connect_by(access, async {
            aws_config::defaults(BehaviorVersion::latest()).http_client(https()).load().await
        })
    }

    /// The same with credentials, endpoint and region as `config` says, for programs that have
    /// their own.
    pub fn connect_with(access: Access, config: SdkConfig) -> Result<Self, RemoteError> {
        Self::connect_by(access, std::future::ready(config))
    }

    /// Whether the server answered when it was connected to, were it to refuse. One that is busy, or
    /// takes no credentials for the time being, has not.
    pub fn has_answered(&self) -> bool {
        self.answered
    }

    fn connect_by(
        access: Access,
        config: impl Future<Output = SdkConfig>,
    ) -> Result<Self, RemoteError> {
        let place = access.uri.to_string();
        let failed = |problem| RemoteError { action: "connecting", uri: place.clone(), problem };
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("s3")
            .enable_all()
            .build()
            .map_err(|error| failed(Problem::Refused(error.to_string())))?;
        let clock = ServerClock::default();
        let found = async { client(&config.await, &access, &clock).await };
        let (client, answered) = runtime.block_on(found).map_err(failed)?;
        Ok(Self { runtime, client, clock, access, place, answered })
    }
}

fn https() -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    aws_smithy_http_client::Builder::new().tls_provider(tls).build_https()
}

/// A client for the bucket's region, and whether the server answered.
async fn client(
    found: &SdkConfig,
    access: &Access,
    clock: &ServerClock,
) -> Result<(Client, bool), Problem> {
    check_credentials(found).await?;
    let region = found.region().cloned().unwrap_or(Region::from_static(DEFAULT_REGION));
    let client = Client::from_conf(builder(found, clock).region(region.clone()).build());
    let (actual, answered) = match bucket_region(&client, access.uri.bucket()).await {
        // It may answer later: a job goes on without it until then.
        Err(problem @ (Problem::Transient(_) | Problem::Unreachable(_))) => {
            warn!(%problem, "`{}` does not answer", access.uri);
            (None, false)
        }
        region => (region?, true),
    };
    clock.warn_if_far(&access.uri);
    let client = match actual {
        Some(actual) if actual != region.as_ref() => {
            debug!(from = %region, to = actual, "the bucket is in another region");
            Client::from_conf(builder(found, clock).region(Region::new(actual)).build())
        }
        _ => client,
    };
    Ok((client, answered))
}

/// What all requests share; nothing of it is left to variables that could weaken it.
fn builder(found: &SdkConfig, clock: &ServerClock) -> Builder {
    let limits =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER).build();
    Builder::from(found)
        .http_client(found.http_client().unwrap_or_else(https))
        .force_path_style(has_endpoint(found))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(limits)
        .interceptor(clock.clone())
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
        .response_checksum_validation(ResponseChecksumValidation::WhenSupported)
}

/// Whether the user has named an endpoint, for all services or for S3.
fn has_endpoint(found: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let for_s3 = || {
        let service = found.service_config().zip(key.ok())?;
        service.0.load_config(service.1)
    };
    found.endpoint_url().is_some() || for_s3().is_some()
}

async fn check_credentials(found: &SdkConfig) -> Result<(), Problem> {
    let none = || Problem::Credentials("none were found".to_owned());
    let provider = found.credentials_provider().ok_or_else(none)?;
    match tokio::time::timeout(CREDENTIALS, provider.provide_credentials()).await {
        Ok(Ok(_)) => Ok(()),
        // The error's own text names the sources that were asked and holds no secret.
        Ok(Err(error)) => Err(Problem::Credentials(error.to_string())),
        Err(_) => Err(Problem::Credentials("no source of them answers".to_owned())),
    }
}

/// The region of the bucket, if the server tells: also a server that refuses us does.
async fn bucket_region(client: &Client, bucket: &str) -> Result<Option<String>, Problem> {
    let request = client.head_bucket().bucket(bucket);
    match request.send().await {
        Ok(answer) => Ok(answer.bucket_region().map(str::to_owned)),
        Err(error) => {
            let response = error.raw_response();
            let region = response.and_then(|response| response.headers().get(REGION_HEADER));
            match (region, problem_of(&error)) {
                (Some(region), _) => Ok(Some(region.to_owned())),
                (None, Problem::Absent) => Err(Problem::NoBucket),
                // Listing is checked by the preflight, which names what is missing.
                (None, Problem::Denied { .. } | Problem::Refused(_)) => Ok(None),
                (None, problem) => Err(problem),
            }
        }
    }
}
