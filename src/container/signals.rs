//! Signals: the first asks the stages to stop, the second ends the process, and so does time.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, low_level};
use tracing::error;

use crate::shutdown::{HARD_STOP, Shutdown};

/// How often the watchdog looks whether a stop was asked for.
const TICK: Duration = Duration::from_millis(100);
/// How long the watchdog's last words may take: whoever reads the log may have stopped reading.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Makes SIGTERM and SIGINT request `shutdown`; either of them after that exits at once with the
/// conventional code of 128 + signal. A process that is still there [`HARD_STOP`] after the request
/// ends with 143.
///
/// SIGXFSZ becomes an error of the write that exceeds the limit.
///
/// To be called before any slow work: a process that runs as number 1 of its container, as ours
/// does, has no default action and would ignore SIGTERM until it is killed.
pub fn install(shutdown: &Shutdown) -> io::Result<()> {
    for signal in [SIGTERM, SIGINT] {
        // In this order, or the first signal would already find the flag set. The exit is explicit
        // because the default action does nothing to process number 1.
        flag::register_conditional_shutdown(signal, 128 + signal, shutdown.flag())?;
        flag::register(signal, shutdown.flag())?;
    }
    // Its default action would end the process without a word; with a handler, writing a file over
    // the limit of its size fails and says why.
    flag::register(SIGXFSZ, Arc::default())?;
    let shutdown = shutdown.clone();
    thread::Builder::new().name("watchdog".into()).spawn(move || watch(&shutdown, HARD_STOP))?;
    Ok(())
}

/// Ends the process without running destructors, which threads that are still at work would not
/// survive. Everything that is to be kept must have been written.
pub fn leave(code: u8) -> ! {
    // Nothing can be done if the output is gone.
    let _ = io::stdout().flush();
    low_level::exit(code.into())
}

/// Ends the process once a stop has been asked for `limit` ago.
fn watch(shutdown: &Shutdown, limit: Duration) {
    let elapsed = || shutdown.since().map(|since| since.elapsed());
    while elapsed().is_none_or(|elapsed| elapsed < limit) {
        thread::sleep(TICK);
    }
    let (said, heard) = mpsc::channel();
    let speaker = thread::Builder::new().spawn(move || {
        let seconds = limit.as_secs();
        error!("still at work {seconds} seconds after the request to stop: ending at once");
        let _ = said.send(());
    });
    if speaker.is_ok() {
        let _ = heard.recv_timeout(LAST_WORDS);
    }
    low_level::exit(128 + SIGTERM)
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use super::*;

    /// Tells the process that is to end what ends it.
    const ENDED_BY: &str = "ENDED_BY";

    /// This test program again, running one test only.
    fn child(test: &str, ended_by: &str) -> Child {
        Command::new(env::current_exe().unwrap())
            .args([&format!("container::signals::tests::{test}"), "--exact"])
            .env(ENDED_BY, ended_by)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn the_first_signal_requests_and_the_second_exits() {
        if let Ok(second) = env::var(ENDED_BY) {
            return stop_twice(second.parse().unwrap());
        }
        for (second, code) in [(SIGTERM, 143), (SIGINT, 130)] {
            let test = "the_first_signal_requests_and_the_second_exits";
            let status = child(test, &second.to_string()).wait().unwrap();
            assert_eq!(status.code(), Some(code), "{status:?}");
        }
    }

    fn stop_twice(second: i32) {
        let shutdown = Shutdown::default();
        install(&shutdown).unwrap();
        assert!(!shutdown.requested());
        low_level::raise(SIGTERM).unwrap();
        assert!(shutdown.requested());
        low_level::raise(second).unwrap();
    }

    #[test]
    fn whoever_does_not_stop_is_ended_when_time_is_up() {
        if env::var(ENDED_BY).is_ok() {
            let shutdown = Shutdown::with_left(Duration::from_millis(300), HARD_STOP);
            install(&shutdown).unwrap();
            thread::sleep(Duration::from_mins(1));
        }
        let started = Instant::now();
        let mut child = child("whoever_does_not_stop_is_ended_when_time_is_up", "time");
        assert_eq!(child.wait().unwrap().code(), Some(143));
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn leaving_waits_for_nobody() {
        if env::var(ENDED_BY).is_ok() {
            thread::spawn(|| thread::sleep(Duration::from_mins(1)));
            leave(7);
        }
        assert_eq!(child("leaving_waits_for_nobody", "itself").wait().unwrap().code(), Some(7));
    }
}
