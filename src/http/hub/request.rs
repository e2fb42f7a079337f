//! One request to the hub. Redirects are followed here, so that each address is checked and the token goes
//! to the hub alone.

use std::sync::atomic::Ordering;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, LOCATION, RANGE};
use reqwest::{Response, Url};

use super::incoming::Described;
use super::name::Etag;
use super::{Commit, Token};
use crate::http::{self, BaseUrl, Client, reason, shown};
use crate::storage::StorageError;

/// A chain of redirects that is longer has no end.
const REDIRECTS: usize = 8;

/// Why an attempt has no result.
pub(super) enum Trouble {
    /// It may succeed another time.
    Transient(String),
    /// An answer came that is none.
    Odd(String),
    /// The hub says no, with this status.
    Status(u16),
    /// This machine cannot keep the file.
    Local(StorageError),
    Stopped,
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        Self::Local(error)
    }
}

impl From<http::Trouble> for Trouble {
    fn from(trouble: http::Trouble) -> Self {
        match trouble {
            http::Trouble::Transient(problem, _) => Self::Transient(problem),
            http::Trouble::Damaged(problem) => Self::Odd(problem),
            http::Trouble::Stopped => Self::Stopped,
        }
    }
}

/// What a request is made with.
pub(super) struct Requests<'a> {
    pub(super) client: &'a Client,
    /// The address of the hub.
    pub(super) hub: &'a BaseUrl,
    /// Sent to the hub and to nobody else.
    pub(super) token: Option<&'a Token>,
}

/// An answer with the status 200 or 206, whose body is still to come.
pub(super) struct Reply<'a> {
    client: &'a Client,
    response: Response,
    /// The headers of the last answer of the hub itself that named a commit.
    described: Option<HeaderMap>,
}

impl<'a> Requests<'a> {
    /// Asks for a range of the file at `url`, an address of the hub: `bytes=FIRST-LAST`, where the
    /// last may be left out.
    pub(super) fn open(&self, url: &str, range: &str) -> Result<Reply<'a>, Trouble> {
        let client = self.client;
        let odd = |problem: &str| Trouble::Odd(problem.to_owned());
        let mut url: Url = url.parse().map_err(|_| odd("its address is none"))?;
        let (home, mut described) = (url.origin(), None);
        for _ in 0..REDIRECTS {
            let at_home = url.origin() == home;
            // Unpacked sizes would not be those that ranges count.
            let request = client.inner.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            let request = match self.token.filter(|_| at_home) {
                Some(token) => request.bearer_auth(token.reveal()),
                None => request,
            };
            let sent = client.unless_silent(request.header(RANGE, range).send());
            let sent = client.runtime.block_on(sent)?;
            let response = sent.map_err(|error| Trouble::Transient(reason(&error)))?;
            client.answered.store(true, Ordering::Relaxed);
            if at_home && response.headers().contains_key("x-repo-commit") {
                described = Some(response.headers().clone());
            }
            match response.status().as_u16() {
                200 | 206 => return Ok(Reply { client, response, described }),
                301 | 302 | 303 | 307 | 308 => url = self.redirected(&url, &response)?,
                status if http::is_passing(status) => {
                    return Err(Trouble::Transient(format!("status {status}")));
                }
                status => return Err(Trouble::Status(status)),
            }
        }
        Err(odd("it redirects again and again"))
    }

    /// Where a redirect leads: https, or this machine for a hub that is there itself.
    fn redirected(&self, from: &Url, response: &Response) -> Result<Url, Trouble> {
        let odd = || Trouble::Odd("it redirects to an address that is not safe".to_owned());
        let location = text(response.headers(), LOCATION.as_str()).ok_or_else(odd)?;
        let mut url = from.join(location).map_err(|_| odd())?;
        url.set_fragment(None);
        let base: BaseUrl = shown(&url).parse().map_err(|_| odd())?;
        if base.is_loopback() && !self.hub.is_loopback() { Err(odd()) } else { Ok(url) }
    }
}

impl Reply<'_> {
    /// What the hub says of the file, with the commit that it is of.
    pub(super) fn description(&self) -> Result<(Described, Commit), Trouble> {
        let odd = |problem: String| Trouble::Odd(problem);
        let headers =
            self.described.as_ref().ok_or_else(|| odd("it names no commit".to_owned()))?;
        let etag = text(headers, "x-linked-etag").or_else(|| text(headers, ETAG.as_str()));
        let etag = etag.unwrap_or_default().replace('"', "");
        let etag = Etag::of(&etag)
            .ok_or_else(|| odd(format!("its etag is no digest: `{}`", shortened(&etag))))?;
        let commit = text(headers, "x-repo-commit").unwrap_or_default();
        let commit = commit
            .parse()
            .map_err(|_| odd(format!("its commit is none: `{}`", shortened(commit))))?;
        let (_, bytes) = self.range().ok_or_else(|| odd("it names no size".to_owned()))?;
        Ok((Described { etag, bytes }, commit))
    }

    /// How many bytes come before the byte `start` of a file of `total` bytes, which was asked for:
    /// a server that knows no ranges sends all.
    pub(super) fn lead(&self, start: u64, total: u64) -> Result<u64, Trouble> {
        let partial = self.response.status().as_u16() == 206;
        match (partial, self.range(), self.response.content_length()) {
            (true, Some(range), _) if range == (start, total) => Ok(0),
            (false, _, Some(length)) if length == total => Ok(start),
            _ => Err(Trouble::Odd("it is another range than was asked for".to_owned())),
        }
    }

    /// What comes next of the body.
    pub(super) fn chunk(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        if self.client.shutdown.requested() {
            return Err(Trouble::Stopped);
        }
        let chunk = self.client.unless_silent(self.response.chunk());
        let chunk = self.client.runtime.block_on(chunk)?;
        let chunk = chunk.map_err(|error| Trouble::Transient(reason(&error)))?;
        Ok(chunk.map(Vec::from))
    }

    /// The first byte that the answer says it has, and the size of the whole file.
    fn range(&self) -> Option<(u64, u64)> {
        let text = text(self.response.headers(), CONTENT_RANGE.as_str())?;
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// The beginning of a text that a server made up.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
