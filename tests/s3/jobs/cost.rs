//! S2: what uploads cost the embedding, in processor time.

use std::fs;
use std::process::Command;

use super::Place;
use crate::crash::matrix;
use crate::rounds;
use crate::support::s3::{Keys, Kind, Server, connect};
use crate::support::{dyad, sample_folder, small_encoder, succeed};

/// Clock ticks per second in `/proc`, on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// The small encoder gives the most bytes per second of computing of all: larger ones pay less.
#[test]
fn s2_uploads_cost_little_of_the_time_that_embedding_takes() {
    let test = "s2_uploads_cost_little_of_the_time_that_embedding_takes";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-s2");
    let proteins = tempfile::tempdir().unwrap();
    for seed in 0..rounds(1, 4) {
        let sample = sample_folder(seed as u64, false);
        let sequences = fs::read_to_string(sample.path().join("proteins.fasta")).unwrap();
        // Names of their own: samples name their proteins alike.
        let renamed = sequences.replace('>', &format!(">S{seed}"));
        fs::write(proteins.path().join(format!("{seed}.fasta")), renamed).unwrap();
    }
    let embed = |remote: bool| {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = dyad();
        connect(&mut command, &place.endpoint, &Keys::root());
        command.arg("embed").arg("--sequences").arg(proteins.path());
        command.arg("--encoder").arg(small_encoder());
        command.arg("--cache").arg(scratch.path().join("cache"));
        command.arg("--out").arg(scratch.path().join("table.safetensors"));
        if remote {
            place.empty("");
            command.arg("--storage_uri").arg(place.uri());
        }
        let seconds = processor_seconds(&mut command);
        assert_eq!(place.keys("/shards/").is_empty(), !remote);
        place.empty("");
        seconds
    };
    let (mut alone, mut shared) = (0.0, 0.0);
    for _ in 0..rounds(1, 3) {
        alone += embed(false);
        shared += embed(true);
    }
    let percent = 100.0 * (shared - alone) / alone;
    // Wide enough for other work on the machine; the number itself is in the table.
    assert!(percent < 25.0, "{alone:.1} s alone, {shared:.1} s with uploads");
    matrix(
        "S2",
        &format!("{} pairs of `dyad embed`, {alone:.0} s of processor time alone", rounds(1, 3)),
        &format!("{percent:+.1} % with uploads"),
    );
}

/// What a command takes of the processor, in user and kernel mode; no other child may end meanwhile.
fn processor_seconds(command: &mut Command) -> f64 {
    let before = children_ticks();
    succeed(command);
    (children_ticks() - before) / TICKS
}

/// `cutime` and `cstime` of proc(5): of all children that were waited for.
fn children_ticks() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[13..15].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum()
}
