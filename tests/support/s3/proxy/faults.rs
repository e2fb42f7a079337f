//! What can go wrong, and when in the life of a request it does.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::reply::{Pace, Reply};

/// What the proxy does to a request in place of forwarding it, or to its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503 `SlowDown`. Like all answers up to [`Fault::ErrorInOk`], without asking the server.
    SlowDown,
    /// 500 `InternalError`.
    InternalError,
    /// 409 `ConditionalRequestConflict`.
    ConditionalRequestConflict,
    /// 412 `PreconditionFailed`.
    PreconditionFailed,
    /// 429 `TooManyRequests`.
    TooManyRequests,
    /// 403 `AccessDenied`.
    AccessDenied,
    /// 400 `ExpiredToken`.
    ExpiredToken,
    /// 400 `RequestTimeout`.
    RequestTimeout,
    /// 200 whose body is an `<Error>` with the code `InternalError`.
    ErrorInOk,
    /// The request is read and the connection closed, without asking the server.
    Fin,
    /// The connection is reset when the head of the request is there, without asking the server.
    Reset,
    /// The request is read and never answered, without asking the server.
    Hang,
    /// The server does what was asked; the connection is closed without a reply.
    DroppedReply,
    /// The reply comes after this time.
    SlowHead(Duration),
    /// The body of the reply comes with one byte per second.
    SlowBody,
    /// Half of the body of the reply comes, and nothing after it.
    StalledBody,
    /// Half of the body of the reply comes, and then the connection is closed.
    TruncatedBody,
    /// One bit in the middle of the body of the reply is another one.
    FlippedByte,
    /// Every `x-amz-checksum-…` of the reply has another value; a CRC-32 is made up if there is none.
    WrongChecksum,
}

/// What a fault touches.
#[derive(Clone, Copy)]
pub(super) enum Moment {
    /// The connection, before the body of the request.
    AtOnce,
    /// The reply, which is this one; the server is not asked.
    Instead(Refusal),
    /// The reply, which never comes; the server is not asked.
    Never,
    /// The connection, after the body of the request; the server is not asked.
    Close,
    /// The connection, when the server has answered.
    After,
    /// The time at which the reply begins.
    Head(Duration),
    /// What the server answered.
    Body(Damage),
}

impl Fault {
    /// False for what does nothing to the reply of a request with this method.
    pub(super) fn concerns(self, method: &str) -> bool {
        match self.moment() {
            Moment::Body(_) => method == "GET",
            _ if self == Self::ErrorInOk => matches!(method, "PUT" | "POST"),
            _ => true,
        }
    }

    pub(super) fn moment(self) -> Moment {
        let refusal = |status, code| Moment::Instead(Refusal { status, code });
        match self {
            Self::SlowDown => refusal(503, "SlowDown"),
            Self::InternalError => refusal(500, "InternalError"),
            Self::ConditionalRequestConflict => refusal(409, "ConditionalRequestConflict"),
            Self::PreconditionFailed => refusal(412, "PreconditionFailed"),
            Self::TooManyRequests => refusal(429, "TooManyRequests"),
            Self::AccessDenied => refusal(403, "AccessDenied"),
            Self::ExpiredToken => refusal(400, "ExpiredToken"),
            Self::RequestTimeout => refusal(400, "RequestTimeout"),
            Self::ErrorInOk => refusal(200, "InternalError"),
            Self::Fin => Moment::Close,
            Self::Reset => Moment::AtOnce,
            Self::Hang => Moment::Never,
            Self::DroppedReply => Moment::After,
            Self::SlowHead(delay) => Moment::Head(delay),
            Self::SlowBody => Moment::Body(Damage::Paced(Pace::Drip)),
            Self::StalledBody => Moment::Body(Damage::Paced(Pace::Stall)),
            Self::TruncatedBody => Moment::Body(Damage::Paced(Pace::Cut)),
            Self::FlippedByte => Moment::Body(Damage::FlippedByte),
            Self::WrongChecksum => Moment::Body(Damage::WrongChecksum),
        }
    }
}

/// An answer in the words of S3.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
}

impl Refusal {
    pub(super) fn reply(self, method: &str, path: &str) -> Response<Reply> {
        let code = self.code;
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>a fault of the test</Message><Resource>{path}</Resource>\
             <RequestId>FAULT</RequestId></Error>"
        );
        let body = if method == "HEAD" { String::new() } else { xml };
        let mut reply = Response::new(Reply::new(Bytes::from(body)));
        *reply.status_mut() = StatusCode::from_u16(self.status).unwrap();
        reply.headers_mut().insert("content-type", HeaderValue::from_static("application/xml"));
        reply.headers_mut().insert("x-amz-request-id", HeaderValue::from_static("FAULT"));
        reply
    }
}

/// A change to what the server answered.
#[derive(Clone, Copy)]
pub(super) enum Damage {
    Paced(Pace),
    FlippedByte,
    WrongChecksum,
}

impl Damage {
    pub(super) fn apply(self, reply: Response<Reply>) -> Response<Reply> {
        match self {
            Self::Paced(pace) => reply.map(|body| body.paced(pace)),
            Self::FlippedByte => reply.map(|mut body| {
                body.edit(|bytes| {
                    let middle = bytes.len() / 2;
                    bytes.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
                });
                body
            }),
            Self::WrongChecksum => with_wrong_checksums(reply),
        }
    }
}

fn with_wrong_checksums(mut reply: Response<Reply>) -> Response<Reply> {
    let is_checksum = |name: &HeaderName| {
        name.as_str().starts_with("x-amz-checksum-") && name != "x-amz-checksum-type"
    };
    let checksums = reply.headers_mut().iter_mut().filter(|(name, _)| is_checksum(name));
    let mut found = false;
    for (_, value) in checksums {
        found = true;
        let mut text = value.as_bytes().to_vec();
        text[0] = if text[0] == b'A' { b'B' } else { b'A' };
        *value = HeaderValue::from_bytes(&text).unwrap();
    }
    if !found {
        let made_up = HeaderValue::from_static("AAAAAA==");
        reply.headers_mut().insert("x-amz-checksum-crc32", made_up);
    }
    reply
}
