//! HTTP: the one place that asks servers other than AWS's.
//!
//! Requests are read-only, over https except on this machine, and bounded: in the size of an
//! answer, in the silence of a server, and in the time that all of a command's requests may take.
//! What may succeed is tried again with jittered waits, or after as long as the server asks for.
//! Redirects are answers that the caller sees. A stop breaks off whatever is under way.
//!
//! The hub of Hugging Face is asked in [`hub`] by the same client with limits of its own: files of
//! any size may take any time as long as bytes come.

mod address;
mod answer;
mod error;
pub mod hub;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Response, Url};
use tokio::runtime::{self, Runtime};
use tokio::time;
use tracing::debug;

use crate::shutdown::Shutdown;
use crate::storage::remote::Backoff;

pub use address::{BaseUrl, BaseUrlError};
pub use answer::{Answer, Rejection};
pub use error::HttpError;

/// What is unusable so often stays so.
const REJECTED: u32 = 3;
/// How long a request may go on after a stop was asked for.
const TICK: Duration = Duration::from_millis(50);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The parts of the path below the server's address.
    pub path: &'a [&'a str],
    /// Names and values of the query.
    pub query: &'a [(&'a str, &'a str)],
    /// The most bytes that an answer may have, as sent and unpacked.
    pub limit: u64,
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for all requests of a client together.
    pub total: Duration,
    /// The same as long as the server has never answered: there may be no network.
    pub unreached: Duration,
    /// How long a server may send nothing before an attempt is given up.
    pub silence: Duration,
}

impl Limits {
    /// Limits for a command that may take `total`.
    pub fn within(total: Duration) -> Self {
        Self { total, unreached: Duration::from_mins(1), silence: Duration::from_secs(30) }
    }
}

/// A client of one server; it may be used from several threads at once.
#[derive(Debug)]
pub struct Client {
    base: BaseUrl,
    runtime: Runtime,
    inner: reqwest::Client,
    limits: Limits,
    shutdown: Shutdown,
    began: Instant,
    answered: AtomicBool,
    requests: AtomicUsize,
}

/// Why an attempt has no answer.
enum Trouble {
    /// It may succeed another time, after this wait at least.
    Transient(String, Duration),
    /// An answer came that is none.
    Damaged(String),
    Stopped,
}

impl Client {
    /// A client whose time starts now. Proxies are those that the environment names, and none for
    /// this machine.
    pub fn new(base: &BaseUrl, limits: Limits, shutdown: &Shutdown) -> Result<Self, HttpError> {
        // Fails where a provider is set already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |problem: String| HttpError::Client(problem);
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        let builder = match base.is_loopback() {
            true => reqwest::Client::builder().no_proxy(),
            false => reqwest::Client::builder(),
        };
        let inner = builder
            .user_agent(concat!("dyad/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| failed(reason(&error)))?;
        Ok(Self {
            base: base.clone(),
            runtime,
            inner,
            limits,
            shutdown: shutdown.clone(),
            began: Instant::now(),
            answered: AtomicBool::default(),
            requests: AtomicUsize::default(),
        })
    }

    /// How many requests were made, each attempt counted.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Asks until `read` makes something of the answer, the server refuses, or time is up.
    ///
    /// `read` sees every answer but those that say that the server is busy or broken (408, 425, 429,
    /// 500, 502, 503 and 504).
    pub fn get<T>(
        &self,
        request: &Request<'_>,
        read: impl Fn(&Answer) -> Result<T, Rejection>,
    ) -> Result<T, HttpError> {
        let url = self.base.join(request.path, request.query);
        let (mut backoff, mut attempts, mut rejected) = (Backoff::default(), 0, 0);
        loop {
            attempts += 1;
            let answer = self.runtime.block_on(self.attempt(&url, request.limit));
            let trouble = match answer.map(|answer| read(&answer)) {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Rejection::Refused(problem))) => {
                    return Err(HttpError::Refused { url: shown(&url), problem });
                }
                Ok(Err(Rejection::Damaged(problem))) => Trouble::Damaged(problem),
                Err(trouble) => trouble,
            };
            let (problem, pause) = match trouble {
                Trouble::Stopped => return Err(HttpError::Stopped),
                Trouble::Transient(problem, pause) => (problem, pause),
                Trouble::Damaged(problem) => {
                    rejected += 1;
                    if rejected == REJECTED {
                        return Err(HttpError::Unusable { url: shown(&url), problem });
                    }
                    (problem, Duration::ZERO)
                }
            };
            let wait = backoff.next_wait().max(pause);
            if Instant::now() + wait >= self.end() {
                let seconds = self.began.elapsed().as_secs();
                let url = shown(&url);
                return Err(HttpError::Unanswered { url, seconds, attempts, problem });
            }
            debug!(url = shown(&url), problem, ?wait, "trying again");
            sleep(wait, &self.shutdown)?;
        }
    }

