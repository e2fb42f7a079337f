//! C1: `kill -9` at random moments of `dyad embed`, the disk kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dyad::digest::Digest;
use dyad::sample::SEQUENCES_FILE;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::store::{Shards, embedded_units, planned_units, temporaries};
use super::{Kill, matrix, usable};
use crate::support::{sample_folder, small_encoder};
use crate::{rounds, seed};

/// Lines of the FASTA file: as many proteins as some 60 units hold, a second or two.
const PROTEINS: usize = 120;

/// What a commit is made of; the write also of log lines.
const CALLS: [&str; 4] = ["write", "fsync", "linkat", "unlink"];

#[test]
fn c1_kills_while_embedding_lose_and_repeat_nothing() {
    let bench = Bench::new();
    let started = Instant::now();
    bench.attempt(Kill::After(Duration::MAX)).assert_finished();
    let whole = started.elapsed();
    let (rows, table) = (bench.shards().rows(), fs::read(bench.out()).unwrap());
    assert!(bench.shards().count() > 20, "{} shards are too few", bench.shards().count());

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let mut tally = Tally::default();
    let wanted = rounds(20, 200);
    fs::remove_dir_all(bench.cache()).unwrap();
    let traced = usable("the kills of C1 inside commits", "strace", &["-f", "true"]);
    while tally.kills < wanted {
        assert!(tally.attempts < 20 * wanted, "only {} kills came in time", tally.kills);
        let before = bench.shards();
        // Commits are short: half of the kills are aimed at one of their calls.
        let aimed = traced && tally.attempts % 2 == 0;
        let attempt = bench.attempt(match aimed {
            true => {
                Kill::Before(CALLS[random.random_range(0..CALLS.len())], random.random_range(1..30))
            }
            false => Kill::After(whole.mul_f64(random.random_range(0.05..0.5))),
        });
        tally.count(&bench, &before, &attempt);
        if !attempt.killed {
            attempt.assert_finished();
            bench.compare(&rows, &table);
            fs::remove_dir_all(bench.cache()).unwrap();
        }
    }
    bench.attempt(Kill::After(Duration::MAX)).assert_finished();
    bench.compare(&rows, &table);
    assert_eq!((tally.lost, tally.recomputed), (0, 0), "{tally:?}");
    // A few kills may all miss.
    let meaningful = !traced || wanted < 100 || tally.commits * 5 >= wanted;
    assert!(meaningful, "too few kills hit a commit: {tally:?}");
    let Tally { kills, commits, computed, lost, recomputed, .. } = tally;
    matrix(
        "C1",
        &format!("{kills} kills, {commits} of them inside a commit, {computed} units embedded"),
        &format!("{lost} committed shards lost, {recomputed} rows recomputed, same bytes"),
    );
}

/// What became of all attempts.
#[derive(Debug, Default)]
struct Tally {
    attempts: usize,
    kills: usize,
    /// Kills that left a file in the making.
    commits: usize,
    /// Units that the encoder was run on.
    computed: usize,
    /// Shards that were there before an attempt and not after it.
    lost: usize,
    /// Rows that were in a shard before an attempt and embedded in it.
    recomputed: usize,
}

impl Tally {
    fn count(&mut self, bench: &Bench, before: &Shards, attempt: &Attempt) {
        self.attempts += 1;
        self.kills += usize::from(attempt.killed);
        self.commits += usize::from(!temporaries(&bench.cache()).is_empty());
        self.lost += before.lost_in(&bench.shards());
        let (planned, sealed) = (planned_units(&bench.cache()), before.rows());
        for unit in embedded_units(&attempt.log) {
            self.computed += 1;
            let unit: &BTreeSet<Digest> = &planned[&unit];
            self.recomputed += unit.iter().filter(|key| sealed.contains_key(*key)).count();
        }
    }
}

/// The sequences to embed, and where.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let sample = sample_folder(3, false);
        let fasta = fs::read_to_string(sample.path().join(SEQUENCES_FILE)).unwrap();
        let entries: Vec<_> = fasta.split_inclusive("\n>").take(PROTEINS).collect();
        fs::write(sample.path().join("some.fasta"), entries.concat().trim_end_matches('>'))
            .unwrap();
        Self(sample)
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("embeddings.safetensors")
    }

    fn shards(&self) -> Shards {
        Shards::read(&self.cache())
    }

    /// Embeds until killed. Every unit becomes a shard at once.
    fn attempt(&self, kill: Kill) -> Attempt {
        let mut command = kill.command();
        command.arg("embed").arg("--sequences").arg(self.0.path().join("some.fasta"));
        command.arg("--encoder").arg(small_encoder()).arg("--out").arg(self.out());
        command.arg("--cache").arg(self.cache());
        command.args(["--seal-seconds=0", "--token-budget=256"]).env("DYAD_LOG", "dyad=debug");
        let (log, killed) = kill.run(&mut command);
        Attempt { killed, log }
    }

    /// The store holds exactly `rows`, and the result is `table`.
    fn compare(&self, rows: &BTreeMap<Digest, Vec<u8>>, table: &[u8]) {
        assert!(self.shards().rows() == *rows, "other rows than an uninterrupted run");
        assert!(fs::read(self.out()).unwrap() == table, "another result");
        assert_eq!(temporaries(self.0.path()), Vec::<PathBuf>::new());
    }
}

struct Attempt {
    killed: bool,
    log: String,
}

impl Attempt {
    fn assert_finished(&self) {
        assert!(!self.killed && self.log.contains("embeddings written"), "{}", self.log);
    }
}
