//! The proxy of the fault matrix does to replies what it says, and nothing else: seen by a client
//! that reads bytes, in front of a server of three lines.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::{rounds, seed};

const BODY: &str = "0123456789012345678901234567890123456789";
const OBJECT: &str = "/bucket/some/object.safetensors";
/// What the client waits for bytes that must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// What it waits for bytes that must not come.
const IMPATIENCE: Duration = Duration::from_millis(400);

/// A server that answers everything with [`BODY`], and the proxy before it.
struct Rig {
    proxy: Proxy,
    /// Requests that reached the server.
    asked: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Rig {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                let service = service_fn(move |request| serve(Arc::clone(&counter), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { proxy: Proxy::to(&endpoint), asked, _runtime: runtime }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn get(&self) -> Heard {
        self.send("GET", OBJECT, &[])
    }

    fn send(&self, method: &str, target: &str, body: &[u8]) -> Heard {
        self.send_and_wait(PATIENCE, method, target, body)
    }

    fn send_and_wait(&self, wait: Duration, method: &str, target: &str, body: &[u8]) -> Heard {
        let mut stream = TcpStream::connect(self.proxy.endpoint().replace("http://", "")).unwrap();
        stream.set_read_timeout(Some(wait)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: bucket.example\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // A reset is told once: to the writer, or else to the reader.
        let talk = stream.write_all(body).and_then(|()| stream.read_to_end(&mut bytes));
        let end = match talk.map_err(|error| error.kind()) {
            Ok(_) => End::Closed,
            Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => End::Reset,
            Err(ErrorKind::WouldBlock) => End::Silent,
            Err(other) => End::Other(other),
        };
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Heard { head: head.to_owned(), body: body.to_owned(), end }
    }
}

async fn serve(
    asked: Arc<AtomicUsize>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers()["host"].clone();
    let size = request.into_body().collect().await.unwrap().to_bytes().len();
    asked.fetch_add(1, Ordering::SeqCst);
    let reply = Response::builder()
        .header("x-host", host)
        .header("x-size", size)
        .header("x-amz-checksum-sha256", "0123")
        .header("x-amz-checksum-type", "FULL_OBJECT");
    Ok(reply.body(Full::new(Bytes::from(BODY))).unwrap())
}

#[derive(Debug, PartialEq)]
enum End {
    /// FIN.
    Closed,
    Reset,
    /// Nothing came for as long as the client waited.
    Silent,
    Other(ErrorKind),
}

/// What the client got.
#[derive(Debug)]
struct Heard {
    head: String,
    body: String,
    end: End,
}

impl Heard {
    fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1).map(|status| status.parse().unwrap())
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    fn is_whole(&self) -> bool {
        self.status() == Some(200) && self.body == BODY && self.end == End::Closed
    }
}

#[test]
fn without_a_plan_it_only_forwards_and_counts() {
    let rig = Rig::new();
    let got = rig.get();
    assert!(got.is_whole(), "{got:?}");
    assert_eq!(got.header("x-host"), Some("bucket.example"));
    assert_eq!(got.header("x-amz-checksum-sha256"), Some("0123"));
    let put = rig.send("PUT", "/bucket/large?partNumber=1", &vec![7; 3_000_000]);
    assert_eq!(put.header("x-size"), Some("3000000"));
    let head = rig.send("HEAD", OBJECT, &[]);
    assert_eq!((head.header("content-length"), head.body.as_str()), (Some("40"), ""));

    let expected = [("GET", 1), ("HEAD", 1), ("PUT", 1)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(rig.proxy.counts(), BTreeMap::from(expected));
    assert_eq!((rig.proxy.injected(), rig.asked()), (0, 3));
    let log = rig.proxy.log();
    let seen: Vec<_> = log.iter().map(|seen| (&*seen.method, &*seen.path, seen.status)).collect();
    let ok = Some(200);
    assert_eq!(seen, [("GET", OBJECT, ok), ("PUT", "/bucket/large", ok), ("HEAD", OBJECT, ok)]);
    assert_eq!(log[1].query, "partNumber=1");
    assert!(log[0].at <= log[1].at);
}

#[test]
fn refusals_come_in_the_words_of_s3_and_do_not_reach_the_server() {
    let rig = Rig::new();
    let refusals = [
        (Fault::SlowDown, 503, "SlowDown"),
        (Fault::InternalError, 500, "InternalError"),
        (Fault::ConditionalRequestConflict, 409, "ConditionalRequestConflict"),
        (Fault::PreconditionFailed, 412, "PreconditionFailed"),
        (Fault::TooManyRequests, 429, "TooManyRequests"),
        (Fault::AccessDenied, 403, "AccessDenied"),
        (Fault::ExpiredToken, 400, "ExpiredToken"),
        (Fault::RequestTimeout, 400, "RequestTimeout"),
        (Fault::ErrorInOk, 200, "InternalError"),
    ];
    for (fault, status, code) in refusals {
        rig.proxy.next(Match::any(), fault);
        let got = rig.send("PUT", OBJECT, b"content");
        assert_eq!((got.status(), got.end), (Some(status), End::Closed), "{fault:?}");
        assert!(got.body.contains(&format!("<Error><Code>{code}</Code>")), "{}", got.body);
        let logged = rig.proxy.log().pop().unwrap();
        assert_eq!((logged.status, logged.fault), (Some(status), Some(fault)));
    }
    assert_eq!((rig.asked(), rig.proxy.injected()), (0, refusals.len()));
    rig.proxy.next(Match::heads(), Fault::AccessDenied);
    let head = rig.send("HEAD", OBJECT, &[]);
    assert_eq!((head.status(), head.body.as_str()), (Some(403), ""));
}

#[test]
fn connections_end_and_hang() {
    let rig = Rig::new();
    let large = vec![7; 3_000_000];
    let ends = [
        (Fault::Fin, End::Closed, 0),
        (Fault::Reset, End::Reset, 0),
        (Fault::Hang, End::Silent, 0),
        // Only this one was done.
        (Fault::DroppedReply, End::Closed, 1),
    ];
    for (fault, end, done) in ends {
        for body in [&large, &Vec::new()] {
            let before = rig.asked();
            rig.proxy.next(Match::any(), fault);
            let wait = if end == End::Silent { IMPATIENCE } else { PATIENCE };
            let got = rig.send_and_wait(wait, "PUT", OBJECT, body);
            assert_eq!((got.head.as_str(), &got.end), ("", &end), "{fault:?}");
            assert_eq!(rig.asked() - before, done, "{fault:?}");
            assert_eq!(rig.proxy.log().pop().unwrap().status, None);
        }
    }
    assert!(rig.get().is_whole());
}

#[test]
fn replies_are_late_slow_cut_and_wrong() {
    let rig = Rig::new();
    let with = |fault| {
        rig.proxy.next(Match::gets(), fault);
        let started = Instant::now();
        let silent = matches!(fault, Fault::SlowBody | Fault::StalledBody);
        let wait = if silent { IMPATIENCE } else { PATIENCE };
        let got = rig.send_and_wait(wait, "GET", OBJECT, &[]);
        assert_eq!(got.header("content-length"), Some("40"), "{fault:?}: {got:?}");
        (got, started.elapsed())
    };
    let (late, after) = with(Fault::SlowHead(IMPATIENCE));
    assert!(late.is_whole() && after >= IMPATIENCE, "{late:?} after {after:?}");
    let (slow, _) = with(Fault::SlowBody);
    assert_eq!((slow.body.as_str(), slow.end), ("0", End::Silent));
    let (stalled, _) = with(Fault::StalledBody);
    assert_eq!((stalled.body.as_str(), stalled.end), (&BODY[..20], End::Silent));
    let (truncated, _) = with(Fault::TruncatedBody);
    assert_eq!((truncated.body.as_str(), truncated.end), (&BODY[..20], End::Closed));
    let (flipped, _) = with(Fault::FlippedByte);
    let pairs = flipped.body.bytes().zip(BODY.bytes());
    assert_eq!((flipped.body.len(), pairs.filter(|(one, other)| one != other).count()), (40, 1));
    assert_eq!(flipped.header("x-amz-checksum-sha256"), Some("0123"));
    let (wrong, _) = with(Fault::WrongChecksum);
    assert!(wrong.is_whole(), "{wrong:?}");
    assert_eq!(wrong.header("x-amz-checksum-sha256"), Some("A123"));
    assert_eq!(wrong.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(rig.asked(), 6);
}

#[test]
fn a_slow_body_comes_with_a_byte_per_second() {
    let rig = Rig::new();
    rig.proxy.next(Match::gets(), Fault::SlowBody);
    let mut stream = TcpStream::connect(rig.proxy.endpoint().replace("http://", "")).unwrap();
    write!(stream, "GET {OBJECT} HTTP/1.1\r\nhost: bucket.example\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut heard = Vec::new();
    let started = Instant::now();
    while !heard.ends_with(b"\r\n\r\n012") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        heard.extend(byte);
    }
    assert!((1900..5000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[test]
fn plans_choose_by_method_path_and_order() {
    let rig = Rig::new();
    let status = |method: &str, target: &str| rig.send(method, target, &[]).status().unwrap();
    rig.proxy.times(2, Match::puts().ending(".safetensors"), Fault::SlowDown);
    rig.proxy.next(Match::puts().containing("/some/"), Fault::TooManyRequests);
    rig.proxy.next(Match::lists(), Fault::AccessDenied);
    assert_eq!(status("GET", OBJECT), 200);
    assert_eq!(status("PUT", "/bucket/some/object.json"), 429);
    assert_eq!(status("PUT", "/bucket/some/object.json"), 200);
    assert_eq!(status("PUT", &format!("{OBJECT}?partNumber=3&uploadId=u")), 200);
    assert_eq!([0; 3].map(|_| status("PUT", OBJECT)), [503, 503, 200]);
    assert_eq!(status("GET", "/bucket?prefix=a&list-type=2"), 403);
    assert_eq!(rig.proxy.count(&Match::puts().containing("/some/")), 5);
    assert_eq!(rig.proxy.count(&Match::parts()), 1);
    assert_eq!((rig.proxy.count(&Match::lists()), rig.proxy.count(&Match::gets())), (1, 1));

    rig.proxy.always(Match::completes(), Fault::InternalError);
    assert_eq!([0; 3].map(|_| status("POST", "/bucket/large?uploadId=u")), [500; 3]);
    assert_eq!(status("POST", "/bucket/large?uploads"), 200);
    rig.proxy.heal();
    assert_eq!(status("POST", "/bucket/large?uploadId=u"), 200);

    let outage = Duration::from_millis(300);
    rig.proxy.during(outage, Match::any(), Fault::SlowDown);
    assert_eq!([0; 2].map(|_| status("GET", OBJECT)), [503; 2]);
    std::thread::sleep(outage);
    assert_eq!(status("GET", OBJECT), 200);
}

#[test]
fn a_seed_gives_the_same_faults_in_any_order_of_requests() {
    let paths: Vec<String> = (0..100).map(|number| format!("/bucket/{number}")).collect();
    let drawn = |seed: u64, paths: &mut dyn Iterator<Item = &String>| {
        let rig = Rig::new();
        let faults = [Fault::SlowDown, Fault::Fin, Fault::TruncatedBody];
        rig.proxy.random(seed, 0.3, Match::puts(), &faults);
        paths.for_each(|path| drop(rig.send("PUT", path, &[])));
        rig.get();
        let log = rig.proxy.log();
        log.into_iter().map(|seen| (seen.path, seen.fault)).collect::<BTreeMap<_, _>>()
    };
    for round in 0..rounds(1, 5) {
        let seed = seed().wrapping_add(round as u64);
        let faults = drawn(seed, &mut paths.iter());
        assert_eq!(faults, drawn(seed, &mut paths.iter().rev()), "seed {seed}");
        assert_ne!(faults, drawn(!seed, &mut paths.iter()), "seed {seed}");
        let count = |wanted| faults.values().filter(|fault| **fault == wanted).count();
        // 30 expected: this band is left once in 10^5 seeds.
        assert!((50..=89).contains(&count(None)), "seed {seed}: {faults:?}");
        assert!(count(Some(Fault::SlowDown)) > 0 && count(Some(Fault::Fin)) > 0, "seed {seed}");
        // A reply without a body of its own cannot be truncated, and nothing was planned for the GET.
        assert_eq!(count(Some(Fault::TruncatedBody)), 0);
        assert_eq!(faults[OBJECT], None);
    }
}

#[test]
fn uploads_share_the_bandwidth() {
    let rig = Rig::new();
    rig.proxy.limit_uploads(2_000_000);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let put = || assert!(rig.send("PUT", OBJECT, &vec![7; 400_000]).is_whole());
        (0..3).for_each(|_| drop(scope.spawn(put)));
    });
    let limited = started.elapsed().as_secs_f64();
    assert!((0.6..3.0).contains(&limited), "1.2 MB at 2 MB/s took {limited} s");
    rig.proxy.limit_uploads(0);
    let started = Instant::now();
    rig.send("PUT", OBJECT, &vec![7; 1_200_000]);
    assert!(started.elapsed().as_secs_f64() < limited / 2.0, "{:?}", started.elapsed());
}

#[test]
fn without_a_server_connections_are_closed() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let rig = Rig { proxy: Proxy::to(&endpoint), ..Rig::new() };
    let got = rig.get();
    assert_eq!((got.head.as_str(), got.end), ("", End::Closed));
}
