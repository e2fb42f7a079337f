//! C6: SIGTERM to process number 1 of a container, which has no default actions.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{matrix, usable};
use crate::support::dyad_under;
use crate::support::job::Job;
use crate::support::kill::{assert_equal, job, uninterrupted};
use crate::{rounds, seed};

const NAMESPACE: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

#[test]
fn c6_process_number_one_stops_by_sigterm_and_at_once_by_a_second() {
    let test = "c6_process_number_one_stops_by_sigterm_and_at_once_by_a_second";
    if !usable(test, "unshare", &[&NAMESPACE[..], &["true"]].concat()) {
        return;
    }
    let root = job();
    let (reference, whole) = uninterrupted(&root);
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let stops = rounds(3, 20);
    let mut longest = Duration::ZERO;
    for _ in 0..stops {
        let contained = Contained::start(&root);
        std::thread::sleep(whole.mul_f64(random.random_range(0.0..0.6)));
        let asked = Instant::now();
        contained.terminate();
        let (status, log) = contained.wait();
        longest = longest.max(asked.elapsed());
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("run again to continue") || log.contains("model written"), "{log}");
        root.wipe_instance();
    }
    root.complete();
    assert_equal(&root.model_files(), &reference);
    assert!(longest.as_secs() < 60, "{longest:?}");

    let twice = rounds(3, 20);
    for _ in 0..twice {
        root.wipe_everything();
        let contained = Contained::start(&root);
        contained.terminate();
        contained.terminate();
        let asked = Instant::now();
        let (status, log) = contained.wait();
        assert_eq!(status.code(), Some(143), "{log}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
    matrix(
        "C6",
        &format!("{stops} SIGTERM to process number 1, {twice} followed by a second"),
        &format!(
            "all stopped, the slowest in {:.1} s; same model; the second ends at once",
            longest.as_secs_f64()
        ),
    );
}

/// A job as number 1 of a process namespace.
struct Contained {
    namespace: Child,
    job: u32,
    log: PathBuf,
}

impl Contained {
    /// Starts a job and waits until it has said its first word, later than it handles signals.
    fn start(root: &Job) -> Self {
        let log = root.path("log");
        let mut command = root.inside(dyad_under("unshare", &NAMESPACE));
        let namespace =
            command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while fs::read(&log).unwrap().is_empty() {
            assert!(Instant::now() < deadline, "the job says nothing");
            std::thread::sleep(Duration::from_millis(2));
        }
        let parent = namespace.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let job = children.unwrap().trim().parse().unwrap();
        let status = fs::read_to_string(format!("/proc/{job}/status")).unwrap();
        let numbers = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
        assert_eq!(numbers.split_whitespace().last(), Some("1"), "{numbers}");
        Self { namespace, job, log }
    }

    fn terminate(&self) {
        // It may have ended.
        let _ = Command::new("kill").args(["-s", "TERM", &self.job.to_string()]).output();
    }

    fn wait(mut self) -> (ExitStatus, String) {
        let status = self.namespace.wait().unwrap();
        (status, fs::read_to_string(&self.log).unwrap())
    }
}
