//! `cache` shows, verifies, exports and cleans up what other commands have stored.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;

use super::{files, rows};
use crate::support::{dyad, shown, small_encoder, succeed, text};

const ONE: &str =
    ">P1\nMKVLAAGIVGLLLAQWERTY\n>P1-copy\nMKVLAAGIVGLLLAQWERTY\n>P2\nACDEFGHIKLMNPQRSTVWY\n";
const OTHER: &str = ">P3\nWYWYWYWYWYGG\n>P4\nMNPQRSTVWYACDEFGHIKL\n";

/// A folder with two FASTA files, their embeddings in two shards and one more space in `cache`.
fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("one.fasta", ONE), ("other.fasta", OTHER)] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    // First, for the others write to the same file.
    succeed(embed(folder.path(), "one.fasta").args(["--embedding-dtype", "f16"]));
    succeed(&mut embed(folder.path(), "one.fasta"));
    succeed(&mut embed(folder.path(), "other.fasta"));
    folder
}

fn embed(folder: &Path, sequences: &str) -> Command {
    let mut command = dyad();
    command.current_dir(folder).arg("embed").arg("--encoder").arg(small_encoder());
    command.args(["--sequences", sequences, "--cache", "cache", "--out"]);
    command.arg(format!("{sequences}.safetensors"));
    command
}

fn cache(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = dyad();
    command.current_dir(folder).arg("cache").args(arguments).args(["--cache", "cache"]);
    command
}

/// The spaces by number format, as `ls --json` prints them.
fn spaces(folder: &Path) -> BTreeMap<String, Value> {
    let (json, _) = succeed(&mut cache(folder, &["ls", "--json"]));
    let spaces: Vec<Value> = serde_json::from_str(&json).unwrap();
    let dtype = |space: &Value| space["space"]["stored"].as_str().unwrap().to_owned();
    spaces.into_iter().map(|space| (dtype(&space), space)).collect()
}

