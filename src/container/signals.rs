//! Signals: the first asks the stages to stop, the second ends the process.

use std::io;
use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::shutdown::Shutdown;

/// Makes SIGTERM and SIGINT request `shutdown`; either of them after that exits at once with the
/// conventional code of 128 + signal.
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use signal_hook::low_level::raise;

    use super::*;

    /// Holds the second signal in the process that is to end by it.
    const SECOND: &str = "SECOND_SIGNAL";

    #[test]
    fn the_first_signal_requests_and_the_second_exits() {
        if let Ok(second) = env::var(SECOND) {
            return stop_twice(second.parse().unwrap());
        }
        for (second, code) in [(SIGTERM, 143), (SIGINT, 130)] {
            let test = "container::signals::tests::the_first_signal_requests_and_the_second_exits";
            let child = Command::new(env::current_exe().unwrap())
                .args([test, "--exact"])
                .env(SECOND, second.to_string())
                .output()
                .unwrap();
            assert_eq!(child.status.code(), Some(code), "{child:?}");
        }
    }

    fn stop_twice(second: i32) {
        let shutdown = Shutdown::default();
        install(&shutdown).unwrap();
        assert!(!shutdown.requested());
        raise(SIGTERM).unwrap();
        assert!(shutdown.requested());
        raise(second).unwrap();
    }
}
