//! Creating an object: one conditional request, or parts for large files.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
    ServerSideEncryption,
};
use aws_smithy_types::base64;
use tokio::task::JoinSet;
use tracing::warn;

use super::super::{Body, Content, Problem, Put};
use super::{S3Store, time_for, time_limit};
use crate::digest::Digest;

/// Larger objects are sent in parts,
const MULTIPART_FROM: u64 = 64 << 20;
/// of this size, or larger where S3's limit of 10,000 parts demands it,
const PART: u64 = 16 << 20;
const MAX_PARTS: u64 = 10_000;
/// so many at a time.
const PARALLEL_PARTS: usize = 4;
/// How long the server may take to put the parts together.
const ASSEMBLY: Duration = Duration::from_mins(2);
/// Read from files at a time.
const BUFFER: usize = 256 << 10;
/// Where an object sent in parts says what its SHA-256 is.
const DIGEST: &str = "sha256";

impl S3Store {
    /// Creates an object, or says what is there.
    pub(super) async fn put(&self, key: &str, content: &Content<'_>) -> Result<Put, Problem> {
        let sent = match content.bytes > MULTIPART_FROM {
            true => self.put_parts(key, content).await,
            false => self.put_whole(key, content).await,
        };
        match sent {
            Ok(()) => Ok(Put::New),
            // Somebody's, or our own of an attempt whose reply was lost.
            Err(Sending::Exists) => self.compare(key, content).await,
            Err(Sending::Failed(problem)) => Err(problem),
        }
    }

    async fn put_whole(&self, key: &str, content: &Content<'_>) -> Result<(), Sending> {
        let body = body_of(content, 0, content.bytes).await?;
        let (encryption, kms_key) = self.encryption();
        let sent = self
            .client
            .put_object()
            .bucket(self.access.uri.bucket())
            .key(self.key(key))
            .if_none_match("*")
            .checksum_sha256(base64::encode(content.digest.as_bytes()))
            .content_length(content.bytes.cast_signed())
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .body(body)
            .customize()
            .config_override(time_limit(time_for(content.bytes)))
            .send()
            .await;
        sent.map(drop).map_err(|error| self.sending(&error))
    }

    async fn put_parts(&self, key: &str, content: &Content<'_>) -> Result<(), Sending> {
        let (encryption, kms_key) = self.encryption();
        let created = self
            .client
            .create_multipart_upload()
            .bucket(self.access.uri.bucket())
            .key(self.key(key))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .checksum_type(ChecksumType::FullObject)
            .metadata(DIGEST, content.digest.to_string())
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .send()
            .await
            .map_err(|error| self.sending(&error))?;
        let upload = created.upload_id().unwrap_or_default();
        let sent = match self.send_parts(key, upload, content).await {
            Ok(parts) => self.complete(key, upload, parts).await,
            Err(problem) => Err(Sending::Failed(problem)),
        };
        if sent.is_err() {
            self.abort(key, upload).await;
        }
        sent
    }

    async fn send_parts(
        &self,
        key: &str,
        upload: &str,
        content: &Content<'_>,
    ) -> Result<Vec<CompletedPart>, Problem> {
        let size = PART.max(content.bytes.div_ceil(MAX_PARTS));
        let mut starts = (1..).zip((0..content.bytes).step_by(size as usize));
        let (mut sending, mut parts) = (JoinSet::new(), Vec::new());
        loop {
            // Few bodies are opened at a time, and none after a failure.
            while sending.len() < PARALLEL_PARTS
                && let Some((number, offset)) = starts.next()
            {
                let length = size.min(content.bytes - offset);
                let body = body_of(content, offset, length).await?;
                let request = self
                    .client
                    .upload_part()
                    .bucket(self.access.uri.bucket())
                    .key(self.key(key))
                    .upload_id(upload)
                    .part_number(number)
                    .checksum_algorithm(ChecksumAlgorithm::Crc32)
                    .body(body)
                    .customize()
                    .config_override(time_limit(time_for(length)));
                sending.spawn(async move { (number, request.send().await) });
            }
            let problem = match sending.join_next().await {
                None => break,
                Some(Ok((number, Ok(part)))) => {
                    let part = CompletedPart::builder()
                        .part_number(number)
                        .set_e_tag(part.e_tag)
                        .set_checksum_crc32(part.checksum_crc32);
                    parts.push(part.build());
                    continue;
                }
                Some(Ok((_, Err(error)))) => self.problem(&error, "s3:PutObject"),
                Some(Err(error)) => Problem::Transient(error.to_string()),
            };
            // What arrives after the abort would stay for ever.
            sending.shutdown().await;
            return Err(problem);
        }
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }

