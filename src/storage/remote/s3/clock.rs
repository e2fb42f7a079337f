//! The server's clock, read from the `Date` of its answers: ages of objects are measured by the
//! clock that dated them, not by ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tracing::warn;

use super::super::S3Uri;

/// S3 refuses requests that are dated further off.
const FAR_SECONDS: u64 = 300;
/// No answer has been seen.
const UNKNOWN: i64 = i64::MIN;

/// How far the server's clock is ahead of ours, as the newest answer says; shared by clones.
#[derive(Clone, Debug)]
pub(super) struct ServerClock(Arc<AtomicI64>);

impl Default for ServerClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(UNKNOWN)))
    }
}

impl ServerClock {
    /// The time by the server's clock, which tells full seconds.
    pub(super) fn now(&self) -> Option<SystemTime> {
        let ahead = Some(self.0.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)?;
        let by = Duration::from_secs(ahead.unsigned_abs());
        let now = SystemTime::now();
        if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) }
    }

    /// Says so if the two clocks are far apart: requests are then signed by the server's, but all that
    /// this machine dates is wrong.
    pub(super) fn warn_if_far(&self, uri: &S3Uri) {
        let ahead = self.0.load(Ordering::Relaxed);
        if ahead != UNKNOWN && ahead.unsigned_abs() > FAR_SECONDS {
            warn!(
                "the clock of `{uri}` is {ahead} s ahead of this machine's: set this machine's; requests go \
                 by the server's"
            );
        }
    }

    fn set(&self, date: &str) {
        let Ok(server) = DateTime::from_str(date, Format::HttpDate) else { return };
        let ours = DateTime::from(SystemTime::now());
        self.0.store(server.secs() - ours.secs(), Ordering::Relaxed);
    }
}

impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.set(date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_may_live_in_another_time() {
        let clock = ServerClock::default();
        assert_eq!(clock.now(), None);
        clock.set("no date");
        assert_eq!(clock.now(), None);
        // RFC 9110, 5.6.7.
        clock.set("Sun, 06 Nov 1994 08:49:37 GMT");
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let off = clock.now().unwrap().duration_since(then).unwrap_or_else(|e| e.duration());
        assert!(off < Duration::from_mins(1), "{off:?}");
    }
}
