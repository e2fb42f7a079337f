//! F8, F10: wrong clocks, and a server that is down.

use std::time::{Duration, Instant};

use super::Place;
use crate::crash::store::Shards;
use crate::crash::{matrix, usable};
use crate::rounds;
use crate::support::job::{Job, Running};
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::{Kind, Server};
use crate::support::{dyad, dyad_under, shown, text};

#[test]
fn f8_a_wrong_clock_is_put_right() {
    let test = "f8_a_wrong_clock_is_put_right";
    let Some(server) = Server::shared(test, Kind::S3sFs) else { return };
    if !usable(test, "faketime", &["-f", "+1h", "true"]) {
        return;
    }
    let place = Place::new(server, "jobs-f8");
    let job = place.job(&[("epochs", "2")]);
    let (reference, _) = uninterrupted(&job);
    let clocks = ["+1h", "-1h", "+3d", "-3d"];
    let clocks = &clocks[..rounds(2, 4)];
    for clock in clocks {
        place.empty("");
        let mut command = job.inside(dyad_under("faketime", &["-f", clock]));
        let output = command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").output().unwrap();
        assert!(output.status.success(), "{clock}: {}", shown(&output));
        assert!(!text(&output.stderr).contains(" WARN s3"), "{clock}: {}", shown(&output));
        assert_equal(&job.model_files(), &reference);
        assert!(place.keys("").len() > 4, "{clock}: {:?}", place.keys(""));
        job.wipe_everything();
    }
    matrix("F8", &format!("1 job each with its clock off by {clocks:?}"), "all done, same model");
}

#[test]
fn f10_a_server_that_goes_away_and_comes_back_gets_everything() {
    let test = "f10_a_server_that_goes_away_and_comes_back_gets_everything";
    let Some(mut server) = Server::start(test, Kind::Ministack) else { return };
    let place = Place::new(&server, "jobs-f10");
    let job = place.job(&[("seal_seconds", "0"), ("epochs", "9")]);
    let (reference, _) = uninterrupted(&job);
    place.empty("");

    let mut run = Running::start(job.inside(dyad()).env("DYAD_LOG", "dyad=debug"));
    assert!(run.says("unit="));
    server.kill();
    std::thread::sleep(Duration::from_secs(3));
    server.restart();
    let output = run.wait();
    let log = text(&output.stderr);
    assert!(output.status.success(), "{}", shown(&output));
    assert!(log.contains("answers again after"), "{log}");
    assert_equal(&job.model_files(), &reference);
    assert_synced(&place, &job, &[]);
    let waited = warnings(&log);
    assert!((1..=2).contains(&waited.len()), "{waited:?}");

    // Gone for the rest of the run; the next one has nothing to compute and uploads all.
    job.wipe_everything();
    place.empty("");
    // While embeddings are computed it first tries for a minute to agree with others on the pin.
    let when = if rounds(0, 1) == 0 { "[metric] epoch=1" } else { "unit=" };
    let mut run = Running::start(job.inside(dyad()).env("DYAD_LOG", "dyad=debug"));
    assert!(run.says(when));
    server.kill();
    assert!(run.says("[metric] epoch=9"), "{}", run.log());
    while !job.path("model/manifest.json").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    run.signal("KILL");
    run.wait();
    assert_equal(&job.model_files(), &reference);
    server.restart();
    let log = job.complete();
    assert!(log.contains("computed=0"), "{log}");
    assert_synced(&place, &job, &["pin.json"]);
    matrix(
        "F10",
        "a server killed mid-run for 3 s, and one killed mid-run for good",
        "all uploaded when it was back, by the same run or by the next one here; same model",
    );
    if rounds(0, 1) == 1 {
        job.wipe_everything();
        place.empty("");
        server.kill();
        let started = Instant::now();
        let log = job.complete();
        let took = started.elapsed();
        assert!(log.contains("the next run here uploads them"), "{log}");
        assert!(took < Duration::from_secs(400), "{took:?}: {log}");
        // One about each thing that it goes without, and one a minute about uploads.
        let minutes = took.as_secs() as usize / 60;
        assert!(warnings(&log).len() <= 4 + minutes, "{:?}", warnings(&log));
        assert_equal(&job.model_files(), &reference);
        server.restart();
        let log = job.complete();
        assert!(log.contains("computed=0"), "{log}");
        assert_synced(&place, &job, &["pin.json"]);
        let result =
            format!("exit 0 after {} s, same model; the next run uploads all", took.as_secs());
        matrix("F10 at the start", "1 job whose server is down all the time", &result);
    }
}

/// The warnings about S3.
fn warnings(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains(" WARN ") && line.contains("s3://")).collect()
}

/// What a next attempt elsewhere needs is in the bucket. What was decided while S3 was away, such as
/// the pin, `later` is offered to it by the next attempt here.
fn assert_synced(place: &Place, job: &Job, later: &[&str]) {
    let here = Shards::read(&job.path("scratch"));
    assert!(here.count() > 0 && here.lost_in(&place.shards()) == 0, "{:?}", place.keys(""));
    for part in ["space.json", "/attempts/", "/ckpt/"].iter().chain(later) {
        assert!(!place.keys(part).is_empty(), "{part}: {:?}", place.keys(""));
    }
}