    async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: Vec<CompletedPart>,
    ) -> Result<(), Sending> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(self.access.uri.bucket())
            .key(self.key(key))
            .upload_id(upload)
            .checksum_type(ChecksumType::FullObject)
            .multipart_upload(parts)
            .if_none_match("*")
            .customize()
            .config_override(time_limit(ASSEMBLY))
            .send()
            .await;
        match completed {
            Ok(_) => Ok(()),
            // The upload is gone: completed by an attempt whose reply was lost, or aborted.
            Err(error) if error.code() == Some("NoSuchUpload") => Err(Sending::Exists),
            Err(error) => Err(self.sending(&error)),
        }
    }

    /// Gives back the space of parts that became no object; the bucket's lifecycle rule does it
    /// where this fails.
    async fn abort(&self, key: &str, upload: &str) {
        let request = self.client.abort_multipart_upload().bucket(self.access.uri.bucket());
        let request = request.key(self.key(key)).upload_id(upload);
        let aborted = request.send().await;
        if let Err(error) = aborted
            && error.code() != Some("NoSuchUpload")
        {
            warn!(key, problem = %self.problem(&error, "s3:AbortMultipartUpload"), "an unfinished upload could not be aborted");
        }
    }

    /// Whether what is there is `content`.
    async fn compare(&self, key: &str, content: &Content<'_>) -> Result<Put, Problem> {
        let request = self.client.head_object().bucket(self.access.uri.bucket());
        let there = request.key(self.key(key)).checksum_mode(ChecksumMode::Enabled).send().await;
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                return Err(match self.problem(&error, "s3:GetObject") {
                    // Removed between the two requests, or an upload that was never completed.
                    Problem::Absent => Problem::Transient("the object came and went".to_owned()),
                    problem => problem,
                });
            }
        };
        if there.content_length() != Some(content.bytes.cast_signed()) {
            return Ok(Put::Other);
        }
        let known = there.metadata().and_then(|metadata| metadata.get(DIGEST));
        // That of an object in parts, which ends in their number, is no digest of its content.
        let checksum = there.checksum_sha256().filter(|checksum| !checksum.contains('-'));
        let same = match (checksum, known) {
            (Some(checksum), _) => checksum == base64::encode(content.digest.as_bytes()),
            (None, Some(digest)) => *digest == content.digest.to_string(),
            // Written by something else than Dyad: only its bytes tell.
            (None, None) => Digest::of(&self.get(key, content.bytes).await?) == content.digest,
        };
        Ok(if same { Put::Same } else { Put::Other })
    }

    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        let key = self.access.sse_kms_key_id.clone();
        (key.is_some().then_some(ServerSideEncryption::AwsKms), key)
    }

    fn sending<E>(&self, error: &SdkError<E>) -> Sending
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error.raw_response().map(|response| response.status().as_u16()) {
            Some(412) => Sending::Exists,
            _ => Sending::Failed(self.problem(error, "s3:PutObject")),
        }
    }
}

/// Why sending did not create the object.
enum Sending {
    /// There may be one already.
    Exists,
    Failed(Problem),
}

impl From<Problem> for Sending {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

async fn body_of(content: &Content<'_>, offset: u64, length: u64) -> Result<ByteStream, Problem> {
    match content.body {
        Body::Bytes(bytes) => {
            let part = &bytes[offset as usize..(offset + length) as usize];
            Ok(ByteStream::from(part.to_vec()))
        }
        Body::File(path) => {
            let part = ByteStream::read_from().path(path).offset(offset);
            let part = part.length(Length::Exact(length)).buffer_size(BUFFER).build().await;
            part.map_err(|error| Problem::Refused(format!("`{}`: {error}", path.display())))
        }
    }
}
