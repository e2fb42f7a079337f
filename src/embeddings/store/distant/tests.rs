use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::tests::{keys, rows, space, values};
use super::super::{CacheLocation, Pin, Row};
use super::*;
use crate::embeddings::EmbeddingDtype;
use crate::storage::remote::MemoryStore;
use crate::storage::sync::{Drained, SharedFolder};

fn machine(folder: &Path, bucket: &Arc<MemoryStore>) -> EmbeddingStore {
    let remote = Remote::with_patience(bucket.clone(), Duration::from_millis(1));
    let location = CacheLocation { folder: folder.to_owned(), adopted: None, remote: Some(remote) };
    EmbeddingStore::open(location, space(EmbeddingDtype::F32), "test cpu").unwrap()
}

fn seal(store: &mut EmbeddingStore, rows: &[Row]) {
    store.append(rows.to_vec()).unwrap();
    store.seal().unwrap();
    drained(store);
}

fn drained(store: &EmbeddingStore) -> Drained {
    let end = Instant::now() + Duration::from_mins(1);
    store.remote.as_ref().unwrap().uploader().drain(|| Some(end))
}

fn shard_key(store: &EmbeddingStore, row: &Row) -> String {
    let name = store.index.get(&row.key).unwrap().0;
    format!("{}{}", store.key("shards"), file_name(&name))
}

#[test]
fn rows_of_one_machine_are_read_on_another() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let bucket = Arc::new(MemoryStore::default());
    let rows = rows(1, 0..20);
    seal(&mut machine(folders[0].path(), &bucket), &rows);
    let mut other = machine(folders[1].path(), &bucket);
    assert!(rows.iter().all(|row| other.contains(&row.key)), "known before it is fetched");
    assert!(other.local.is_empty());
    other.fetch(&keys(&rows)).unwrap();
    assert_eq!(other.load(&keys(&rows)).unwrap(), values(&rows));
    // Fetched once: the bucket is not asked again.
    let asked = bucket.attempts();
    other.fetch(&keys(&rows)).unwrap();
    assert_eq!(bucket.attempts(), asked);
    assert_eq!(other.discover().unwrap(), 0, "nothing new there");
}

#[test]
fn shards_sealed_while_the_bucket_was_away_are_uploaded_later() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Arc::new(MemoryStore::default());
    let rows = rows(1, 0..5);
    let mut alone =
        EmbeddingStore::open(folder.path(), space(EmbeddingDtype::F32), "test cpu").unwrap();
    alone.append(rows.clone()).unwrap();
    alone.seal().unwrap();
    let store = machine(folder.path(), &bucket);
    assert_eq!(drained(&store), Drained { uploaded: 1, left: 0 });
    assert!(bucket.keys().contains(&shard_key(&store, &rows[0])));
}

#[test]
fn a_store_opens_while_the_bucket_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Arc::new(MemoryStore::default());
    bucket.fail_next(usize::MAX);
    let mut store = machine(folder.path(), &bucket);
    let rows = rows(1, 0..5);
    store.append(rows.clone()).unwrap();
    store.seal().unwrap();
    assert_eq!(store.load(&keys(&rows)).unwrap(), values(&rows));
    bucket.fail_next(0);
    assert_eq!(drained(&store), Drained { uploaded: 1, left: 0 });
}

#[test]
fn damaged_shards_in_the_bucket_are_never_used() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let bucket = Arc::new(MemoryStore::default());
    let rows = rows(1, 0..20);
    let mut store = machine(folders[0].path(), &bucket);
    seal(&mut store, &rows);
    let key = shard_key(&store, &rows[0]);
    let good = crate::storage::remote::ObjectStore::read(bucket.as_ref(), &key, 1 << 20).unwrap();
    let flipped_at = |position: usize| {
        let mut bytes = good.clone();
        bytes[position] ^= 1;
        bytes
    };
    // In the values, in a key, in the header; cut; empty; another shard's bytes.
    let body = good.len() - 3;
    let damaged =
        [flipped_at(body), flipped_at(600), flipped_at(12), good[..body].to_vec(), vec![]];
    for bytes in damaged {
        bucket.put(&key, &bytes);
        let folder = tempfile::tempdir().unwrap();
        let mut other = machine(folder.path(), &bucket);
        other.fetch(&keys(&rows)).unwrap();
        assert!(rows.iter().all(|row| !other.contains(&row.key)));
        assert!(other.load(&keys(&rows)).is_err());
    }
    // Gone between the listing and the reading.
    bucket.put(&key, &good);
    let mut other = machine(folders[1].path(), &bucket);
    crate::storage::remote::ObjectStore::remove(bucket.as_ref(), &key).unwrap();
    other.fetch(&keys(&rows)).unwrap();
    assert!(!other.contains(&rows[0].key));
}

