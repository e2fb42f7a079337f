//! C4, C5: SIGTERM while uploads are slow, and while S3 hangs.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Place, values};
use crate::crash::matrix;
use crate::crash::store::{Shards, embedded_units, temporaries};
use crate::support::job::{Job, Running};
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::support::s3::{Keys, Kind, Server, connect};
use crate::support::{dyad, shown, text};
use crate::{rounds, seed};

/// A slow link.
const RATE: u64 = 25_000_000;
/// Layers that make checkpoints of some 70 MB, which are uploaded in parts.
const LARGE: [(&str, &str); 3] =
    [("hidden_sizes", "4096,1024"), ("epochs", "3"), ("max_pairs", "300")];

#[test]
fn c4_a_stopped_training_leaves_its_last_step_in_s3() {
    let test = "c4_a_stopped_training_leaves_its_last_step_in_s3";
    let Some(server) = Server::shared(test, Kind::LocalStack) else { return };
    let place = Place::new(server, "jobs-c4");
    let proxy = Proxy::to(&server.endpoint());
    proxy.limit_uploads(RATE);
    let often = ("checkpoint_seconds", ["60", "2"][rounds(0, 1)]);
    let job = place.job_at(&proxy.endpoint(), &[&LARGE[..], &[often]].concat());
    let (reference, whole) = uninterrupted(&job);
    place.empty("runs/");

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let wanted = rounds(2, 75);
    let (mut stops, mut attempts, mut models) = (0, 0, 0);
    let (mut longest, mut expected) = (Duration::ZERO, None::<String>);
    while stops < wanted {
        attempts += 1;
        assert!(attempts < 20 * wanted, "only {stops} stops came in time, seed {}", seed());
        let mut run = Running::start(&mut job.inside(dyad()));
        run.says("run ");
        let (output, took) = stop(run, whole.mul_f64(random.random_range(0.0..0.3)));
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        longest = longest.max(took);
        // What the attempt before has left is where this one began.
        if let (Some(step), true) = (&expected, log.contains("stopped before the end")) {
            let resumed = values(&log, "resumed from step", "step ");
            assert!(resumed.iter().all(|from| from == step), "{resumed:?}, not {step}: {log}");
        }
        if let Some(file) = values(&log, "checkpoint written", "file=").last() {
            assert!(place.checkpoints().contains(*file), "{file} is not in S3: {log}");
            expected = values(&log, "checkpoint written", "step=").last().map(|s| (*s).to_owned());
        }
        assert_eq!(place.bucket.open_uploads(&place.prefix), Vec::<String>::new(), "{log}");
        if log.contains("stopped before the end") {
            stops += 1;
        } else {
            assert_equal(&job.model_files(), &reference);
            models += 1;
            place.empty("runs/");
            expected = None;
        }
        job.wipe_everything();
    }
    job.complete();
    assert_equal(&job.model_files(), &reference);
    assert!(longest < Duration::from_mins(1), "{longest:?}");
    matrix(
        "C4 training",
        &format!("{stops} SIGTERM with uploads at 25 MB/s and checkpoints of some 70 MB"),
        &format!(
            "exit 0, the slowest after {:.1} s; each last step in S3 and resumed from; {} models \
             bit-identical; no multipart upload left open",
            longest.as_secs_f64(),
            models + 1
        ),
    );
}

