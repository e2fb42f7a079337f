//! `s3://bucket/prefix/`, checked when it is read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in S3: a bucket and a prefix that is empty or ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct S3Uri {
    bucket: String,
    prefix: String,
}

/// A text that is no place in S3.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not of the form `s3://bucket/prefix/`")]
pub struct S3UriError(String);

impl S3Uri {
    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What every key begins with: empty, or ending in `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl FromStr for S3Uri {
    type Err = S3UriError;

    /// Bucket names as S3's naming rules have them; a missing final `/` of the prefix is added.
    fn from_str(text: &str) -> Result<Self, S3UriError> {
        let wrong = || S3UriError(text.to_owned());
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let named = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(named) {
            return Err(wrong());
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"!-_.*'()=".contains(&c);
        let part =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain);
        if !prefix.is_empty() && !prefix.split('/').all(part) {
            return Err(wrong());
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl TryFrom<String> for S3Uri {
    type Error = S3UriError;

    fn try_from(text: String) -> Result<Self, S3UriError> {
        text.parse()
    }
}

impl From<S3Uri> for String {
    fn from(uri: S3Uri) -> Self {
        uri.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_in_a_slash() {
        let shown = |text: &str| text.parse::<S3Uri>().unwrap().to_string();
        assert_eq!(shown("s3://lab-data"), "s3://lab-data/");
        assert_eq!(shown("s3://lab-data/ppi/dyad"), "s3://lab-data/ppi/dyad/");
        assert_eq!(shown("s3://lab-data/ppi/"), "s3://lab-data/ppi/");
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "lab-data",
            "s3:/lab-data",
            "s3://",
            "s3://Lab/x",
            "s3://a/x",
            "s3://lab-data/../x",
            "s3://lab-data//x",
            "s3://lab-data/x//",
            "https://lab-data/x",
            "s3://lab-data/x y",
            "s3://lab-data/x?y",
        ] {
            assert!(text.parse::<S3Uri>().is_err(), "{text}");
        }
    }
}
