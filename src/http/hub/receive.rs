//! One attempt at the bytes of a file.

use std::time::Instant;

use super::incoming::Incoming;
use super::request::{Requests, Trouble};

/// How far a file has come, in all attempts.
pub(super) struct Meter {
    /// The most bytes that there were.
    pub(super) furthest: u64,
    /// All that there will be; 0 if it is not known yet.
    pub(super) total: u64,
    /// When a byte came that was new.
    pub(super) last: Instant,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { furthest: 0, total: 0, last: Instant::now() }
    }

    pub(super) fn reach(&mut self, done: u64) {
        if done > self.furthest {
            (self.furthest, self.last) = (done, Instant::now());
        }
    }
}

/// Fetches what is missing of a file, and no more than that, and verifies it.
pub(super) fn receive(
    requests: &Requests<'_>,
    url: &str,
    incoming: &Incoming,
    meter: &mut Meter,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<(), Trouble> {
    let (total, mut part) = (incoming.described.bytes, incoming.part()?);
    meter.total = total;
    meter.reach(part.length);
    watch(part.length, total);
    if part.length < total {
        let opened = requests.open(url, &format!("bytes={}-", part.length));
        let mut reply = match opened {
            Err(Trouble::Status(416)) => return discarded(incoming, meter, "status 416"),
            opened => opened?,
        };
        let mut lead = reply.lead(part.length, total)?;
        while part.length < total {
            let Some(chunk) = reply.chunk()? else {
                return Err(Trouble::Transient("the answer broke off".to_owned()));
            };
            let known = lead.min(chunk.len() as u64);
            let end = chunk.len().min((known + total - part.length) as usize);
            lead -= known;
            part.append(&chunk[known as usize..end])?;
            meter.reach(part.length);
            watch(part.length, total);
        }
    }
    match incoming.problem()? {
        Some(problem) => discarded(incoming, meter, problem),
        None => Ok(()),
    }
}

/// Begins again after what has come proved useless.
fn discarded(incoming: &Incoming, meter: &mut Meter, problem: &str) -> Result<(), Trouble> {
    incoming.discard()?;
    *meter = Meter::new();
    Err(Trouble::Odd(problem.to_owned()))
}
