//! `dyad cache` on a bucket, alone and while jobs read and write.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::rounds;
use crate::support::s3::{self, Bucket, Keys, Kind, Server};
use crate::support::{dyad, shown, small_encoder, succeed, text};

const STAND_INS: [Kind; 2] = [Kind::LocalStack, Kind::Ministack];
/// Jobs that write one shard each, and their sequences.
const PARTS: usize = 4;
const SEQUENCES: usize = 3;

/// A bucket in use, as one user.
struct Place<'a> {
    server: &'a Server,
    bucket: &'a Bucket,
    keys: Keys,
    prefix: String,
    folder: &'a Path,
}

impl Place<'_> {
    fn dyad(&self, arguments: &[&str]) -> Command {
        let mut command = dyad();
        s3::connect(&mut command, &self.server.endpoint(), &self.keys);
        command.current_dir(self.folder).args(arguments);
        command.args(["--storage-uri", &self.bucket.uri(&self.prefix)]);
        command
    }

    /// Embeds a FASTA file on a machine of its own.
    fn embed(&self, sequences: &str, machine: &str) -> Command {
        let mut command = self.dyad(&["embed", "--sequences", sequences, "--cache", machine]);
        command.arg("--encoder").arg(small_encoder());
        command.arg("--out").arg(format!("{machine}.safetensors"));
        command
    }

    fn shards(&self) -> Vec<String> {
        let objects = self.bucket.list(&format!("{}cache/", self.prefix)).into_iter();
        objects.map(|object| object.key).filter(|key| key.ends_with(".safetensors")).collect()
    }

    /// Some shards, written by one job each, and `all.fasta` with their sequences.
    fn fill(&self, round: usize) {
        let mut all = String::new();
        for part in 0..PARTS {
            let mut one = String::new();
            for sequence in 0..SEQUENCES {
                let residues = &"MKVLAAGIVGLLLAQWERTYACDEFGHIKLMNPQRSTVWY"[sequence..];
                let kind = ["A", "G", "S", "T"][part].repeat(round + 1);
                writeln!(one, ">P{round}-{part}-{sequence}\n{residues}{kind}").unwrap();
            }
            let name = format!("part{part}.fasta");
            fs::write(self.folder.join(&name), &one).unwrap();
            succeed(&mut self.embed(&name, &format!("writer{round}-{part}")));
            all += &one;
        }
        fs::write(self.folder.join("all.fasta"), all).unwrap();
    }
}