#[test]
fn c4_a_stopped_embedding_leaves_what_it_computed_in_s3() {
    let test = "c4_a_stopped_embedding_leaves_what_it_computed_in_s3";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-c4-embed");
    let proxy = Proxy::to(&server.endpoint());
    proxy.limit_uploads(RATE);
    let job = place.job(&[]);
    // Of a thousand proteins some.
    let fasta = job.path("input/data/sequences/proteins.fasta");
    let entries = fs::read_to_string(&fasta).unwrap();
    let entries: Vec<_> = entries.split_inclusive("\n>").take(rounds(300, 1000)).collect();
    fs::write(&fasta, entries.concat().trim_end_matches('>')).unwrap();
    let embed = |place: &Place| {
        let mut command = embedding(&job, place);
        connect(&mut command, &proxy.endpoint(), &Keys::root());
        command
    };
    let started = Instant::now();
    assert!(embed(&place).status().unwrap().success());
    let whole = started.elapsed();
    let (rows, table) = (place.shards().rows(), fs::read(job.path("table")).unwrap());
    place.empty("");

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let wanted = rounds(1, 25);
    let (mut stops, mut attempts, mut repeated) = (0, 0, 0);
    let mut longest = Duration::ZERO;
    while stops < wanted {
        attempts += 1;
        assert!(attempts < 20 * wanted, "only {stops} stops came in time, seed {}", seed());
        job.wipe_everything();
        let before = place.shards().rows();
        let mut run = Running::start(embed(&place).env("DYAD_LOG", "dyad=debug"));
        run.says("device: ");
        let (output, took) = stop(run, whole.mul_f64(random.random_range(0.1..0.6)));
        let log = text(&output.stderr);
        longest = longest.max(took);
        let (planned, stored) = (place.units(), place.shards().rows());
        let units: Vec<_> = embedded_units(&log).collect();
        let known = units.iter().flat_map(|unit| &planned[unit]);
        repeated += known.filter(|key| before.contains_key(*key)).count();
        match output.status.code() {
            Some(143) => stops += 1,
            Some(0) => {
                assert!(fs::read(job.path("table")).unwrap() == table, "another table");
                place.empty("");
                continue;
            }
            _ => panic!("seed {}: {}", seed(), shown(&output)),
        }
        // All but the unit that was under way.
        let missing = |unit: &&_| planned[*unit].iter().any(|key| !stored.contains_key(key));
        assert!(units.iter().filter(missing).count() <= 1, "{log}");
    }
    job.wipe_everything();
    assert!(embed(&place).status().unwrap().success());
    assert!(fs::read(job.path("table")).unwrap() == table, "another table");
    assert!(place.shards().rows() == rows, "other rows");
    assert_eq!(repeated, 0);
    assert!(longest < Duration::from_mins(1), "{longest:?}");
    matrix(
        "C4 embedding",
        &format!(
            "{stops} SIGTERM to `dyad embed` with uploads at 25 MB/s, the disk wiped after each"
        ),
        &format!(
            "exit 143, the slowest after {:.1} s; all finished units in S3, {repeated} rows \
             repeated, same table",
            longest.as_secs_f64()
        ),
    );
}

#[test]
fn c5_a_job_stops_in_time_while_s3_hangs() {
    let test = "c5_a_job_stops_in_time_while_s3_hangs";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    if rounds(0, 1) == 0 {
        eprintln!("skipped: {test}: it takes two minutes");
        return;
    }
    let place = Place::new(server, "jobs-c5");
    let proxy = Proxy::to(&server.endpoint());
    let job = place.job_at(&proxy.endpoint(), &[("epochs", "60"), ("checkpoint_seconds", "1")]);
    let (reference, _) = uninterrupted(&job);
    place.empty("runs/");
    let mut run = Running::start(&mut job.inside(dyad()));
    assert!(run.says("checkpoint uploaded"));
    proxy.always(Match::any(), Fault::Hang);
    let (output, took) = stop(run, Duration::from_secs(1));
    let log = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 143)), "{}", shown(&output));
    assert!(took < Duration::from_secs(106), "{took:?}: {log}");
    assert_eq!(temporaries(&job.path("")), Vec::<std::path::PathBuf>::new());
    Shards::read(&job.path("scratch"));
    let step = values(&log, "checkpoint written", "step=").last().map(|step| (*step).to_owned());
    proxy.heal();
    let log = job.complete();
    assert_eq!(values(&log, "resumed from step", "step ").first().copied(), step.as_deref());
    assert_equal(&job.model_files(), &reference);
    matrix(
        "C5",
        "1 SIGTERM while every request hangs",
        &format!(
            "exit {} after {:.1} s; resumed from its last step on the disk, same model",
            output.status.code().unwrap(),
            took.as_secs_f64()
        ),
    );
}

/// `dyad embed` on the job's proteins, with everything below its scratch folder but the table.
fn embedding(job: &Job, place: &Place) -> Command {
    let mut command = dyad();
    command.arg("embed").arg("--sequences").arg(job.path("input/data/sequences"));
    command.arg("--encoder").arg(job.path("input/data/encoder"));
    command.arg("--out").arg(job.path("table")).arg("--cache").arg(job.path("scratch"));
    command.args(["--seal-seconds=0", "--token-budget=1024", "--storage-uri", &place.uri()]);
    command
}

/// Sends SIGTERM after `delay`; the end, and how long it took to come.
fn stop(run: Running, delay: Duration) -> (std::process::Output, Duration) {
    std::thread::sleep(delay);
    run.signal("TERM");
    let asked = Instant::now();
    let output = run.wait();
    assert_eq!(output.status.signal(), None, "the signal was not handled: {}", shown(&output));
    (output, asked.elapsed())
}
