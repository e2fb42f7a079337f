//! The body of a reply, whole or not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// How the body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    AtOnce,
    /// One byte every second.
    Drip,
    /// Half of it, and then nothing.
    Stall,
    /// Half of it, and then the end of the connection.
    Cut,
}

/// The bytes that are still to be sent.
pub(super) struct Reply {
    rest: Bytes,
    pace: Pace,
    halved: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Reply {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { rest: bytes, pace: Pace::AtOnce, halved: false, pause: None }
    }

    pub(super) fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(super) fn edit(&mut self, change: impl FnOnce(&mut [u8])) {
        let mut bytes = self.rest.to_vec();
        change(&mut bytes);
        self.rest = bytes.into();
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
            if self.pace == Pace::Cut {
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
            }
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if self.halved {
            return Poll::Pending;
        }
        self.halved = matches!(self.pace, Pace::Stall | Pace::Cut);
        let count = match self.pace {
            Pace::AtOnce => self.rest.len(),
            Pace::Drip => 1,
            Pace::Stall | Pace::Cut => self.rest.len() / 2,
        };
        // The time that what was sent needs to leave before the connection closes.
        let pause = match self.pace {
            Pace::AtOnce | Pace::Stall => None,
            Pace::Drip => Some(Duration::from_secs(1)),
            Pace::Cut => Some(Duration::from_millis(50)),
        };
        self.pause = pause.map(|pause| Box::pin(sleep(pause)));
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(count)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
