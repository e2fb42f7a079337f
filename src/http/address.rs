//! Where requests go: https, and plain http on this machine alone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// What the address of every request to a server begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Url);

/// A text that is no address of a server.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not of the form `https://HOST/PATH`")]
pub struct BaseUrlError(String);

impl BaseUrl {
    /// Whether the server runs on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The address of `path` below this one, with a query; all parts are escaped.
    pub(super) fn join(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        // An address with a host always has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
            // Commas need no escape, and lists of a thousand names have as many.
            let short = url.query().map(|query| query.replace("%2C", ","));
            url.set_query(short.as_deref());
        }
        url
    }
}

/// Whether the host is this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    /// An address with a host and without user, query and fragment. Plain `http` is taken for this
    /// machine only.
    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        // A password is not repeated.
        let shown =
            text.rsplit_once('@').map_or(text.to_owned(), |(_, host)| format!("...@{host}"));
        let wrong = || BaseUrlError(shown.clone());
        let url: Url = text.parse().map_err(|_| wrong())?;
        let safe = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            _ => false,
        };
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if safe && plain { Ok(Self(url)) } else { Err(wrong()) }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, BaseUrlError> {
        text.parse()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_escaped_and_added_to_the_path() {
        let base: BaseUrl = "https://rest.uniprot.org/".parse().unwrap();
        assert_eq!(base.to_string(), "https://rest.uniprot.org");
        let url = base.join(&["uniprotkb", "a/../b"], &[("query", "x:1 OR y,&z")]);
        let expected = "https://rest.uniprot.org/uniprotkb/a%2F..%2Fb?query=x%3A1+OR+y,%26z";
        assert_eq!(url.as_str(), expected);
        let deep: BaseUrl = "http://127.0.0.1:8080/hint".parse().unwrap();
        assert_eq!(deep.join(&["a"], &[]).as_str(), "http://127.0.0.1:8080/hint/a");
    }

    #[test]
    fn plain_http_is_for_this_machine_and_addresses_carry_no_secrets() {
        for text in ["http://localhost:1", "http://[::1]:80/x", "https://mirror.example.org/up"] {
            assert!(text.parse::<BaseUrl>().is_ok(), "{text}");
        }
        for text in [
            "",
            "rest.uniprot.org",
            "http://rest.uniprot.org",
            "http://127.0.0.1.example.org",
            "ftp://rest.uniprot.org",
            "file:///etc/passwd",
            "https://user:secret@rest.uniprot.org",
            "https://rest.uniprot.org/?a=b",
            "https://rest.uniprot.org/#a",
        ] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
    }
}
