//! H1, H3: several processes on one prefix.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dyad::sample::SEQUENCES_FILE;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Place, values};
use crate::crash::matrix;
use crate::crash::store::embedded_units;
use crate::support::job::Running;
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::{Keys, Kind, Server, connect};
use crate::support::{dyad, sample_folder, shown, small_encoder, text};
use crate::{rounds, seed};

#[test]
fn h1_processes_on_one_prefix_share_the_work_and_agree() {
    let test = "h1_processes_on_one_prefix_share_the_work_and_agree";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-h1");
    let sample = sample_folder(3, false);
    let fasta = fs::read_to_string(sample.path().join(SEQUENCES_FILE)).unwrap();
    let entries: Vec<_> = fasta.split_inclusive("\n>").take(rounds(200, 1000)).collect();
    fs::write(sample.path().join("some.fasta"), entries.concat().trim_end_matches('>')).unwrap();
    let machine = |name: &str| -> PathBuf { sample.path().join(name) };
    let embed = |machine: &Path| -> Command {
        let mut command = dyad();
        connect(&mut command, &server.endpoint(), &Keys::root());
        command.arg("embed").arg("--sequences").arg(sample.path().join("some.fasta"));
        command.arg("--encoder").arg(small_encoder()).arg("--cache").arg(machine);
        command.arg("--out").arg(machine.join("table")).env("DYAD_LOG", "dyad=debug");
        command.args(["--seal-seconds=0", "--token-budget=256", "--storage-uri", &place.uri()]);
        command
    };
    let alone = machine("alone");
    let started = Instant::now();
    let output = embed(&alone).output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    let whole = started.elapsed();
    let (rows, table) = (place.shards().rows(), fs::read(alone.join("table")).unwrap());
    let units = embedded_units(&text(&output.stderr)).count();
    place.empty("");

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let processes = rounds(3, 8);
    let victims = processes / 3;
    let mut running: BTreeMap<_, _> = (0..processes)
        .map(|number| (number, Running::start(&mut embed(&machine(&number.to_string())))))
        .collect();
    let mut computed = 0;
    for victim in 0..victims {
        std::thread::sleep(whole.mul_f64(random.random_range(0.1..0.3)));
        let killed = running.remove(&victim).unwrap();
        killed.signal("KILL");
        computed += embedded_units(&text(&killed.wait().stderr)).count();
        fs::remove_dir_all(machine(&victim.to_string())).unwrap();
        let again = Running::start(&mut embed(&machine(&victim.to_string())));
        running.insert(victim, again);
    }
    for (number, process) in running {
        let output = process.wait();
        assert!(output.status.success(), "seed {}: {}", seed(), shown(&output));
        computed += embedded_units(&text(&output.stderr)).count();
        let ours = fs::read(machine(&number.to_string()).join("table")).unwrap();
        assert!(ours == table, "process {number} reads other bytes, seed {}", seed());
    }
    let shards = place.shards();
    assert!(shards.rows() == rows, "the union is not what one process computes");
    let repeated = (computed - units) as f64 / units as f64;
    // Those that were killed, and the first unit, which all compute, weigh more in a short job.
    let allowed = if units > 300 { 0.1 } else { 0.5 };
    assert!(repeated <= allowed, "{computed} of {units} units computed, seed {}", seed());
    matrix(
        "H1",
        &format!(
            "{processes} `dyad embed` on one prefix, {units} units, {victims} killed and begun anew"
        ),
        &format!(
            "union complete, all read identical bytes, {:.1} % of the units computed more than once",
            repeated * 100.0
        ),
    );
}

#[test]
fn h3_an_older_attempt_stops_before_its_next_commit() {
    let test = "h3_an_older_attempt_stops_before_its_next_commit";
    for kind in [Kind::LocalStack, Kind::Ministack].into_iter().take(rounds(1, 2)) {
        let Some(server) = Server::shared(test, kind) else { continue };
        let place = Place::new(server, "jobs-h3");
        let settings = [("epochs", "100"), ("checkpoint_seconds", "1")];
        let (older, newer) = (place.job(&settings), place.job(&settings));
        let (reference, _) = uninterrupted(&newer);
        place.empty("runs/");

        let mut old = Running::start(&mut older.inside(dyad()));
        assert!(old.says("checkpoint uploaded"), "{}", old.log());
        let new = Running::start(&mut newer.inside(dyad()));
        while place.keys("attempts/2.json").is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // An upload that was under way may still arrive.
        std::thread::sleep(Duration::from_millis(500));
        let of_old = || place.checkpoints().into_iter().filter(|name| name.contains("-a1-"));
        let before: Vec<_> = of_old().collect();
        let output = old.wait();
        assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
        let failure = older.failure();
        assert!(failure.contains("a newer attempt (2) of run"), "{failure}");
        assert!(failure.contains("this one (1) stops"), "{failure}");
        assert!(
            of_old().all(|name| before.contains(&name)),
            "{before:?} {:?}",
            place.checkpoints()
        );
        assert!(!older.path("model/manifest.json").exists(), "two models of one run");

        let output = new.wait();
        assert!(output.status.success(), "{}", shown(&output));
        let log = text(&output.stderr);
        assert!(!values(&log, "resumed from step", "step ").is_empty(), "{log}");
        assert_equal(&newer.model_files(), &reference);
    }
    matrix(
        "H3",
        "an attempt started beside an older one, on another machine",
        "the older commits nothing more and exits with 3, the newer ends with the same model",
    );
}
