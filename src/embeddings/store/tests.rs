#![expect(clippy::disallowed_methods, reason = "tests damage files as Dyad never would")]

mod damage;

use std::fs;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use tempfile::TempDir;

use super::*;
use crate::device::Precision;
use crate::embeddings::{EmbeddingDtype, LongSequences};

const DIMENSION: usize = 5;

impl EmbeddingStore {
    /// The shards that [`Self::load`] would read for `keys`, in order of their names.
    fn shards_of(&self, keys: &[Digest]) -> Vec<Digest> {
        let mut names: Vec<_> =
            keys.iter().filter_map(|key| self.index.get(key)).map(|(shard, _)| shard).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

pub(super) fn space(stored: EmbeddingDtype) -> EmbeddingSpace {
    EmbeddingSpace {
        schema: 1,
        model: "esm2_t1_5d".to_owned(),
        weights: Digest::of(b"weights"),
        alphabet: "test".to_owned(),
        layer: 1,
        pooling: "mean".to_owned(),
        max_residues: 1022,
        long_sequences: LongSequences::Truncate,
        window_overlap: 0,
        compute: Precision::F32,
        stored,
        dimension: DIMENSION,
        numerics: 1,
    }
}

fn open(root: &Path) -> EmbeddingStore {
    EmbeddingStore::open(root, space(EmbeddingDtype::F32), "test cpu").unwrap()
}

/// Rows of random values, sorted by key; equal names give equal keys, other seeds other values.
pub(super) fn rows(seed: u64, names: std::ops::Range<u32>) -> Vec<Row> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut row = |name: u32| Row {
        key: Digest::of(&name.to_le_bytes()),
        residues: name + 1,
        values: (0..DIMENSION).map(|_| random.random_range(-2.0..2.0)).collect(),
    };
    let mut rows: Vec<Row> = names.map(&mut row).collect();
    rows.sort_by_key(|row| row.key);
    rows
}

pub(super) fn keys(rows: &[Row]) -> Vec<Digest> {
    rows.iter().map(|row| row.key).collect()
}

pub(super) fn values(rows: &[Row]) -> Vec<f32> {
    rows.iter().flat_map(|row| row.values.clone()).collect()
}

/// A store that holds `rows` in one shard, with the path of the shard.
fn filled(rows: &[Row]) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let mut store = open(root.path());
    store.append(rows.to_vec()).unwrap();
    store.seal().unwrap();
    let name = store.shards_of(&keys(rows))[0];
    let path = store.shard_path(&name);
    (root, path)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn rows_survive_sealing_and_reopening() {
    for stored in [EmbeddingDtype::F32, EmbeddingDtype::F16] {
        let root = tempfile::tempdir().unwrap();
        let open = || EmbeddingStore::open(root.path(), space(stored), "test cpu").unwrap();
        let (first, second) = (rows(1, 0..10), rows(2, 10..13));
        let mut store = open();
        for part in [&first, &second] {
            store.append(part.clone()).unwrap();
            assert!(part.iter().all(|row| store.contains(&row.key)));
            store.seal().unwrap();
        }
        // Interleaved, and one asked for twice.
        let mut wanted = [second, first].concat();
        wanted.sort_by_key(|row| row.residues % 4);
        wanted.push(wanted[0].clone());
        let exact = values(&wanted).into_iter();
        let expected: Vec<f32> = match stored {
            EmbeddingDtype::F32 => exact.collect(),
            EmbeddingDtype::F16 => exact.map(|v| half::f16::from_f32(v).to_f32()).collect(),
        };
        assert_eq!(store.load(&keys(&wanted)).unwrap(), expected);
        let reopened = open();
        assert_eq!(reopened.load(&keys(&wanted)).unwrap(), expected);
        assert_eq!(reopened.shards_of(&keys(&wanted)).len(), 2);
    }
}

#[test]
fn rows_that_are_not_there_are_an_error() {
    let (root, _) = filled(&rows(1, 0..3));
    let store = open(root.path());
    let absent = Digest::of(b"absent");
    assert!(!store.contains(&absent));
    assert!(matches!(store.load(&[absent]), Err(StoreError::Absent(key)) if key == absent));
}

#[test]
fn any_reader_of_the_format_reads_shards() {
    let rows = rows(1, 0..7);
    let (_root, path) = filled(&rows);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(path.file_stem().unwrap().to_str().unwrap(), Digest::of(&bytes).to_string());

    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let data = |name: &str| tensors.tensor(name).unwrap().data().to_vec();
    let expected_keys: Vec<u8> = rows.iter().flat_map(|row| *row.key.as_bytes()).collect();
    assert_eq!(data("keys"), expected_keys);
    assert_eq!(data("emb"), crate::embeddings::tests::fixture::bytes(values(&rows)));
    let lengths: Vec<u8> = rows.iter().flat_map(|row| row.residues.to_le_bytes()).collect();
    assert_eq!(data("len"), lengths);
    assert_eq!(tensors.tensor("emb").unwrap().shape(), [7, DIMENSION]);

    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.offset_keys(), ["keys", "len", "crc", "emb"], "the index comes first");
    assert_eq!((8 + header) % 8, 0);
    let text = metadata.metadata().clone().unwrap();
    assert_eq!(text["schema"], "dyad.shard.v1");
    assert_eq!(text["space_id"], space(EmbeddingDtype::F32).id());
    assert_eq!((text["n"].as_str(), text["d"].as_str()), ("7", "5"));
    assert_eq!(text["engine"], "test cpu");
}

