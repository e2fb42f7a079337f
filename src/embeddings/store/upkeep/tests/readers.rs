//! Stores that were open before collection read the same after it.

use std::path::Path;

use super::*;
use crate::embeddings::store::tests::{keys, rows, values};
use crate::embeddings::{CacheLocation, EmbeddingStore};
use crate::storage::sync::Remote;

fn open(folder: &Path, bucket: Option<&Arc<MemoryStore>>) -> EmbeddingStore {
    let with = |store: &Arc<MemoryStore>| Remote::with_patience(store.clone(), Duration::ZERO);
    let remote = bucket.map(with);
    let location = CacheLocation { folder: folder.to_owned(), adopted: None, remote };
    EmbeddingStore::open(location, f32_space(), ENGINE).unwrap()
}

/// Merges all shards, removes the sources, and says how many those were.
fn collect_all(cache: &Cache) -> usize {
    let shutdown = Shutdown::default();
    let mut removed = 0;
    for _ in 0..2 {
        let survey = survey(cache, &[], &shutdown).unwrap();
        let plan = plan(&survey, Duration::ZERO);
        removed += super::super::collect(cache, &[], &survey, &plan, &shutdown).unwrap().removed;
    }
    removed
}

#[test]
fn of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path(), None);
    let parts = [rows(1, 0..6), rows(2, 6..9), rows(3, 9..20)];
    for part in &parts {
        writer.append(part.clone()).unwrap();
        writer.seal().unwrap();
    }
    let all = parts.concat();
    let mut reader = open(folder.path(), None);
    assert_eq!(collect_all(&Cache::local(folder.path())), 3);
    assert!(reader.load(&keys(&all)).is_err(), "its shards are gone");
    reader.look_again().unwrap();
    assert_eq!(reader.load(&keys(&all)).unwrap(), values(&all));
}

#[test]
fn of_a_bucket() {
    let (bucket, cache) = bucket();
    let parts = [rows(1, 0..6), rows(2, 6..9), rows(3, 9..20)];
    for part in &parts {
        add(&bucket, &cache, part.clone());
    }
    let all = parts.concat();
    let folder = tempfile::tempdir().unwrap();
    let mut reader = open(folder.path(), Some(&bucket));
    assert_eq!(collect_all(&cache), 3);
    reader.fetch(&keys(&all)).unwrap();
    assert_eq!(reader.load(&keys(&all)).unwrap(), values(&all));
}
