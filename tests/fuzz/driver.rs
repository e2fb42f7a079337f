//! Runs the cases of a target: drawn from a seed, for a while, with time and memory watched.

use std::cell::Cell;
use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use dyad::digest::Digest;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tempfile::TempDir;

/// What one case may take of the processor, ten times what any needs on a quiet machine; how long it
/// waits for one does not count.
const LIMIT: Duration = Duration::from_secs(5);
/// What the process may ever hold, in bytes.
const MEMORY: usize = 512 << 20;
/// What the cases of a target may take on the wall clock beyond [`duration`]; then one of them hangs.
const HANG: Duration = Duration::from_mins(1);
/// Cases between two looks at the clock.
const ROUND: u32 = 16;

/// Draws cases of `strategy` and checks each with `property`, which panics where it fails.
///
/// A failing case is shrunk. The same seed gives the same cases, as far as the time goes.
pub(crate) fn fuzz<S: Strategy>(target: &str, strategy: S, property: impl Fn(S::Value)) {
    let seed = seed();
    let (started, mut rounds) = (Instant::now(), 0);
    let longest = Cell::new(Duration::ZERO);
    let memory = watched(target, || {
        while started.elapsed() < duration() {
            let round = runner(&format!("{seed} {target} {rounds}")).run(&strategy, |case| {
                longest.set(longest.get().max(timed(|| property(case))));
                Ok(())
            });
            if let Err(failure) = round {
                panic!("`{target}` fails with FUZZ_SEED={seed}: {failure}");
            }
            rounds += 1;
        }
    });
    let (cases, memory, longest) = (rounds * ROUND, memory >> 20, longest.get());
    eprintln!("{target}: {cases} cases, at most {longest:.3?} and {memory} MB, seed {seed}");
}

fn runner(seed: &str) -> TestRunner {
    let seed = Digest::of(seed.as_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, seed.as_bytes());
    // Shrinking ends before the watchdog would take it for a hang.
    let config = Config {
        cases: ROUND,
        failure_persistence: None,
        max_shrink_time: 20_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, random)
}

/// Checks one case that is always the same: with its own time, and the process's memory.
pub(crate) fn case(target: &str, property: impl Fn()) {
    let longest = Cell::new(Duration::ZERO);
    let memory = watched(target, || longest.set(timed(&property)));
    eprintln!("{target}: one case, {:.3?} and at most {} MB", longest.get(), memory >> 20);
}

/// Checks that a refusal says something.
pub(crate) fn refused(error: &impl Display) {
    let text = error.to_string();
    assert!(text.len() > 10, "`{text}` is no message");
}

/// A temporary folder for the small files of a target, in memory where the system has such folders:
/// flushing to disk would take most of the time.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| large_folder())
}

/// A temporary folder for files of any size.
pub(crate) fn large_folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A file of the sources.
pub(crate) fn shipped(path: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The seed of everything random in this run, printed once; `FUZZ_SEED` replays one.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(rand::random);
        eprintln!("seed: {seed} (FUZZ_SEED={seed} replays it)");
        seed
    })
}

/// How long each target draws cases; `FUZZ_SECONDS` sets it, `FAULTS=ci` shortens it.
fn duration() -> Duration {
    let given = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let ci = std::env::var("FAULTS").is_ok_and(|value| value == "ci");
    Duration::from_secs_f64(given.unwrap_or(if ci { 1.2 } else { 15.0 }))
}

/// Runs a case and checks its time.
fn timed(property: impl FnOnce()) -> Duration {
    let before = processor_time();
    property();
    let spent = processor_time().saturating_sub(before);
    assert!(spent < LIMIT, "the case took {spent:?}");
    spent
}

/// The processor time of this thread, or the wall clock where the system does not tell.
fn processor_time() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    match nanoseconds {
        Some(nanoseconds) => Duration::from_nanos(nanoseconds),
        None => START.get_or_init(Instant::now).elapsed(),
    }
}

/// Runs the cases of a target; the largest memory that the process held. One that hangs ends the
/// process, because nothing else would end the case.
fn watched(target: &str, cases: impl FnOnce()) -> usize {
    let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let (done, waiting) = channel::<()>();
    let deadline = duration() + HANG;
    let name = target.to_owned();
    let watchdog = std::thread::spawn(move || {
        if waiting.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
            eprintln!("`{name}` hangs with FUZZ_SEED={}", seed());
            std::process::abort();
        }
    });
    cases();
    drop(done);
    watchdog.join().unwrap();
    let spent = if reset { largest_memory().unwrap_or(0) } else { 0 };
    assert!(spent < MEMORY, "`{target}` took {} MB with FUZZ_SEED={}", spent >> 20, seed());
    spent
}

/// The peak of the process's resident memory in bytes, where the system tells it.
fn largest_memory() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|size| size << 10)
}
