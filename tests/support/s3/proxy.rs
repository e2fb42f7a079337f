//! A proxy between a client and an S3 server that fails as planned, and counts.
//!
//! Requests and replies pass whole: a request is forwarded once its body is complete, with the
//! client's own `Host`, so that signatures stay valid. A reply that nobody planned a fault for is
//! passed on as it came; where the server does not answer, the connection is closed.

mod faults;
mod plan;
mod reply;
mod socket;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use faults::Moment;
use plan::{Lasts, Plan};
use reply::Reply;
use socket::Socket;

pub(crate) use faults::Fault;
pub(crate) use plan::Match;

/// A request that the proxy saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When it came, since the start of the proxy.
    pub(crate) at: Duration,
    pub(crate) method: String,
    /// As on the wire, with the bucket: `/bucket/key`.
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: String,
    /// The region that it was signed for.
    pub(crate) region: Option<String>,
    /// What the client was told; `None` where no head of a reply was sent (yet).
    pub(crate) status: Option<u16>,
    /// What was done to it on purpose.
    pub(crate) fault: Option<Fault>,
}

/// A proxy on a free port of 127.0.0.1, with threads of its own. Without a plan it only forwards.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// A proxy to a server, which need not run yet: `http://127.0.0.1:PORT`.
    pub(crate) fn to(endpoint: &str) -> Self {
        let server = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::new(server));
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// What goes into `AWS_ENDPOINT_URL`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request that matches and has no fault yet gets this one. Plans are asked in the
    /// order in which they were made; the first that has a fault for a request decides.
    pub(crate) fn next(&self, when: Match, fault: Fault) {
        self.times(1, when, fault);
    }

    /// The next `count` requests that match get this fault.
    pub(crate) fn times(&self, count: usize, when: Match, fault: Fault) {
        self.shared.plan().add(when, Lasts::Times(count), fault);
    }

    /// Every request that matches gets this fault, until [`Proxy::heal`].
    pub(crate) fn always(&self, when: Match, fault: Fault) {
        self.shared.plan().add(when, Lasts::Forever, fault);
    }

    /// Every request that matches gets this fault, until the time is over.
    pub(crate) fn during(&self, time: Duration, when: Match, fault: Fault) {
        self.shared.plan().add(when, Lasts::Until(Instant::now() + time), fault);
    }

    /// Each request that matches gets one of the faults with the given probability. The dice of a
    /// request depend on the seed, its method and path, and how often this method and path came
    /// before, and not on how requests of several connections interleave: a seed replays. Faults
    /// that need the body of an object leave requests alone that have none.
    pub(crate) fn random(&self, seed: u64, probability: f64, when: Match, faults: &[Fault]) {
        self.shared.plan().add_random(seed, probability, when, faults);
    }

    /// Forgets all plans. Replies that are under way stay as they are: who hangs, hangs.
    pub(crate) fn heal(&self) {
        self.shared.plan().clear();
    }

    /// Lets bodies of requests through with at most this many bytes per second, all connections
    /// together; 0 lifts the limit.
    pub(crate) fn limit_uploads(&self, bytes_per_second: u64) {
        self.shared.upload_rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// All requests so far, in the order in which they came.
    pub(crate) fn log(&self) -> Vec<Seen> {
        self.shared.log().clone()
    }

    /// How many requests so far match.
    pub(crate) fn count(&self, when: &Match) -> usize {
        let log = self.shared.log();
        log.iter().filter(|seen| when.fits(&seen.method, &seen.path, &seen.query)).count()
    }

    /// How many requests of each method came so far.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        self.shared
            .log()
            .iter()
            .for_each(|seen| *counts.entry(seen.method.clone()).or_default() += 1);
        counts
    }

    /// How many requests got a fault so far.
    pub(crate) fn injected(&self) -> usize {
        self.shared.log().iter().filter(|seen| seen.fault.is_some()).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Whatever hangs must not keep the test.
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// What all connections of a proxy share.
struct Shared {
    server: SocketAddr,
    started: Instant,
    plan: Mutex<Plan>,
    log: Mutex<Vec<Seen>>,
    upload_rate: AtomicU64,
    /// When the last byte that was let through is due.
    uploads_free: Mutex<Instant>,
}

impl Shared {
    fn new(server: SocketAddr) -> Self {
        Self {
            server,
            started: Instant::now(),
            plan: Mutex::default(),
            log: Mutex::default(),
            upload_rate: AtomicU64::new(0),
            uploads_free: Mutex::new(Instant::now()),
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    fn log(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.log.lock().unwrap()
    }

    /// Enters a request into the log, which gives its place there, and draws its fault.
    fn enter(&self, request: &Request<Incoming>) -> (usize, Option<Fault>) {
        let method = request.method().to_string();
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        // `… Credential=ID/DATE/REGION/SERVICE/aws4_request, …`
        let region = signed.and_then(|signed| signed.split('/').nth(2)).map(str::to_owned);
        let fault = self.plan().draw(&method, &path, &query);
        let mut log = self.log();
        let at = self.started.elapsed();
        log.push(Seen { at, method, path, query, region, status: None, fault });
        (log.len() - 1, fault)
    }

    /// The whole body of a request, no faster than the limit.
    async fn upload(&self, mut body: Incoming) -> hyper::Result<Bytes> {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let rate = self.upload_rate.load(Ordering::Relaxed);
            if rate > 0 {
                let takes = Duration::from_secs_f64(data.len() as f64 / rate as f64);
                let due = {
                    let mut free = self.uploads_free.lock().unwrap();
                    *free = (*free).max(Instant::now()) + takes;
                    *free
                };
                tokio::time::sleep_until(due.into()).await;
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.into())
    }
}

/// A connection that is closed without a reply.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let reset = Arc::new(AtomicBool::new(false));
        tokio::spawn(async move {
            let socket = TokioIo::new(Socket::new(stream, Arc::clone(&reset)));
            let service = service_fn(|request| answer(&shared, &reset, request));
            let connection = hyper::server::conn::http1::Builder::new();
            // Errors are connections that somebody closed, on purpose or not.
            let _ = connection.serve_connection(socket, service).await;
        });
    }
}

async fn answer(
    shared: &Shared,
    reset: &AtomicBool,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Closed> {
    let (place, fault) = shared.enter(&request);
    let moment = fault.map(Fault::moment);
    if matches!(moment, Some(Moment::AtOnce)) {
        reset.store(true, Ordering::Relaxed);
        return Err(Closed);
    }
    let (head, body) = request.into_parts();
    let body = shared.upload(body).await.map_err(|_| Closed)?;
    let reply = match moment {
        Some(Moment::Instead(refusal)) => refusal.reply(head.method.as_str(), head.uri.path()),
        Some(Moment::Never) => std::future::pending::<Result<_, Infallible>>().await.unwrap(),
        Some(Moment::Close) => return Err(Closed),
        _ => {
            let mut request = Request::from_parts(head, Full::new(body.clone()));
            whole(request.headers_mut(), body.len());
            let (mut head, body) = forward(shared.server, request).await.ok_or(Closed)?;
            if head.headers.remove(TRANSFER_ENCODING).is_some() {
                whole(&mut head.headers, body.len());
            }
            Response::from_parts(head, Reply::new(body))
        }
    };
    let reply = match moment {
        Some(Moment::After) => return Err(Closed),
        Some(Moment::Head(delay)) => {
            sleep(delay).await;
            reply
        }
        Some(Moment::Body(damage)) => damage.apply(reply),
        _ => reply,
    };
    shared.log()[place].status = Some(reply.status().as_u16());
    Ok(reply)
}

/// What the server says, or `None` where it does not.
async fn forward(
    server: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Option<(hyper::http::response::Parts, Bytes)> {
    // A connection for each request: one kept open could have died with the server meanwhile.
    let stream = TcpStream::connect(server).await.ok()?;
    let _ = stream.set_nodelay(true);
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.ok()?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    connection.abort();
    Some((head, body))
}

/// Declares a body that is sent in one piece.
fn whole(headers: &mut HeaderMap, length: usize) {
    let chunked = headers.remove(TRANSFER_ENCODING).is_some();
    if chunked || length > 0 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}
