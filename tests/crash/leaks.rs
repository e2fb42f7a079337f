//! S3: nothing is left behind, neither files in the making nor open files.

use std::fs;
use std::path::PathBuf;

use dyad::digest::Digest;
use dyad::embeddings::{EmbeddingStore, Row};

use super::store::{Shards, files, temporaries};
use super::{matrix, space};
use crate::support::{Root, shown};

#[test]
fn s3_a_thousand_shards_leave_no_file_open() {
    let root = tempfile::tempdir().unwrap();
    let space = space();
    let mut store = EmbeddingStore::open(root.path(), space.clone(), "cpu").unwrap();
    let mut seal = |number: u32| {
        let values = vec![1.0; space.dimension];
        let row = Row { key: Digest::of(&number.to_le_bytes()), residues: 3, values };
        store.append(vec![row]).unwrap();
        store.seal().unwrap();
    };
    seal(0);
    let before = open_files();
    (1..1000).for_each(&mut seal);
    let after = open_files();
    assert_eq!(Shards::read(root.path()).count(), 1000);
    assert_eq!(temporaries(root.path()), Vec::<PathBuf>::new());
    assert_eq!(after, before);
    drop(EmbeddingStore::open(root.path(), space, "cpu").unwrap());
    assert_eq!(open_files(), before);
    matrix(
        "S3 open files",
        "1000 shards written and read",
        &format!("{before} before, {after} after"),
    );
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn s3_the_next_start_removes_what_kills_left_in_every_folder() {
    let root = Root::new();
    let settings = ["--split=pairs", "--epochs=1"];
    let run = || {
        let output = root.job().arg("train").args(settings).output().unwrap();
        assert!(output.status.success(), "{}", shown(&output));
    };
    run();
    let results = ["model", "output", "checkpoints"];
    let all = results.iter().flat_map(|folder| files(&root.path().join(folder)));
    // As if each file's writer had been killed.
    let left: Vec<PathBuf> = all
        .map(|file| PathBuf::from(format!("{}.77-1.sagemaker-ignore", file.display())))
        .collect();
    left.iter().for_each(|file| fs::write(file, "half").unwrap());
    assert!(left.len() > 8, "{left:?}");
    run();
    assert_eq!(temporaries(root.path()), Vec::<PathBuf>::new());
    matrix(
        "S3 files in the making",
        &format!("{} left in every folder", left.len()),
        "0 after the next start",
    );
}