#[test]
fn rows_in_several_shards_are_read_from_the_smallest_name() {
    let root = tempfile::tempdir().unwrap();
    // All open the store before any writes, as processes side by side do.
    let mut stores: Vec<_> = (0..4).map(|_| open(root.path())).collect();
    let mut written = Vec::new();
    for (seed, store) in (0..).zip(&mut stores) {
        let rows = rows(seed, 0..6);
        store.append(rows.clone()).unwrap();
        store.seal().unwrap();
        written.push((store.shards_of(&keys(&rows))[0], values(&rows)));
    }
    let smallest = written.iter().min_by_key(|(name, _)| *name).unwrap();
    let store = open(root.path());
    let keys = keys(&rows(0, 0..6));
    assert_eq!(store.load(&keys).unwrap(), smallest.1);
    assert_eq!(store.shards_of(&keys), [smallest.0]);
}

#[test]
fn the_folder_of_another_space_is_refused() {
    let (root, path) = filled(&rows(1, 0..3));
    let description = path.ancestors().nth(2).unwrap().join("space.json");
    let mut foreign = fs::read(&description).unwrap();
    *foreign.last_mut().unwrap() = b' ';
    fs::write(&description, foreign).unwrap();
    let error =
        EmbeddingStore::open(root.path(), space(EmbeddingDtype::F32), "test cpu").unwrap_err();
    assert!(
        matches!(&error, StoreError::ForeignSpace(path) if **path == *description.to_str().unwrap()),
        "{error}"
    );
    // Another space under its own name is no matter.
    assert!(EmbeddingStore::open(root.path(), space(EmbeddingDtype::F16), "test cpu").is_ok());
}

#[test]
fn links_and_foreign_files_are_ignored_and_leftovers_removed() {
    let rows = rows(1, 0..3);
    let (root, path) = filled(&rows);
    let shards = path.parent().unwrap();
    let outside = root.path().join("elsewhere");
    fs::rename(&path, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    let name = |name: &str| shards.join(name);
    fs::write(name("notes.txt"), b"mine").unwrap();
    fs::write(name("x.safetensors.1-2.sagemaker-ignore"), b"left by a killed process").unwrap();
    fs::write(name("x.safetensors.sagemaker-uploading"), b"").unwrap();

    let store = open(root.path());
    assert!(rows.iter().all(|row| !store.contains(&row.key)), "a link is not followed");
    assert_eq!(fs::read(name("notes.txt")).unwrap(), b"mine");
    assert!(!name("x.safetensors.1-2.sagemaker-ignore").exists());
    assert!(name("x.safetensors.sagemaker-uploading").exists(), "the platform's");
    assert!(outside.exists() && path.is_symlink());
}

#[test]
fn a_shard_that_changes_under_an_open_store_is_not_served() {
    let first = rows(1, 0..3);
    let (root, path) = filled(&first);
    let store = open(root.path());
    // Valid in itself, of the same keys, but not what the name says.
    let (_other, other) = filled(&rows(2, 0..3));
    fs::copy(other, &path).unwrap();
    let error = store.load(&keys(&first)).unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
}
