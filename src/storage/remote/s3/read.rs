//! Reading: objects, their beginnings, listings.

use std::time::SystemTime;

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::EncodingType;
use tokio::time::{Instant, timeout_at};

use super::super::{Listing, Object, Problem};
use super::failure::innermost;
use super::{S3Store, time_for};

/// No prefix of Dyad's holds more objects in one folder; a listing ends there.
const MAX_OBJECTS: usize = 1_000_000;

impl S3Store {
    /// An object of at most `limit` bytes.
    pub(super) async fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>, Problem> {
        self.get_range(key, None, limit).await
    }

    /// The `length` bytes of an object from `start` on, or those of them that it has.
    pub(super) async fn get_part(
        &self,
        key: &str,
        start: u64,
        length: u64,
    ) -> Result<Vec<u8>, Problem> {
        // No range is empty.
        let asked = length.max(1);
        let range = format!("bytes={start}-{}", start.saturating_add(asked - 1));
        let mut part = self.get_range(key, Some(range), asked).await?;
        part.truncate(length as usize);
        Ok(part)
    }

    async fn get_range(
        &self,
        key: &str,
        range: Option<String>,
        limit: u64,
    ) -> Result<Vec<u8>, Problem> {
        let request = self.client.get_object().bucket(self.access.uri.bucket()).key(self.key(key));
        match request.set_range(range).send().await {
            Ok(output) => collect(output.body, limit).await,
            // The object ends before the range, as an empty one does before its first byte.
            Err(error) if status(error.raw_response()) == Some(416) => Ok(Vec::new()),
            Err(error) => Err(self.problem(&error, "s3:GetObject")),
        }
    }

    /// What lies directly in a folder.
    pub(super) async fn pages(&self, folder: &str) -> Result<Listing, Problem> {
        let prefix = self.key(folder);
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.access.uri.bucket())
            .prefix(&prefix)
            .delimiter("/")
            // Keys that XML cannot hold would break the whole listing otherwise.
            .encoding_type(EncodingType::Url)
            .into_paginator()
            .send();
        let mut listing = Listing::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.problem(&error, "s3:ListBucket"))?;
            let encoded = page.encoding_type() == Some(&EncodingType::Url);
            for object in page.contents() {
                let key = object.key().unwrap_or_default();
                let Some(name) = name_below(&prefix, key, encoded) else { continue };
                listing.objects.push(Object {
                    name,
                    bytes: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
                    modified: object.last_modified().map_or(SystemTime::UNIX_EPOCH, system_time),
                });
            }
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            let names = folders.filter_map(|key| name_below(&prefix, key, encoded));
            let names = names.filter_map(|name| name.strip_suffix('/').map(str::to_owned));
            listing.folders.extend(names.filter(|name| !name.is_empty()));
            if listing.objects.len() > MAX_OBJECTS {
                return Err(Problem::Refused(format!("it holds over {MAX_OBJECTS} objects")));
            }
        }
        listing.objects.sort_by(|one, other| one.name.cmp(&other.name));
        listing.folders.sort();
        listing.at = self.clock.now();
        Ok(listing)
    }
}

/// The bytes of a body that comes fast enough.
async fn collect(mut body: ByteStream, limit: u64) -> Result<Vec<u8>, Problem> {
    let started = Instant::now();
    let mut bytes = Vec::new();
    loop {
        let due = started + time_for(bytes.len() as u64);
        let chunk = timeout_at(due, body.next()).await;
        let late = |_| Problem::Transient(format!("{} bytes came, and then none", bytes.len()));
        let chunk = match chunk.map_err(late)? {
            None => return Ok(bytes),
            Some(chunk) => chunk.map_err(|error| broken(&error))?,
        };
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(Problem::TooLarge(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// What the end of a body that did not end well means.
fn broken(error: &(dyn std::error::Error + 'static)) -> Problem {
    let text = innermost(error);
    match text.contains("checksum mismatch") {
        true => Problem::Damaged(text),
        false => Problem::Transient(text),
    }
}

fn status(response: Option<&aws_sdk_s3::config::http::HttpResponse>) -> Option<u16> {
    response.map(|response| response.status().as_u16())
}

/// What follows `prefix` in a key of a listing; `None` for the folder itself, and for keys that no
/// text stands for.
fn name_below(prefix: &str, key: &str, encoded: bool) -> Option<String> {
    let key = if encoded { decoded(key)? } else { key.to_owned() };
    key.strip_prefix(prefix).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// A key as it is, from a listing with the encoding `url`: `+` is a space, `%2F` a slash.
fn decoded(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn system_time(time: &DateTime) -> SystemTime {
    SystemTime::try_from(*time).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_follows_the_prefix() {
        let name = |key: &str| name_below("p/", key, true);
        assert_eq!(name("p/a.json").unwrap(), "a.json");
        assert_eq!(name("p%2Ffolder%2F").unwrap(), "folder/");
        assert_eq!(name("p/a+b%2B%01%C3%A9%252F").unwrap(), "a b+\u{1}é%2F");
        assert_eq!(name_below("p/", "p/a+%2F", false).unwrap(), "a+%2F");
        for odd in ["p/", "q/a", "p/%", "p/%2", "p/%zz", "p/%FF"] {
            assert_eq!(name(odd), None, "{odd}");
        }
    }
}
