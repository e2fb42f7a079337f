//! A stand-in for the hub of Hugging Face, on this machine: it redirects, serves ranges and names
//! digests as the real one does, remembers what it was asked, and fails as planned.
//!
//! ```ignore
//! let hub = HubStandIn::start();
//! hub.next("/cdn/", Fault::DropAfter(100_000));
//! succeed(dyad().args(["fetch", "--encoder", MODEL]).env("HF_ENDPOINT", hub.url()));
//! assert_eq!(hub.transfers().len(), 4);
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use dyad::digest::Digest;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Sleep, sleep};

use super::small_encoder;

/// A published name, behind which the small encoder lies here.
pub(crate) const MODEL: &str = "esm2_t6_8M_UR50D";
pub(crate) const OWNER: &str = "facebook";
/// The token that opens what is gated.
pub(crate) const TOKEN: &str = "hf_thisOpensIt";
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// What a request gets in the place of its answer. Those from `LaterNames` on are for the bytes of files,
/// and leave requests of a single byte alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Status(u16),
    Etag(&'static str),
    Commit(&'static str),
    /// The hub sends on to this address.
    Redirect(&'static str),
    /// This as etag and as commit, after others were given.
    LaterNames(&'static str),
    /// So many bytes, and then the connection is closed.
    DropAfter(usize),
    /// So many bytes, and then nothing.
    HangAfter(usize),
    /// The whole file, whatever was asked for.
    IgnoreRange,
    /// A range that begins elsewhere.
    OtherRange,
    /// The status 416.
    NoRange,
    /// Other bytes.
    WrongBytes,
    /// The file and something behind it.
    Longer,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) range: String,
    pub(crate) token: Option<String>,
}

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
struct Model {
    branches: BTreeMap<String, String>,
    commits: BTreeMap<String, Files>,
    gated: bool,
}

#[derive(Default)]
struct Shared {
    models: Mutex<BTreeMap<String, Model>>,
    faults: Mutex<VecDeque<(String, Fault)>>,
    log: Mutex<Vec<Seen>>,
}

/// A running stand-in. It ends with the value.
pub(crate) struct HubStandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// The commit of this number.
pub(crate) fn commit(number: u8) -> String {
    format!("{number:x}").repeat(40)[..40].to_owned()
}

/// The files of the small encoder.
pub(crate) fn small_files() -> Files {
    let file = |name: &str| (name.to_owned(), fs::read(small_encoder().join(name)).unwrap());
    ["config.json", "vocab.txt", WEIGHTS].map(file).into()
}

impl HubStandIn {
    /// A hub on a free port of 127.0.0.1 with the small encoder as commit 1 of [`MODEL`].
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        runtime.spawn(accept(listener, address.port(), Arc::clone(&shared)));
        let hub = Self { address, shared, runtime: Some(runtime) };
        hub.push(&format!("{OWNER}/{MODEL}"), 1, small_files());
        hub
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Moves `main` of a model to a commit of these files.
    pub(crate) fn push(&self, id: &str, number: u8, files: Files) {
        let mut models = self.shared.models.lock().unwrap();
        let model = models.entry(id.to_owned()).or_default();
        model.branches.insert("main".to_owned(), commit(number));
        model.commits.insert(commit(number), files);
    }

    /// From now on only [`TOKEN`] opens a model.
    pub(crate) fn gate(&self, id: &str) {
        self.shared.models.lock().unwrap().get_mut(id).unwrap().gated = true;
    }

    /// The next request that it fits, whose path begins so, gets this fault.
    pub(crate) fn next(&self, path: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().push_back((path.to_owned(), fault));
    }

    /// Whether every planned fault was met.
    pub(crate) fn is_faultless(&self) -> bool {
        self.shared.faults.lock().unwrap().is_empty()
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<Seen> {
        self.shared.log.lock().unwrap().clone()
    }

    /// The ranges of all requests for the bytes of weights.
    pub(crate) fn transfers(&self) -> Vec<String> {
        let bytes = |seen: Seen| {
            (seen.path.starts_with("/cdn/") && seen.range != ONE).then_some(seen.range)
        };
        self.log().into_iter().filter_map(bytes).collect()
    }
}

impl Drop for HubStandIn {
    fn drop(&mut self) {
        // Whatever hangs must not keep the test.
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// The range by which it is asked what a file is.
const ONE: &str = "bytes=0-0";

async fn accept(listener: TcpListener, port: u16, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let shared = shared.as_ref();
            let service =
                service_fn(
                    |request| async move { Ok::<_, Infallible>(answer(shared, port, &request)) },
                );
            let connection = hyper::server::conn::http1::Builder::new();
            // Errors are connections that somebody closed, on purpose or not.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(shared: &Shared, port: u16, request: &Request<Incoming>) -> Response<Sent> {
    let header = |name: &str| {
        let value = request.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let path = request.uri().path().to_owned();
    let range = header("range").unwrap_or_default();
    let token = header("authorization").map(|value| value.replace("Bearer ", ""));
    shared.log.lock().unwrap().push(Seen {
        path: path.clone(),
        range: range.clone(),
        token: token.clone(),
    });
    let fault = {
        let mut faults = shared.faults.lock().unwrap();
        let fits = |(start, fault): &(String, Fault)| {
            let any = matches!(
                fault,
                Fault::Status(_) | Fault::Etag(_) | Fault::Commit(_) | Fault::Redirect(_)
            );
            path.starts_with(start) && (any || range != ONE)
        };
        let planned = faults.iter().position(fits);
        planned.and_then(|planned| faults.remove(planned)).map(|(_, fault)| fault)
    };
    if let Some(Fault::Status(status)) = fault {
        return plain(status);
    }
    let models = shared.models.lock().unwrap();
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match parts[..] {
        [owner, name, "resolve", revision, file] => {
            let Some(model) = models.get(&format!("{owner}/{name}")) else { return plain(401) };
            if model.gated && token.as_deref() != Some(TOKEN) {
                return plain(401);
            }
            let commit = model.branches.get(revision).map_or(revision, |commit| &**commit);
            let Some(bytes) = model.commits.get(commit).and_then(|files| files.get(file)) else {
                return plain(404);
            };
            let large = file.ends_with(".safetensors");
            let digest = Digest::of(bytes);
            let (status, location) = match large {
                // Another name of the same machine, as large files lie at another host.
                true => (302, format!("http://localhost:{port}/cdn/{digest}?signed=yes")),
                false => (307, format!("/api/resolve-cache/models/{owner}/{name}/{commit}/{file}")),
            };
            let etag = if large { digest.to_string() } else { blob_id(bytes) };
            let (etag, commit, location) = match fault {
                Some(Fault::Etag(etag)) => (etag.to_owned(), commit, location),
                Some(Fault::Commit(commit)) => (etag, commit, location),
                Some(Fault::Redirect(location)) => (etag, commit, location.to_owned()),
                Some(Fault::LaterNames(name)) => (name.to_owned(), name, location),
                _ => (etag, commit, location),
            };
            let reply = Response::builder().status(status).header("location", location);
            let reply = reply.header("x-linked-etag", format!("\"{etag}\""));
            let reply = reply.header("x-linked-size", bytes.len()).header("x-repo-commit", commit);
            reply.body(Sent::default()).unwrap()
        }
        ["api", "resolve-cache", "models", owner, name, commit, file] => {
            let bytes = &models[&format!("{owner}/{name}")].commits[commit][file];
            sent(
                bytes,
                &range,
                fault.as_ref(),
                &[("etag", &blob_id(bytes)), ("x-repo-commit", commit)],
            )
        }
        ["cdn", digest] => {
            let files = models.values().flat_map(|model| model.commits.values()).flatten();
            let found =
                files.map(|(_, bytes)| bytes).find(|bytes| Digest::of(bytes).to_string() == digest);
            found.map_or_else(|| plain(404), |bytes| sent(bytes, &range, fault.as_ref(), &[]))
        }
        _ => plain(404),
    }
}

fn plain(status: u16) -> Response<Sent> {
    Response::builder().status(status).body(Sent::default()).unwrap()
}

/// A range of a file, or what a fault makes of it.
fn sent(
    bytes: &[u8],
    range: &str,
    fault: Option<&Fault>,
    headers: &[(&str, &str)],
) -> Response<Sent> {
    let total = bytes.len();
    let (start, end) = match range.trim_start_matches("bytes=").split_once('-') {
        Some((start, end)) => (start.parse().unwrap(), end.parse().unwrap_or(total - 1)),
        None => (0, total - 1),
    };
    if start >= total {
        return plain(416);
    }
    let mut reply = Response::builder().status(StatusCode::PARTIAL_CONTENT);
    reply = reply.header("content-range", format!("bytes {start}-{end}/{total}"));
    let mut part = bytes[start..=end].to_vec();
    let mut then = End::Done;
    match fault {
        Some(Fault::NoRange) => return plain(416),
        Some(Fault::OtherRange) => {
            let other = format!("bytes {}-{end}/{total}", start / 2);
            reply = Response::builder().status(206).header("content-range", other);
        }
        Some(Fault::IgnoreRange) => {
            reply = Response::builder().status(200);
            part = bytes.to_vec();
        }
        Some(Fault::WrongBytes) => part.iter_mut().for_each(|byte| *byte ^= 1),
        Some(Fault::Longer) => part.extend(b"more"),
        _ => {}
    }
    reply = reply.header("content-length", part.len());
    match fault {
        Some(Fault::DropAfter(length)) => {
            part.truncate(*length);
            then = End::Drop;
        }
        Some(Fault::HangAfter(length)) => {
            part.truncate(*length);
            then = End::Hang;
        }
        _ => {}
    }
    for (name, value) in headers {
        reply = reply.header(*name, *value);
    }
    reply.body(Sent { part: Some(part.into()), then, pause: None }).unwrap()
}

/// Git's name for a file's content.
fn blob_id(bytes: &[u8]) -> String {
    use sha1::{Digest as _, Sha1};
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The bytes of an answer, and what follows on them.
#[derive(Default)]
struct Sent {
    part: Option<Bytes>,
    then: End,
    /// Lets bytes go out before the connection is closed.
    pause: Option<Pin<Box<Sleep>>>,
}

#[derive(Default)]
enum End {
    #[default]
    Done,
    Drop,
    Hang,
}

/// A connection that is closed in the middle.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(part) = self.part.take() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        match self.then {
            End::Done => Poll::Ready(None),
            End::Hang => Poll::Pending,
            End::Drop => {
                let wait = || Box::pin(sleep(Duration::from_millis(50)));
                let pause = self.pause.get_or_insert_with(wait);
                pause.as_mut().poll(context).map(|()| Some(Err(Closed)))
            }
        }
    }
}