    /// One attempt.
    async fn attempt(&self, url: &Url, limit: u64) -> Result<Answer, Trouble> {
        let transient = |problem: String| Trouble::Transient(problem, Duration::ZERO);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let sent = self.unless_silent(self.inner.get(url.clone()).send()).await?;
        let response = sent.map_err(|error| transient(reason(&error)))?;
        self.answered.store(true, Ordering::Relaxed);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let packed = self.body(response, limit).await?;
        let answer = Answer::new(status, headers, packed, limit).map_err(Trouble::Damaged)?;
        match status {
            status if is_passing(status) => {
                let pause = answer.retry_after().unwrap_or_default();
                Err(Trouble::Transient(format!("status {status}"), pause))
            }
            _ => Ok(answer),
        }
    }

    /// The body as it comes.
    async fn body(&self, mut response: Response, limit: u64) -> Result<Vec<u8>, Trouble> {
        let transient = |problem: String| Trouble::Transient(problem, Duration::ZERO);
        let mut body = Vec::new();
        loop {
            let chunk = self.unless_silent(response.chunk()).await?;
            let Some(chunk) = chunk.map_err(|error| transient(reason(&error)))? else {
                return Ok(body);
            };
            if (body.len() + chunk.len()) as u64 > limit {
                let problem = format!("it has more than the {limit} bytes allowed");
                return Err(Trouble::Damaged(problem));
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// What `work` gives, unless the server is silent for too long or a stop is asked for.
    async fn unless_silent<T>(&self, work: impl Future<Output = T>) -> Result<T, Trouble> {
        let mut work = pin!(work);
        let end = self.end().min(Instant::now() + self.limits.silence);
        loop {
            match time::timeout(TICK, work.as_mut()).await {
                Ok(done) => return Ok(done),
                Err(_) if self.shutdown.requested() => return Err(Trouble::Stopped),
                Err(_) if Instant::now() >= end => {
                    let problem = "the server is silent".to_owned();
                    return Err(Trouble::Transient(problem, Duration::ZERO));
                }
                Err(_) => {}
            }
        }
    }

    /// When time is up.
    fn end(&self) -> Instant {
        let Limits { total, unreached, .. } = self.limits;
        match self.answered.load(Ordering::Relaxed) {
            true => self.began + total,
            false => self.began + total.min(unreached),
        }
    }
}

/// Whether a status says that the server is busy or broken, which may pass.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504)
}

/// Waits unless a stop is asked for.
fn sleep(wait: Duration, shutdown: &Shutdown) -> Result<(), HttpError> {
    let end = Instant::now() + wait;
    while Instant::now() < end {
        if shutdown.requested() {
            return Err(HttpError::Stopped);
        }
        std::thread::sleep(TICK.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

/// An address without its query, which may be long.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

/// The causes of an error, without the address.
fn reason(error: &reqwest::Error) -> String {
    let mut text = match error {
        error if error.is_connect() => "cannot connect".to_owned(),
        error if error.is_timeout() => "timed out".to_owned(),
        error if error.is_body() || error.is_decode() => "the answer broke off".to_owned(),
        _ => "the request failed".to_owned(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
