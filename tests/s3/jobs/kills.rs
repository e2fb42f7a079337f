//! C2, C3: `kill -9` at random moments, each time with everything on the disk lost.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Place;
use crate::crash::store::embedded_units;
use crate::crash::{Kill, matrix};
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::{Kind, Server};
use crate::{rounds, seed};

#[test]
fn c2_kills_while_embedding_with_the_disk_lost_repeat_nothing_that_s3_has() {
    let test = "c2_kills_while_embedding_with_the_disk_lost_repeat_nothing_that_s3_has";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-c2");
    // Every unit becomes a shard at once.
    let job = place.job(&[("seal_seconds", "0"), ("epochs", "2")]);
    let (reference, whole) = uninterrupted(&job);
    let rows = place.shards().rows();
    assert!(place.shards().count() > 20, "{} shards are too few", place.shards().count());
    place.empty("");

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let wanted = rounds(4, 50);
    let (mut kills, mut embedding, mut attempts, mut models) = (0, 0, 0, 0);
    let (mut computed, mut repeated, mut lost, mut unsent) = (0, 0, 0, 0);
    while kills < wanted {
        attempts += 1;
        assert!(attempts < 20 * wanted, "only {kills} kills came in time, seed {}", seed());
        let before = place.shards();
        let kill = Kill::After(whole.mul_f64(random.random_range(0.1..0.7)));
        let mut command = job.inside(kill.command());
        let (log, killed) = kill.run(command.env("DYAD_LOG", "dyad=debug"));
        let (after, planned, there) = (place.shards(), place.units(), before.rows());
        lost += before.lost_in(&after);
        let units: Vec<_> = embedded_units(&log).collect();
        computed += units.len();
        let known = units.iter().flat_map(|unit| &planned[unit]);
        repeated += known.filter(|key| there.contains_key(*key)).count();
        let stored = after.rows();
        let missing = |unit: &&_| planned[*unit].iter().any(|key| !stored.contains_key(key));
        unsent = unsent.max(units.iter().filter(missing).count());
        if killed {
            kills += 1;
            embedding += usize::from(!log.contains("embeddings total="));
        } else {
            assert_equal(&job.model_files(), &reference);
            models += 1;
            place.empty("");
        }
        job.wipe_everything();
    }
    job.complete();
    models += 1;
    assert_equal(&job.model_files(), &reference);
    assert!(place.shards().rows() == rows, "other rows than an uninterrupted run");
    assert_eq!((lost, repeated), (0, 0));
    matrix(
        "C2",
        &format!(
            "{kills} kills, {embedding} of them while embedding, the disk wiped after each, \
             {computed} units embedded"
        ),
        &format!(
            "{lost} shards lost, {repeated} rows computed that S3 had; at most {unsent} units of an \
             attempt were not in S3; {models} models bit-identical"
        ),
    );
}

#[test]
fn c3_kills_in_training_with_the_disk_lost_change_no_byte() {
    let test = "c3_kills_in_training_with_the_disk_lost_change_no_byte";
    let Some(server) = Server::shared(test, Kind::LocalStack) else { return };
    let place = Place::new(server, "jobs-c3");
    let job = place.job(&[("epochs", "60"), ("checkpoint_seconds", "1")]);
    let (reference, _) = uninterrupted(&job);
    // From here on every embedding is stored: attempts are all training.
    place.empty("runs/");
    let (_, whole) = uninterrupted(&job);
    place.empty("runs/");

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let wanted = rounds(3, 20);
    let (mut kills, mut resumed, mut attempts, mut models) = (0, 0, 0, 0);
    while kills < wanted {
        attempts += 1;
        assert!(attempts < 20 * wanted, "only {kills} kills came in time, seed {}", seed());
        let kill = Kill::After(whole.mul_f64(random.random_range(0.4..0.95)));
        let (log, killed) = kill.run(&mut job.inside(kill.command()));
        resumed += usize::from(log.contains("resumed from step"));
        if killed {
            kills += 1;
        } else {
            assert_equal(&job.model_files(), &reference);
            models += 1;
            place.empty("runs/");
        }
        job.wipe_everything();
    }
    job.complete();
    models += 1;
    assert_equal(&job.model_files(), &reference);
    assert!(place.checkpoints().len() >= 2, "{:?}", place.checkpoints());
    assert_eq!(place.bucket.open_uploads(&place.prefix), Vec::<String>::new());
    matrix(
        "C3 S3",
        &format!("{kills} kills in training, everything on the disk wiped after each"),
        &format!("{resumed} attempts resumed from S3, {models} models finished, bit-identical"),
    );
}
