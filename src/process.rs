//! Other programs, run to their end or until a stop is asked for.
//!
//! Their arguments never pass a shell. `PATH` is looked up by the system.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::shutdown::Shutdown;
use crate::storage::reason;

/// Bytes of a program's output that are kept, the last ones.
const KEPT_BYTES: usize = 4096;
/// Lines of it that a message shows.
const SHOWN_LINES: usize = 3;
/// How often the end of a program, and a request to stop, are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program.
    #[error("`{0}` is not installed, or not in `PATH`")]
    Absent(String),
    /// It could not be started or waited for.
    #[error("cannot run `{program}`: {}", reason(source))]
    Run {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("`{program}` failed ({status}): {said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it wrote.
        said: String,
    },
    /// A stop was asked for.
    #[error("`{0}` was stopped on request")]
    Stopped(String),
}

/// Runs `program` to its end and gives the end of its standard output.
///
/// It gets no input. Every program that it has started is killed at its end, or with it where a stop
/// is asked for.
pub fn run(
    program: &str,
    arguments: &[&OsStr],
    shutdown: &Shutdown,
) -> Result<String, ProcessError> {
    let failed = |source| ProcessError::Run { program: program.to_owned(), source };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that what it starts can be killed with it.
    let mut child = command.process_group(0).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ProcessError::Absent(program.to_owned()),
        _ => failed(error),
    })?;
    // Read all the time: a program whose pipe is full waits.
    let (output, errors) = (child.stdout.take().map(tail), child.stderr.take().map(tail));
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) if shutdown.requested() => {
                break Err(ProcessError::Stopped(program.to_owned()));
            }
            Ok(None) => thread::sleep(LOOK_EVERY),
            Err(error) => break Err(failed(error)),
        }
    };
    // Also after its end: what it has left running would hold the pipes.
    kill(&mut child);
    let status = ended?;
    let text = |reader: Option<JoinHandle<String>>| reader.and_then(|reader| reader.join().ok());
    let (output, errors) = (text(output).unwrap_or_default(), text(errors).unwrap_or_default());
    if status.success() {
        return Ok(output);
    }
    let said = last_lines(if errors.trim().is_empty() { &output } else { &errors });
    Err(ProcessError::Failed { program: program.to_owned(), status, said })
}

/// Kills a child and its group; one that has ended meanwhile needs no killing.
fn kill(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// Reads to the end, on a thread of its own, and keeps the last bytes.
fn tail(mut source: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let (mut kept, mut buffer) = (VecDeque::new(), [0; KEPT_BYTES]);
        // What cannot be read is missing from a message, and nothing else.
        while let Ok(length @ 1..) = source.read(&mut buffer) {
            kept.extend(&buffer[..length]);
            kept.drain(..kept.len().saturating_sub(KEPT_BYTES));
        }
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    })
}

/// The last lines of `text` as one.
fn last_lines(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.collect();
    match lines.len() {
        0 => "it said nothing".to_owned(),
        count => lines[count.saturating_sub(SHOWN_LINES)..].join("; "),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str, shutdown: &Shutdown) -> Result<String, ProcessError> {
        run("sh", &["-c", script].map(OsStr::new), shutdown)
    }

    #[test]
    fn the_output_of_a_program_comes_back() {
        assert_eq!(shell("echo one; echo two", &Shutdown::default()).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn more_output_than_a_pipe_holds_blocks_nothing_and_its_end_is_kept() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
        let output = shell(script, &Shutdown::default()).unwrap();
        assert!(output.ends_with("line 19999\n") && output.len() == KEPT_BYTES, "{output}");
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let message = |script| shell(script, &Shutdown::default()).unwrap_err().to_string();
        insta::assert_snapshot!(message("echo no; echo 1; echo 2 >&2; echo 3 >&2; exit 7"), @"`sh` failed (exit status: 7): 2; 3");
        insta::assert_snapshot!(message("echo out; exit 1"), @"`sh` failed (exit status: 1): out");
        insta::assert_snapshot!(message("exit 1"), @"`sh` failed (exit status: 1): it said nothing");
        let absent = run("dyad-no-such-program", &[], &Shutdown::default()).unwrap_err();
        insta::assert_snapshot!(absent, @"`dyad-no-such-program` is not installed, or not in `PATH`");
    }

    #[test]
    fn a_stop_kills_it_with_all_that_it_has_started() {
        let shutdown = Shutdown::default();
        let folder = tempfile::tempdir().unwrap();
        let (begun, over) = (folder.path().join("begun"), folder.path().join("over"));
        let script =
            format!("(touch {}; sleep 1; touch {}) & wait", begun.display(), over.display());
        let asking = shutdown.clone();
        let asker = thread::spawn(move || {
            while !begun.exists() {
                thread::sleep(Duration::from_millis(1));
            }
            asking.request();
        });
        let started = Instant::now();
        let error = shell(&script, &shutdown).unwrap_err();
        assert!(matches!(error, ProcessError::Stopped(_)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
        asker.join().unwrap();
        thread::sleep(Duration::from_millis(1500));
        assert!(!over.exists(), "what it had started went on");
    }
}
