//! A stand-in for the REST service of UniProt and the files of HINT, on this machine: it answers as
//! the real ones are documented to, counts, waits, and fails as planned.
//!
//! ```ignore
//! let server = StandIn::start(Proteome::of(100), Duration::ZERO);
//! server.next("/uniprotkb/accessions", Fault::Busy(Some(1)));
//! succeed(dyad().args(["fetch", "--uniprot-url", &server.url("")]));
//! assert_eq!(server.count("/uniprotkb/accessions"), 2);
//! ```

mod proteome;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

pub(crate) use proteome::{HUMAN, Proteome, RELEASE, accession, residues};

/// What a request gets in the place of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status, with a message.
    Status(u16),
    /// 429, with the seconds after which to come back.
    Busy(Option<u32>),
    /// The connection is closed without an answer.
    Drop,
    /// Never an answer.
    Hang,
    /// Half of the packed body, as if it were all.
    TruncatedGzip,
    /// Status 200 and a message in the place of data.
    ErrorInOk,
    /// Status 200 and a web page.
    WebPage,
    /// The answer lacks its first record.
    Gap,
}

/// What the service says before it is packed and sent.
pub(crate) struct Said {
    status: u16,
    kind: &'static str,
    body: String,
    location: Option<String>,
}

impl Said {
    fn ok(kind: &'static str, body: String) -> Self {
        Self { status: 200, kind, body, location: None }
    }

    fn message(status: u16, text: &str) -> Self {
        let body = serde_json::json!({ "url": "/", "messages": [text] }).to_string();
        Self { status, kind: "application/json", body, location: None }
    }
}

/// A running stand-in. It ends with the value.
pub(crate) struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

struct Shared {
    proteome: Proteome,
    latency: Duration,
    faults: Mutex<VecDeque<(String, Fault)>>,
    /// Paths with queries, in the order in which they came.
    log: Mutex<Vec<String>>,
    at_work: AtomicUsize,
    most_at_work: AtomicUsize,
}

impl StandIn {
    /// A service on a free port of 127.0.0.1 that takes `latency` for every answer.
    pub(crate) fn start(proteome: Proteome, latency: Duration) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            proteome,
            latency,
            faults: Mutex::default(),
            log: Mutex::default(),
            at_work: AtomicUsize::default(),
            most_at_work: AtomicUsize::default(),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request whose path begins so and that has no fault yet gets this one.
    pub(crate) fn next(&self, path: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().push_back((path.to_owned(), fault));
    }

    /// Whether every planned fault was met.
    pub(crate) fn is_faultless(&self) -> bool {
        self.shared.faults.lock().unwrap().is_empty()
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    /// How many requests so far have a path that begins so.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.log().iter().filter(|seen| seen.starts_with(path)).count()
    }

    /// The most requests that were there at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.shared.most_at_work.load(Ordering::SeqCst)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Whatever hangs must not keep the test.
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// A connection that is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&shared, request));
            let connection = hyper::server::conn::http1::Builder::new();
            // Errors are connections that somebody closed, on purpose or not.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let uri = request.uri();
    let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
    shared.log.lock().unwrap().push(format!("{path}?{}", decoded(&query)));
    let now = shared.at_work.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_at_work.fetch_max(now, Ordering::SeqCst);
    sleep(shared.latency).await;
    shared.at_work.fetch_sub(1, Ordering::SeqCst);
    let fault = {
        let mut faults = shared.faults.lock().unwrap();
        let planned = faults.iter().position(|(start, _)| path.starts_with(start));
        planned.and_then(|planned| faults.remove(planned)).map(|(_, fault)| fault)
    };
    let said = match fault {
        Some(Fault::Drop) => return Err(Closed),
        Some(Fault::Hang) => std::future::pending::<Result<Said, Infallible>>().await.unwrap(),
        Some(Fault::Status(status)) => Said::message(status, "something went wrong"),
        Some(Fault::Busy(_)) => Said::message(429, "too many requests"),
        Some(Fault::ErrorInOk) => Said::message(200, "something went wrong"),
        Some(Fault::WebPage) => Said::ok("text/html", "<!DOCTYPE html><p>moved</p>".to_owned()),
        _ => shared.proteome.answer(&path, &query),
    };
    let mut body = said.body;
    if fault == Some(Fault::Gap) {
        body = body.split_inclusive("\n>").skip(1).collect::<String>();
        body.insert(0, '>');
    }
    let mut packed = gzip(body.as_bytes());
    if fault == Some(Fault::TruncatedGzip) {
        packed.truncate(packed.len() / 2);
    }
    let mut reply = Response::builder()
        .status(said.status)
        .header("content-type", said.kind)
        .header("content-encoding", "gzip")
        .header("x-uniprot-release", RELEASE);
    if let Some(location) = said.location {
        reply = reply.header("location", location);
    }
    if let Some(Fault::Busy(Some(seconds))) = fault {
        reply = reply.header("retry-after", seconds);
    }
    Ok(reply.body(Full::new(packed.into())).unwrap())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// The text of a query as it was before it was escaped.
fn decoded(query: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = query.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let escaped =
            escaped.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        rest = if escaped.is_some() { &tail[2..] } else { tail };
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    String::from_utf8(bytes).unwrap()
}
