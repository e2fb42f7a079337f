//! P3: files that somebody else put into the folders of a job.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use dyad::digest::Digest;
use dyad::embeddings::{EmbeddingStore, Row};
use tempfile::TempDir;

use super::full_disk::{assert_finished, model};
use super::store::{Shards, files};
use super::{matrix, space};
use crate::support::{Root, shown};

/// Names that no reader may follow, cut or complain about at length.
const NAMES: [&[u8]; 6] = [
    b"..\\..\\x.safetensors",
    b"..%2f..%2fx.safetensors",
    b"line\nbreak.safetensors",
    b"\xff\xfe.safetensors",
    b"-rf",
    b"0000000000000000000000000000000000000000000000000000000000000000.SAFETENSORS",
];

#[test]
fn p3_hostile_files_among_shards_are_rejected() {
    let (bench, outside) = (Bench::new(), Outside::new());
    let good = bench.seal(1, 1.0);
    let taken = bench.seal(2, 2.0);
    let shards = bench.shards();
    let bytes_of_taken = fs::read(shards.join(&taken)).unwrap();

    // Another place's valid shard behind a link of the right name.
    fs::rename(shards.join(&taken), outside.path().join("shard")).unwrap();
    symlink(outside.path().join("shard"), shards.join(&taken)).unwrap();
    symlink(outside.path(), shards.join("folder.safetensors")).unwrap();
    symlink("../../../x", shards.join("dangling.safetensors")).unwrap();
    fs::create_dir(shards.join(named(b"a folder"))).unwrap();
    let pipe = Command::new("mkfifo").arg(shards.join(named(b"a pipe"))).status();
    assert!(pipe.unwrap().success());
    NAMES.iter().for_each(|name| fs::write(shards.join(OsStr::from_bytes(name)), "x").unwrap());

    // Files whose names are right and whose contents are not.
    let mut damaged = Vec::new();
    let mut put = |name: PathBuf, bytes: &[u8]| {
        fs::write(shards.join(&name), bytes).unwrap();
        damaged.push(name);
    };
    let flipped = |at: usize| {
        let mut bytes = bytes_of_taken.clone();
        bytes[at] ^= 1;
        bytes
    };
    let last = bytes_of_taken.len() - 1;
    put(named(b"tampered, named as before"), &flipped(last));
    for at in [3, 20, last] {
        put(named(&flipped(at)), &flipped(at));
    }
    let cut = &bytes_of_taken[..last];
    put(named(cut), cut);
    let mut header = (100_u64 << 20).to_le_bytes().to_vec();
    header.resize((100 << 20) + 8, b' ');
    put(named(&header), &header);
    put(named(b""), b"");

    let store = bench.open();
    assert!(store.contains(&key(1)) && !store.contains(&key(2)));
    assert_eq!(store.load(&[key(1)]).unwrap(), vec![1.0; space().dimension]);
    assert!(store.load(&[key(2)]).is_err());
    drop(store);
    let kept = damaged.iter().filter(|name| shards.join(name).exists()).count();
    assert_eq!(kept, 0, "damaged shards stay among the others");
    assert_eq!(Shards::read(bench.0.path()).count(), 1, "the good one");
    assert!(shards.join(good).exists());
    outside.assert_unchanged(&[("shard", &bytes_of_taken)]);
    matrix(
        "P3 shards",
        &format!(
            "{} damaged or tampered, {} odd names, 5 links, folders and pipes",
            damaged.len(),
            NAMES.len()
        ),
        "all rejected, no wrong row, nothing changed outside",
    );
}

#[test]
fn p3_hostile_files_among_checkpoints_are_rejected() {
    let (root, outside) = (Root::new(), Outside::new());
    let train = |place: &Path, epochs: usize| {
        let mut command = root.train_into(crate::support::dyad(), place);
        command.args(["--split=pairs", "--hidden-sizes=16,8"]).arg(format!("--epochs={epochs}"));
        let output = command.output().unwrap();
        assert_finished(&output);
        shown(&output)
    };
    let (reference, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train(reference.path(), 4);
    train(place.path(), 2);
    let runs = place.path().join("out/checkpoints/runs");
    let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let newest =
        files(&run).into_iter().rfind(|file| file.extension() == Some(OsStr::new("safetensors")));
    let bytes = fs::read(newest.unwrap()).unwrap();

    let name = |step: u64, bytes: &[u8]| {
        format!("{step:012}-a1-{}.safetensors", Digest::of(bytes).short(16))
    };
    fs::write(outside.path().join("checkpoint"), &bytes).unwrap();
    symlink(outside.path().join("checkpoint"), run.join(name(900, &bytes))).unwrap();
    symlink("../../../../x", run.join(name(901, b"nowhere"))).unwrap();
    fs::create_dir(run.join(name(902, b"a folder"))).unwrap();
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(run.join(name(903, &bytes)), &flipped).unwrap();
    // Rightly named after its content, but of another step than it says inside.
    fs::write(run.join(name(904, &bytes)), &bytes).unwrap();
    let mut header = (100_u64 << 20).to_le_bytes().to_vec();
    header.resize((100 << 20) + 8, b' ');
    fs::write(run.join(name(905, &header)), &header).unwrap();
    fs::write(run.join(name(906, b"")), b"").unwrap();
    NAMES.iter().for_each(|name| fs::write(run.join(OsStr::from_bytes(name)), "x").unwrap());

    let log = train(place.path(), 4);
    assert!(log.contains("resumed from step"), "{log}");
    assert!(model(place.path()) == model(reference.path()), "another model");
    outside.assert_unchanged(&[("checkpoint", &bytes)]);
    matrix(
        "P3 checkpoints",
        &format!("4 damaged or tampered, {} odd names, 3 links and folders", NAMES.len()),
        "all rejected, the run went on from its own to the same model, nothing changed outside",
    );
}

fn named(bytes: &[u8]) -> PathBuf {
    format!("{}.safetensors", Digest::of(bytes)).into()
}

fn key(number: u8) -> Digest {
    Digest::of(&[number])
}

/// A store.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> EmbeddingStore {
        EmbeddingStore::open(self.0.path().join("a/b/cache").as_path(), space(), "cpu").unwrap()
    }

    fn shards(&self) -> PathBuf {
        self.0.path().join("a/b/cache/v1").join(space().id()).join("shards")
    }

    /// Seals a shard of one row; its name.
    fn seal(&self, number: u8, value: f32) -> PathBuf {
        let before = files(&self.0.path().join("a"));
        let mut store = self.open();
        let values = vec![value; space().dimension];
        store.append(vec![Row { key: key(number), residues: 9, values }]).unwrap();
        store.seal().unwrap();
        let mut added = files(&self.shards());
        added.retain(|file| !before.contains(file));
        added[0].file_name().unwrap().into()
    }
}

/// A folder that nothing has a right to change.
struct Outside(TempDir);

impl Outside {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn assert_unchanged(&self, expected: &[(&str, &[u8])]) {
        let found: BTreeMap<_, _> = files(self.path())
            .into_iter()
            .map(|file| (file.clone(), fs::read(file).unwrap()))
            .collect();
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(name, bytes)| (self.path().join(name), bytes.to_vec())).collect();
        assert!(found == expected, "{:?}", found.keys());
    }
}