fn shards(folder: &Path, space: &Value) -> Vec<PathBuf> {
    let shards = folder.join("cache/v1").join(space["space_id"].as_str().unwrap()).join("shards");
    let mut paths: Vec<_> =
        fs::read_dir(shards).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn spaces_are_listed_as_a_table_and_as_json() {
    let folder = filled();
    let spaces = spaces(folder.path());
    let [f16, f32] = ["f16", "f32"].map(|dtype| &spaces[dtype]);
    assert_eq!(
        (&f32["sequences"], &f32["shards"], &f32["duplicates"]),
        (&4.into(), &2.into(), &0.into())
    );
    assert_eq!((&f16["sequences"], &f16["shards"]), (&2.into(), &1.into()));
    let bytes: u64 = shards(folder.path(), f32).iter().map(|p| p.metadata().unwrap().len()).sum();
    assert_eq!(f32["bytes"], bytes);
    assert!(f32["age_seconds"].as_u64().unwrap() < 600);

    let (table, log) = succeed(&mut cache(folder.path(), &["ls"]));
    let row = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut rows: Vec<_> = table.lines().map(row).collect();
    assert_eq!(rows.remove(0)[..3], ["space", "encoder", "dtype"]);
    rows.sort_by(|one, other| one[2].cmp(&other[2]));
    let id = f32["space_id"].as_str().unwrap();
    let size = format!("{:.1}", bytes as f64 / 1024.0);
    assert_eq!(rows[1][..9], [id, "esm2_t6_64d", "f32", "64", "4", "2", &size, "KiB", "0"]);
    assert!(log.contains("2 embedding space(s) in `cache/`"), "{log}");

    let empty = tempfile::tempdir().unwrap();
    let (table, _) = succeed(&mut cache(empty.path(), &["ls"]));
    assert_eq!(table.lines().count(), 1, "{table}");
    assert!(!empty.path().join("cache").exists(), "looking makes nothing");
}

#[test]
fn damaged_shards_are_named_and_moved_aside_when_asked() {
    let folder = filled();
    let (table, log) = succeed(&mut cache(folder.path(), &["verify"]));
    assert_eq!(table, "");
    assert!(log.contains("3 shard(s) of `cache/` are as they should be"), "{log}");

    let space = &spaces(folder.path())["f16"];
    let path = &shards(folder.path(), space)[0];
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    let before = files(folder.path());
    let output = cache(folder.path(), &["verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let plain = |text: String| {
        let text = text.replace(space["space_id"].as_str().unwrap(), "SPACE");
        text.replace(path.file_stem().unwrap().to_str().unwrap(), "SHARD")
    };
    insta::assert_snapshot!(plain(text(&output.stdout)), @"
    cache/v1/SPACE/shards/SHARD.safetensors: its SHA-256 is not its name
      `dyad cache verify --quarantine` moves it aside, as the next job will; its rows are computed again
    ");
    let error = text(&output.stderr);
    insta::assert_snapshot!(error.split(" ERROR ").nth(1).unwrap(), @"UserError: damaged in `cache/`: 1 of 3 shard(s); they are listed with what to do");
    assert_eq!(files(folder.path()), before, "looking changes nothing");

    let output = cache(folder.path(), &["verify", "--quarantine"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    insta::assert_snapshot!(plain(text(&output.stdout)), @"
    cache/v1/SPACE/shards/SHARD.safetensors: its SHA-256 is not its name
      moved to `cache/v1/SPACE/quarantine/SHARD.safetensors`; the next job computes its rows again
    ");
    assert!(!path.exists());
    succeed(&mut cache(folder.path(), &["verify"]));
    let (_, log) = succeed(embed(folder.path(), "one.fasta").args(["--embedding-dtype", "f16"]));
    assert!(log.contains("cached=0 computed=2"), "{log}");
}

#[test]
fn exported_arrays_are_the_embeddings_by_sequence() {
    let folder = filled();
    let id = spaces(folder.path())["f32"]["space_id"].as_str().unwrap().to_owned();
    let arguments = ["export", "--space", &id[..6], "--out", "npy", "--sequences", "one.fasta"];
    let (_, log) = succeed(&mut cache(folder.path(), &arguments));
    assert!(log.contains(&format!("4 embeddings of space {id} written to `npy`")), "{log}");

    // By accession, from what `embed` writes.
    let mut expected = BTreeMap::new();
    for name in ["one.fasta", "other.fasta"] {
        let path = folder.path().join(format!("{name}.safetensors"));
        let bytes = fs::read(&path).unwrap();
        let ids = fs::read_to_string(path.with_extension("safetensors.ids.txt")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let rows = file.tensor("embeddings").unwrap().data().chunks(64 * 4);
        expected.extend(ids.lines().map(str::to_owned).zip(rows.map(<[u8]>::to_vec)));
    }
    let array = fs::read(folder.path().join("npy/embeddings.npy")).unwrap();
    let array: Vec<_> = array[128..].chunks(64 * 4).collect();
    let keys = rows(&folder.path().join("npy/keys.tsv"));
    assert_eq!((array.len(), keys.len()), (4, 4));
    let named = |names: &str| {
        let row = keys.iter().find(|row| row[3] == names).unwrap();
        (array[row[0].parse::<usize>().unwrap()], row[2].as_str())
    };
    assert_eq!(named("P1,P1-copy"), (expected["P1"].as_slice(), "20"));
    assert_eq!(named("P2"), (expected["P2"].as_slice(), "20"));
    assert_eq!(keys.iter().filter(|row| row[3].is_empty()).count(), 2, "not in that FASTA file");
    assert!(keys.is_sorted_by(|one, next| one[1] < next[1]));
}

#[test]
fn collection_merges_then_removes_and_readers_see_the_same() {
    let folder = filled();
    let before = files(&folder.path().join("cache"));
    let (shown_plan, log) = succeed(&mut cache(folder.path(), &["gc", "--grace-days", "0"]));
    assert!(shown_plan.contains("merge   2 shards"), "{shown_plan}");
    assert!(log.contains("nothing was changed, `--apply` does it"), "{log}");
    assert_eq!(files(&folder.path().join("cache")), before);
    let (_, log) = succeed(&mut cache(folder.path(), &["gc", "--apply"]));
    assert!(log.contains("gc done removed=0 discarded=0 merged=0"), "younger than a week: {log}");

    // A run that pins one of the shards.
    let space = &spaces(folder.path())["f32"];
    let pinned = shards(folder.path(), space)[0].clone();
    let pin = serde_json::json!({
        "schema": "dyad.pin.v1",
        "space_id": space["space_id"],
        "shards": [pinned.file_stem().unwrap().to_str().unwrap()],
        "table_sha256": "0".repeat(64),
    });
    let apply = ["gc", "--grace-days", "0", "--apply"];
    let (_, log) = succeed(&mut cache(folder.path(), &apply));
    assert!(log.contains("gc done removed=0 discarded=3 merged=1"), "{log}");
    fs::create_dir_all(folder.path().join("run/runs/r1")).unwrap();
    fs::write(folder.path().join("run/runs/r1/pin.json"), pin.to_string()).unwrap();
    let with_run = [&apply[..], &["--checkpoints", "run"]].concat();
    let (plan, log) = succeed(&mut cache(folder.path(), &with_run));
    assert!(plan.contains("superseded, but run `r1` reads it"), "{plan}");
    assert!(log.contains("gc done removed=1 discarded=0 merged=0"), "{log}");
    assert!(pinned.exists());
    let (_, log) = succeed(&mut cache(folder.path(), &apply));
    assert!(log.contains("gc done removed=1 discarded=0 merged=0"), "{log}");
    assert_eq!(shards(folder.path(), space).len(), 1);

    for name in ["one.fasta", "other.fasta"] {
        let out = folder.path().join(format!("{name}.safetensors"));
        let bytes = fs::read(&out).unwrap();
        fs::remove_file(&out).unwrap();
        let (_, log) = succeed(&mut embed(folder.path(), name));
        assert!(log.contains("computed=0 missing=0"), "{log}");
        assert!(fs::read(&out).unwrap() == bytes, "{name}");
    }
}