fn prefix() -> String {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    format!("cache{}/", COUNTER.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn a_bucket_is_listed_verified_exported_and_collected() {
    let test = "s3::cache::a_bucket_is_listed_verified_exported_and_collected";
    for server in STAND_INS.into_iter().filter_map(|kind| Server::shared(test, kind)) {
        let folder = tempfile::tempdir().unwrap();
        let bucket = server.bucket("upkeep");
        let place = Place {
            server,
            bucket: &bucket,
            keys: Keys::root(),
            prefix: prefix(),
            folder: folder.path(),
        };
        place.fill(0);
        let (json, _) = succeed(&mut place.dyad(&["cache", "ls", "--json"]));
        let spaces: Value = serde_json::from_str(&json).unwrap();
        let space = &spaces[0];
        assert_eq!((&space["sequences"], &space["shards"]), (&12.into(), &4.into()), "{json}");
        assert!(space["age_seconds"].as_u64().unwrap() < 600, "by the server's clock: {json}");
        succeed(&mut place.dyad(&["cache", "verify"]));

        let id = space["space_id"].as_str().unwrap();
        let export = |out: &str| {
            succeed(&mut place.dyad(&["cache", "export", "--space", id, "--out", out]));
            fs::read(folder.path().join(out).join("embeddings.npy")).unwrap()
        };
        let before = export("before");
        let gc = |days: &str| {
            succeed(&mut place.dyad(&["cache", "gc", "--grace-days", days, "--apply"])).1
        };
        assert!(gc("1").contains("gc done removed=0 discarded=0 merged=0"));
        assert!(gc("0").contains(&format!("gc done removed=0 discarded={PARTS} merged=1")));
        assert!(gc("0").contains(&format!("gc done removed={PARTS} discarded=0 merged=0")));
        assert_eq!(place.shards().len(), 1);
        assert!(export("after") == before);

        let key = &place.shards()[0];
        let mut bytes = bucket.get(key).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        bucket.put(key, bytes);
        let output = place.dyad(&["cache", "verify"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        let uri = bucket.uri(key);
        assert!(text(&output.stdout).contains(&format!("`aws s3 rm {uri}`")), "{}", shown(&output));
    }
}

#[test]
fn jobs_read_and_write_while_garbage_is_collected() {
    let test = "s3::cache::jobs_read_and_write_while_garbage_is_collected";
    for server in STAND_INS.into_iter().filter_map(|kind| Server::shared(test, kind)) {
        let folder = tempfile::tempdir().unwrap();
        let bucket = server.bucket("upkeep");
        let place = Place {
            server,
            bucket: &bucket,
            keys: Keys::root(),
            prefix: prefix(),
            folder: folder.path(),
        };
        let mut removed = 0;
        for round in 0..rounds(2, 15) {
            place.fill(round);
            succeed(&mut place.embed("all.fasta", &format!("first{round}")));
            let expected =
                fs::read(folder.path().join(format!("first{round}.safetensors"))).unwrap();
            let reading = AtomicBool::new(true);
            thread::scope(|scope| {
                let readers: Vec<_> = (0..4)
                    .map(|reader| {
                        let (place, expected) = (&place, &expected);
                        scope.spawn(move || {
                            for again in 0..2 {
                                let machine = format!("reader{round}-{reader}-{again}");
                                let (_, log) = succeed(&mut place.embed("all.fasta", &machine));
                                assert!(log.contains("computed=0 missing=0"), "{log}");
                                let out = place.folder.join(format!("{machine}.safetensors"));
                                assert!(fs::read(out).unwrap() == *expected, "{log}");
                            }
                        })
                    })
                    .collect();
                let collector = scope.spawn(|| {
                    let mut removed = 0;
                    while reading.load(Ordering::SeqCst) {
                        let gc = ["cache", "gc", "--grace-days", "0", "--apply"];
                        let (_, log) = succeed(&mut place.dyad(&gc));
                        let (_, done) = log.split_once("gc done removed=").unwrap();
                        removed += done.split(' ').next().unwrap().parse::<usize>().unwrap();
                    }
                    removed
                });
                let results: Vec<_> =
                    readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
                reading.store(false, Ordering::SeqCst);
                removed += collector.join().unwrap();
                results.into_iter().for_each(|reader| reader.unwrap());
            });
        }
        eprintln!("{test}: {removed} shards removed under 8 reads a round");
        assert!(removed > 0);
    }
}

#[test]
fn who_may_not_delete_is_told_what_to_allow_and_nothing_is_lost() {
    let test = "s3::cache::who_may_not_delete_is_told_what_to_allow_and_nothing_is_lost";
    let Some(server) = Server::shared(test, Kind::MinistackIam) else { return };
    let folder = tempfile::tempdir().unwrap();
    let bucket = server.bucket("upkeep");
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::upkeep"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": "arn:aws:s3:::upkeep/*"}]}"#;
    let (keys, prefix) = (server.user(policy), prefix());
    let place = Place { server, bucket: &bucket, keys, prefix, folder: folder.path() };
    place.fill(0);
    let before = place.shards();
    let output = place.dyad(&["cache", "gc", "--grace-days", "0", "--apply"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let log = text(&output.stderr);
    let statement = format!(
        r#"{{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::upkeep/{}*"}}"#,
        place.prefix
    );
    assert!(log.contains(&statement), "{log}");
    assert_eq!(place.shards(), before);
}