#[test]
fn another_space_under_the_same_name_and_foreign_objects() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Arc::new(MemoryStore::default());
    let id = space(EmbeddingDtype::F32).id();
    for name in ["../../evil.safetensors", "notes.txt", "AB.safetensors"] {
        bucket.put(&format!("cache/v1/{id}/shards/{name}"), b"foreign");
    }
    let store = machine(folder.path(), &bucket);
    assert!(store.distant.is_empty());

    bucket.put(&format!("cache/v1/{id}/space.json"), b"{}");
    let other = tempfile::tempdir().unwrap();
    let remote = Remote::with_patience(bucket, Duration::from_millis(1));
    let folder = other.path().to_owned();
    let location = CacheLocation { folder, adopted: None, remote: Some(remote) };
    let error = EmbeddingStore::open(location, space(EmbeddingDtype::F32), "test").unwrap_err();
    assert!(matches!(error, StoreError::ForeignSpace(_)), "{error}");
}

#[test]
fn a_pinned_run_reads_the_same_bits_whatever_others_add() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let bucket = Arc::new(MemoryStore::default());
    // The same sequences, other last bits; the first run reads whichever shard has the larger name.
    let mut versions = [rows(1, 0..6), rows(2, 0..6)];
    let name = |rows: &[Row]| {
        let folder = tempfile::tempdir().unwrap();
        let mut store = machine(folder.path(), &Arc::default());
        seal(&mut store, rows);
        store.index.get(&rows[0].key).unwrap().0
    };
    versions.sort_by_key(|rows| name(rows));
    let [small, large] = versions;
    let mut first = machine(folders[0].path(), &bucket);
    seal(&mut first, &large);
    let pin = Pin::new(&first, &keys(&large), &values(&large));
    seal(&mut machine(folders[1].path(), &Arc::new(MemoryStore::default())), &small);
    let mut other = machine(folders[1].path(), &bucket);
    drained(&other);
    other.fetch(&keys(&large)).unwrap();
    assert_eq!(other.load(&keys(&large)).unwrap(), values(&small), "without the pin");

    let mut second = machine(folders[2].path(), &bucket);
    let pin = Pin::parse(&pin.to_bytes(), &second).unwrap();
    second.follow(&pin).unwrap();
    second.fetch(&keys(&large)).unwrap();
    let table = second.load(&keys(&large)).unwrap();
    assert_eq!(table, values(&large));
    assert_eq!(Pin::new(&second, &keys(&large), &table).table_digest(), pin.table_digest());
    assert!(Pin::parse(b"{}", &second).is_err());
}

#[test]
fn a_damaged_pin_is_an_error_that_says_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Arc::new(MemoryStore::default());
    let store = machine(folder.path(), &bucket);
    bucket.put("runs/r1/pin.json", b"{\"schema\": \"dyad.pin.v1\"");
    let remote = Remote::with_patience(bucket, Duration::from_millis(1));
    let here = folder.path().join("run");
    let run = SharedFolder::new(here.clone(), Some((remote, "runs/r1/".to_owned())));
    let shown = Pin::of(&run, &store).unwrap_err().to_string();
    let copy = here.join("pin.json");
    assert!(shown.contains("runs/r1/pin.json` (and its copy"), "{shown}");
    assert!(shown.contains(copy.to_str().unwrap()), "{shown}");
    let error = Pin::new(&store, &[], &[]).create_once(&run, &store).unwrap_err();
    assert!(matches!(error, StoreError::Pin { .. }), "{error}");
}
