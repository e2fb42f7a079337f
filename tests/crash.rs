//! Kills, power loss and failing disks: what was committed is never lost and never wrong.
//!
//! Modules and test names carry the ids of the matrix in `docs/reliability.md`.

mod embedding;
mod faulty_disk;
mod full_disk;
mod hostile;
mod large;
mod leaks;
mod power;
mod signals;
pub(crate) mod store;
mod trace;
mod training;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dyad::embeddings::esm2::Encoder;
use dyad::embeddings::{
    EmbeddingDtype, EmbeddingSpace, LongSequences, Precision, PrecisionChoice, Settings,
};

use crate::support::{dyad, dyad_under, small_encoder};

/// Prints a line of the matrix: what was run, how often, what came of it.
pub(crate) fn matrix(id: &str, ran: &str, result: &str) {
    eprintln!("matrix: {id} | {ran} | {result}");
}

/// Whether a tool that the machine need not have can be used; if not, says which test is skipped.
pub(crate) fn usable(test: &str, program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    let problem = match output {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("skipped: {test}: `{program}` cannot be used: {problem}");
    false
}

/// A moment to kill a job with SIGKILL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// So long after its start.
    After(Duration),
    /// Before it makes this system call for this, counted from 1, time.
    Before(&'static str, usize),
}

impl Kill {
    /// The binary, to be killed by `strace` where the moment is a call.
    pub(crate) fn command(self) -> Command {
        match self {
            Self::After(_) => dyad(),
            Self::Before(call, number) => {
                let (trace, inject) =
                    (format!("trace={call}"), format!("inject={call}:signal=KILL:when={number}"));
                let arguments = ["-f", "-o", "/dev/null", "-e", &trace, "-e", &inject];
                dyad_under("strace", &arguments)
            }
        }
    }

    /// Runs a command with its log in a file; the log, and whether it was killed.
    pub(crate) fn run(self, command: &mut Command) -> (String, bool) {
        let log = tempfile::NamedTempFile::new().unwrap();
        let output = log.reopen().unwrap();
        let mut child = command.stdout(Stdio::null()).stderr(output).spawn().unwrap();
        if let Self::After(delay) = self {
            let started = Instant::now();
            while started.elapsed() < delay && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            // It may have ended by itself.
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        let log = std::fs::read_to_string(log.path()).unwrap();
        let killed = status.signal() == Some(9);
        assert!(killed || status.success(), "{self:?}: {status:?}: {log}");
        (log, killed)
    }
}

/// A folder in memory where there is one: thousands of files come and go in it.
fn memory() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if tempfile::tempdir_in(&shared).is_ok() { shared } else { std::env::temp_dir() }
}

/// The space of the small encoder under the default settings.
fn space() -> EmbeddingSpace {
    let settings = Settings {
        max_residues: 1022,
        long_sequences: LongSequences::Truncate,
        precision: PrecisionChoice::F32,
        embedding_dtype: EmbeddingDtype::F32,
        token_budget: None,
    };
    EmbeddingSpace::new(&Encoder::open(&small_encoder()).unwrap(), &settings, Precision::F32)
}
