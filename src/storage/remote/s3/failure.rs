//! From the SDK's errors to what the caller can do about them.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::super::Problem;
use super::S3Store;

/// Error codes of a busy server, or of a race that another attempt decides.
const TRANSIENT_CODES: [&str; 13] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "ExpiredToken",
    "IncompleteBody",
    "InternalError",
    // Of an upload in parts: lost or aborted by somebody else, so begun again.
    "InvalidPart",
    "NoSuchUpload",
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "SlowDown",
    "TooManyRequests",
    "XAmzContentSHA256Mismatch",
];
/// Error codes of credentials that no attempt mends.
const CREDENTIAL_CODES: [&str; 4] =
    ["InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"];

impl S3Store {
    /// What an error of `action` means.
    pub(super) fn problem<E>(
        &self,
        error: &SdkError<E, HttpResponse>,
        action: &'static str,
    ) -> Problem
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match problem_of(error) {
            Problem::Denied { said, .. } => {
                let statement = self.statement(action, said.contains("kms:"));
                Problem::Denied { action, said, statement }
            }
            problem => problem,
        }
    }

    /// The IAM statement that grants `action`, and with `kms` the use of the key, as JSON.
    fn statement(&self, action: &str, kms: bool) -> String {
        let (bucket, prefix) = (self.access.uri.bucket(), self.access.uri.prefix());
        if kms {
            let key = self.access.sse_kms_key_id.as_deref().unwrap_or("the bucket's key");
            return format!(
                r#"{{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"{key}"}}"#
            );
        }
        if action == "s3:ListBucket" {
            return format!(
                r#"{{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::{bucket}","Condition":{{"StringLike":{{"s3:prefix":"{prefix}*"}}}}}}"#
            );
        }
        format!(
            r#"{{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:s3:::{bucket}/{prefix}*"}}"#
        )
    }
}

/// What an error means, where no permission has to be named.
pub(super) fn problem_of<E>(error: &SdkError<E, HttpResponse>) -> Problem
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let (status, error) = (service.raw().status().as_u16(), service.err());
            of_service(status, error.code(), error.message())
        }
        SdkError::TimeoutError(_) => Problem::Transient("no answer in time".to_owned()),
        SdkError::DispatchFailure(failure) => of_dispatch(failure.as_connector_error(), error),
        // A response that cannot be read: broken off, or another server's.
        SdkError::ResponseError(response) => {
            Problem::Transient(format!("{} ({})", innermost(error), response.raw().status()))
        }
        other => Problem::Refused(innermost(other)),
    }
}

fn of_service(status: u16, code: Option<&str>, message: Option<&str>) -> Problem {
    let code = code.unwrap_or_default();
    let said = match (code, message.unwrap_or_default()) {
        ("", "") => format!("HTTP status {status}"),
        (code, "") => code.to_owned(),
        ("", message) => message.to_owned(),
        (code, message) => format!("{code}, {message}"),
    };
    match (status, code) {
        (_, "NoSuchBucket") => Problem::NoBucket,
        (_, code) if TRANSIENT_CODES.contains(&code) => Problem::Transient(said),
        (_, code) if CREDENTIAL_CODES.contains(&code) => Problem::Credentials(said),
        (404, _) => Problem::Absent,
        (403, _) => Problem::Denied { action: "", said: format!(" ({said})"), statement: String::new() },
        // An answer of success with an error in its body, a race, a busy or broken server.
        (200 | 409 | 429 | 500.., _) |
        // An answer to HEAD, which has no body: expired credentials, most likely.
        (400, "") => Problem::Transient(said),
        _ => Problem::Refused(said),
    }
}

fn of_dispatch(
    connector: Option<&aws_sdk_s3::error::ConnectorError>,
    error: &(dyn Error + 'static),
) -> Problem {
    let text = innermost(error);
    match connector {
        // The request could not even be signed.
        Some(connector) if connector.is_other() && text.contains("credential") => {
            Problem::Credentials(text)
        }
        Some(connector) if connector.is_user() => Problem::Refused(text),
        _ => Problem::Unreachable(text),
    }
}

/// The innermost cause of an error, which says most.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_what_to_do_about_them() {
        let of = |status, code: &str| of_service(status, Some(code), Some("text"));
        assert!(matches!(of(404, "NoSuchKey"), Problem::Absent));
        assert!(matches!(of(404, "NoSuchBucket"), Problem::NoBucket));
        assert!(matches!(of(403, "AccessDenied"), Problem::Denied { .. }));
        assert!(matches!(of(403, "SignatureDoesNotMatch"), Problem::Credentials(_)));
        for (status, code) in [
            (503, "SlowDown"),
            (500, "InternalError"),
            (409, "ConditionalRequestConflict"),
            (429, "TooManyRequests"),
            (400, "ExpiredToken"),
            (403, "RequestTimeTooSkewed"),
            (400, "RequestTimeout"),
            (200, "InternalError"),
            (400, "IncompleteBody"),
            (404, "NoSuchUpload"),
            (400, ""),
        ] {
            assert!(matches!(of(status, code), Problem::Transient(_)), "{status} {code}");
        }
        assert!(matches!(of(400, "InvalidArgument"), Problem::Refused(_)));
    }
}
