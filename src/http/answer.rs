//! What a server said, unpacked, and how long it wants to be left alone.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LINK, LOCATION, RETRY_AFTER};

use crate::storage;

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The body, unpacked.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

/// Why a complete answer is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is not what was asked for: worth another attempt.
    Damaged(String),
    /// The server refuses, and would again.
    Refused(String),
}

impl Answer {
    /// The answer with a body as it came, which may have `limit` bytes when it is unpacked.
    pub(super) fn new(
        status: u16,
        headers: HeaderMap,
        packed: Vec<u8>,
        limit: u64,
    ) -> Result<Self, String> {
        let coding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_vec());
        let body = match coding.as_deref() {
            None | Some(b"identity") => packed,
            // What has no body may name a coding all the same.
            Some(b"gzip") if packed.is_empty() => packed,
            Some(b"gzip") => storage::gunzip(&packed, limit).map_err(|error| {
                format!("its gzip is damaged, ends too early or is too large: {error}")
            })?,
            Some(coding) => {
                let coding = String::from_utf8_lossy(coding);
                return Err(format!("it is packed as `{coding}`, which was not asked for"));
            }
        };
        Ok(Self { status, body, headers })
    }

    /// An answer as a test would have it.
    #[cfg(test)]
    pub(crate) fn made_up(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let header = |(name, value): &(&'static str, &str)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        };
        let headers = headers.iter().map(header).collect();
        Self { status, body: body.as_bytes().to_vec(), headers }
    }

    /// A header of one line of plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where the server sends on to. It is never followed without the caller.
    pub fn location(&self) -> Option<&str> {
        self.header(LOCATION.as_str())
    }

    /// Whether there are more pages than this one.
    pub fn has_next_page(&self) -> bool {
        self.header(LINK.as_str()).is_some_and(|link| link.contains("rel=\"next\""))
    }

    /// The body of an answer with status 200; any other is a refusal in the server's words.
    pub fn content(&self) -> Result<&[u8], Rejection> {
        match self.status {
            200 if self.is_html() => {
                Err(Rejection::Damaged("it is a web page in the place of data".to_owned()))
            }
            200 => Ok(&self.body),
            _ => Err(Rejection::Refused(format!("status {}{}", self.status, self.said()))),
        }
    }

    /// Whether it is a web page, which servers send with any status.
    pub fn is_html(&self) -> bool {
        let told = self.header(CONTENT_TYPE.as_str()).is_some_and(|kind| {
            kind.trim_start().to_ascii_lowercase().starts_with("text/html") //
        });
        let start = self.body.trim_ascii_start();
        let begins = |with: &[u8]| {
            start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        told || begins(b"<!doctype") || begins(b"<html")
    }

    /// How long the server wants to be left alone: seconds or a date.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.header(RETRY_AFTER.as_str())?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = DateTime::from_str(text, Format::HttpDate).ok()?;
        let date = SystemTime::try_from(date).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// The beginning of the body, for messages.
    fn said(&self) -> String {
        const LENGTH: usize = 200;
        let text = String::from_utf8_lossy(self.body.get(..4 * LENGTH).unwrap_or(&self.body));
        match text.trim() {
            "" => String::new(),
            _ if self.is_html() => ": a web page".to_owned(),
            text => format!(": {}", text.chars().take(LENGTH).collect::<String>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn answer(
        status: u16,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let Answer { headers, .. } = Answer::made_up(status, headers, "");
        Answer::new(status, headers, body.to_vec(), 1000)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_body_that_ends_early_or_is_a_bomb_is_no_answer() {
        let packed = [("content-encoding", "gzip")];
        assert_eq!(answer(200, &packed, &gzip(b">P1\nMKV\n")).unwrap().body, b">P1\nMKV\n");
        let whole = gzip(&[b'M'; 900]);
        for end in 1..whole.len() {
            assert!(answer(200, &packed, &whole[..end]).is_err(), "{end}");
        }
        assert!(answer(200, &packed, &gzip(&[b'M'; 1001])).is_err());
        assert!(answer(200, &[("content-encoding", "br")], b"x").is_err());
    }

    #[test]
    fn web_pages_and_refusals_are_no_content() {
        let page = answer(200, &[("content-type", "text/html;charset=UTF-8")], b"moved").unwrap();
        assert!(matches!(page.content(), Err(Rejection::Damaged(_))));
        let page = answer(200, &[], b"\n <!DOCTYPE html>").unwrap();
        assert!(matches!(page.content(), Err(Rejection::Damaged(_))));
        let refused = answer(400, &[], br#"{"messages":["no"]}"#).unwrap();
        let text = r#"status 400: {"messages":["no"]}"#.to_owned();
        assert_eq!(refused.content(), Err(Rejection::Refused(text)));
        assert_eq!(answer(200, &[], b"").unwrap().content(), Ok(&b""[..]));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |text| answer(429, &[("retry-after", text)], b"").unwrap().retry_after();
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(wait("Sun, 06 Nov 2094 08:49:37 GMT").unwrap() > Duration::from_hours(24));
        assert_eq!(wait("soon"), None);
    }
}
