//! S1: what it costs to open a store of a million rows.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dyad::digest::Digest;
use dyad::embeddings::{EmbeddingDtype, EmbeddingSpace, EmbeddingStore, Row};

use super::{matrix, space};
use crate::rounds;

/// Names the store to the process that opens it.
const STORE: &str = "LARGE_STORE";
/// As the smallest published ESM-2.
const DIMENSION: usize = 320;
const BATCH: usize = 8192;
const MOST_MEMORY: u64 = 300 << 20;

#[test]
fn s1_a_large_store_opens_in_little_memory() {
    let rows = rounds(100_000, 1_000_000);
    if let Some(root) = std::env::var_os(STORE) {
        return open(Path::new(&root), rows);
    }
    let root = tempfile::tempdir().unwrap();
    build(root.path(), rows);
    // A process of its own: memory that building has used is not counted.
    let test = "crash::large::s1_a_large_store_opens_in_little_memory";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(STORE, root.path())
        .output()
        .unwrap();
    let shown = crate::support::shown(&output);
    assert!(output.status.success(), "{shown}");
    let value = |name: &str| -> f64 {
        let rest = shown.split_once(name).unwrap().1;
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    let (seconds, bytes) = (value("seconds="), value("bytes="));
    matrix(
        "S1",
        &format!("a local store of {rows} rows of {DIMENSION} values opened once"),
        &format!("{seconds:.1} s, at most {:.0} MiB of memory", bytes / f64::from(1 << 20)),
    );
    assert!(bytes < MOST_MEMORY as f64, "{bytes} bytes");
}

fn large_space() -> EmbeddingSpace {
    let model = "esm2_t6_320d".to_owned();
    EmbeddingSpace { model, dimension: DIMENSION, stored: EmbeddingDtype::F16, ..space() }
}

fn key(row: usize) -> Digest {
    Digest::of(&row.to_le_bytes())
}

fn build(root: &Path, rows: usize) {
    let mut store = EmbeddingStore::open(root, large_space(), "cpu").unwrap();
    for start in (0..rows).step_by(BATCH) {
        let batch = (start..rows.min(start + BATCH)).map(|row| Row {
            key: key(row),
            residues: 300,
            values: vec![(row % 1000) as f32; DIMENSION],
        });
        store.append(batch.collect()).unwrap();
    }
    store.seal().unwrap();
}

/// Opens the store, and says how long it took and how much memory it needed at most.
fn open(root: &Path, rows: usize) {
    let started = Instant::now();
    let store = EmbeddingStore::open(root, large_space(), "cpu").unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
    assert!((0..rows).all(|row| store.contains(&key(row))));
    assert_eq!(store.load(&[key(1), key(rows - 1)]).unwrap()[DIMENSION - 1], 1.0);
    eprintln!("seconds={seconds} bytes={}", kilobytes * 1024);
}
