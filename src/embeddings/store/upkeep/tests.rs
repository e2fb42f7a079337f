mod collect;
mod export;
mod property;
mod readers;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::embeddings::store::Row;
use crate::embeddings::store::shard::ShardWriter;
use crate::embeddings::store::tests::space;
use crate::embeddings::{EmbeddingDtype, EmbeddingSpace};
use crate::storage::remote::MemoryStore;

const DAY: Duration = Duration::from_hours(24);
const ENGINE: &str = "test cpu";

/// A row of five values that depend on the name and on which of several versions it is.
fn row(name: u32, version: u32) -> Row {
    let value = |at: u32| f32::from_bits(0x3f80_0000 + name * 1000 + version * 10 + at);
    let key = Digest::of(&name.to_le_bytes());
    Row { key, residues: name + 1, values: (0..5).map(value).collect() }
}

fn rows(names: impl IntoIterator<Item = u32>) -> Vec<Row> {
    names.into_iter().map(|name| row(name, 0)).collect()
}

fn f32_space() -> EmbeddingSpace {
    space(EmbeddingDtype::F32)
}

/// A bucket with a cache of one space.
fn bucket() -> (Arc<MemoryStore>, Cache) {
    let store = Arc::new(MemoryStore::default());
    let space = f32_space();
    store.put(&format!("cache/v1/{}/space.json", space.id()), &space.canonical_json());
    (store.clone(), Cache::remote(store))
}

fn shard(mut rows: Vec<Row>, engine: &str) -> Vec<u8> {
    rows.sort_by_key(|row| row.key);
    ShardWriter { space: &f32_space(), engine }.write(&rows)
}

/// Puts a shard into the bucket.
fn add(store: &MemoryStore, cache: &Cache, rows: Vec<Row>) -> Digest {
    let bytes = shard(rows, ENGINE);
    let name = Digest::of(&bytes);
    store.put(&cache.shard_key(&f32_space().id(), &name), &bytes);
    name
}

fn pin(store: &MemoryStore, run: &str, shards: &[Digest]) {
    let pin = serde_json::json!({
        "schema": "dyad.pin.v1",
        "space_id": f32_space().id(),
        "shards": shards,
        "table_sha256": Digest::of(b"table"),
    });
    store.put(&format!("runs/{run}/pin.json"), pin.to_string().as_bytes());
}

fn shards_in(store: &MemoryStore) -> Vec<Digest> {
    let names = store.keys();
    let names = names.iter().filter(|key| key.contains("/shards/"));
    names.map(|key| key.rsplit(['/', '.']).nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn an_inventory_counts_sequences_once_and_ages_by_the_servers_clock() {
    let (store, cache) = bucket();
    store.wait(30 * DAY);
    add(&store, &cache, rows(0..4));
    store.wait(2 * DAY);
    add(&store, &cache, rows(3..6));
    store.wait(DAY);
    let id = f32_space().id();
    let damaged = format!("cache/v1/{id}/shards/{}.safetensors", Digest::of(b"nothing"));
    store.put(&damaged, b"no shard");
    store.put(&format!("cache/v1/{id}/shards/notes.txt"), b"mine");
    store.put(&format!("cache/v1/{}/space.json", "0".repeat(32)), b"{}");
    store.put("cache/v1/elsewhere/space.json", b"{}");

    let found = inventory(&cache, &Shutdown::default()).unwrap();
    let [space] = found.spaces.as_slice() else { panic!("{found:?}") };
    assert_eq!((space.id.as_str(), &space.space), (id.as_str(), &f32_space()));
    assert_eq!((space.shards.len(), space.rows(), space.sequences()), (2, 7, 6));
    assert_eq!(space.age(), Some(DAY));
    let mut residues: Vec<_> = space.shards.iter().flat_map(|s| s.index.residues.clone()).collect();
    residues.sort_unstable();
    assert_eq!(residues, [1, 2, 3, 4, 4, 5, 6]);
    assert_eq!(space.unreadable.len(), 1);
    assert!(found.foreign[0].problem.contains("no space that this version"), "{found:?}");
    assert_eq!(found.foreign.len(), 1);
}

#[test]
fn spaces_are_found_by_the_start_of_their_id() {
    let (store, cache) = bucket();
    let id = f32_space().id();
    let shutdown = Shutdown::default();
    assert_eq!(find_space(&cache, &id[..3], &shutdown).unwrap().id, id);
    let other = format!("{}{}", &id[..3], "f".repeat(29));
    store.put(&format!("cache/v1/{other}/space.json"), b"{}");
    let message = |prefix: &str| find_space(&cache, prefix, &shutdown).unwrap_err().to_string();
    let expected = format!("`{}` begins the ids of several", &id[..3]);
    assert!(message(&id[..3]).starts_with(&expected), "{}", message(&id[..3]));
    let expected = "no embedding space in `s3://memory/cache/` has an id that begins with `xyz`";
    assert!(message("xyz").starts_with(expected), "{}", message("xyz"));
}

#[test]
fn verification_finds_every_kind_of_damage_and_touches_nothing() {
    let (store, cache) = bucket();
    let folder = format!("cache/v1/{}/shards", f32_space().id());
    let good = shard(rows(0..4), ENGINE);
    let put =
        |name: Digest, bytes: &[u8]| store.put(&format!("{folder}/{name}.safetensors"), bytes);
    put(Digest::of(&good), &good);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    put(Digest::of(b"flipped"), &flipped);
    put(Digest::of(b"cut"), &good[..good.len() - 1]);
    let mut not_finite = rows(0..2);
    not_finite[0].values[0] = f32::NAN;
    let not_finite = shard(not_finite, ENGINE);
    put(Digest::of(&not_finite), &not_finite);

    let before = store.keys();
    let found = inventory(&cache, &Shutdown::default()).unwrap();
    let verified = verify(&cache, &found, &Shutdown::default()).unwrap();
    assert_eq!((verified.shards, verified.bytes), (4, good.len() as u64));
    let mut damaged: Vec<_> = verified.damaged.iter().map(|d| d.name).collect();
    damaged.sort_unstable();
    let mut expected = [Digest::of(b"flipped"), Digest::of(b"cut"), Digest::of(&not_finite)];
    expected.sort_unstable();
    assert_eq!(damaged, expected);
    assert_eq!(store.keys(), before);
}
