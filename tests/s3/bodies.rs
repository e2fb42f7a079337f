//! F5: bodies that are damaged, cut, or do not come.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dyad::digest::Digest;
use dyad::embeddings::{
    CacheLocation,
    EmbeddingDtype,
    EmbeddingSpace,
    EmbeddingStore,
    LongSequences,
    Precision,
    Row, //
};
use dyad::storage::remote::{Content, ObjectStore, Problem, Retrying};
use dyad::storage::sync::Remote;

use super::{MINUTES, matrix, on_each, patient, random_bytes, stand_ins, store, within};
use crate::support::s3::Server;
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::{rounds, seed};

/// What a body can suffer on its way.
const BODY_FAULTS: [Fault; 6] = [
    Fault::Hang,
    Fault::SlowBody,
    Fault::StalledBody,
    Fault::TruncatedBody,
    Fault::FlippedByte,
    Fault::WrongChecksum,
];

#[test]
fn f5_damaged_and_stalled_bodies_are_read_again() {
    let test = "s3::bodies::f5_damaged_and_stalled_bodies_are_read_again";
    let count = rounds(1, 5);
    on_each(test, |server| {
        thread::scope(|scope| {
            for fault in BODY_FAULTS {
                scope.spawn(move || (0..count).for_each(|round| read_whole(server, fault, round)));
                scope.spawn(move || (0..count).for_each(|round| read_start(server, fault, round)));
            }
        });
        let reads = count * (2 * BODY_FAULTS.len() - 2);
        let ran =
            format!("{reads} reads: hang, 1 byte/s, stall, cut, flipped byte, wrong checksum");
        matrix("F5", server, &ran, "all detected, none served; right bytes at the next attempt");
    });
}

/// An object behind a proxy of its own, read with the patience of a job.
struct Place {
    proxy: Proxy,
    uri: String,
    bytes: Vec<u8>,
    store: Retrying,
}

impl Place {
    fn new(server: &Server, prefix: &str) -> Self {
        let bucket = server.bucket("matrix-f5");
        let (proxy, uri) = (Proxy::to(&server.endpoint()), bucket.uri(prefix));
        let store = patient(&proxy.endpoint(), &uri, Duration::from_mins(2));
        let bytes = random_bytes(seed(), 300_000);
        store.create("object", &Content::of(&bytes)).unwrap();
        Self { proxy, uri, bytes, store }
    }
}

fn read_whole(server: &Server, fault: Fault, round: usize) {
    let Place { proxy, uri, bytes, store } = Place::new(server, &format!("{fault:?}-{round}/"));
    proxy.next(Match::gets(), fault);
    assert!(store.read("object", 300_000).unwrap() == bytes, "{fault:?}: other bytes were served");
    assert!(proxy.count(&Match::gets()) >= 2, "{fault:?} was not noticed");
    if !matches!(fault, Fault::Hang | Fault::SlowBody | Fault::StalledBody) {
        proxy.always(Match::gets(), fault);
        let store = patient(&proxy.endpoint(), &uri, Duration::from_secs(3));
        let error = store.read("object", 300_000).unwrap_err();
        let damaged = matches!(error.problem, Problem::Damaged(_));
        assert!(damaged == (fault != Fault::TruncatedBody) || error.is_no_answer(), "{error}");
    }
}

/// Of a part of an object nobody knows the checksum: who reads it has to verify it.
fn read_start(server: &Server, fault: Fault, round: usize) {
    if matches!(fault, Fault::FlippedByte | Fault::WrongChecksum) {
        return;
    }
    let Place { proxy, bytes, store, .. } =
        Place::new(server, &format!("{fault:?}-{round}-start/"));
    proxy.next(Match::gets(), fault);
    assert!(store.read_start("object", 200_000).unwrap() == bytes[..200_000], "{fault:?}");
    assert!(proxy.count(&Match::gets()) >= 2, "{fault:?} was not noticed");
}

/// So small that the middle of a shard is among its keys.
const DIMENSION: usize = 1;

fn space() -> EmbeddingSpace {
    EmbeddingSpace {
        schema: 1,
        model: "esm2_t1_1d".to_owned(),
        weights: Digest::of(b"weights"),
        alphabet: "test".to_owned(),
        layer: 1,
        pooling: "mean".to_owned(),
        max_residues: 1022,
        long_sequences: LongSequences::Truncate,
        window_overlap: 0,
        compute: Precision::F32,
        stored: EmbeddingDtype::F32,
        dimension: DIMENSION,
        numerics: 1,
    }
}

fn rows(count: u32) -> Vec<Row> {
    let row = |number: u32| Row {
        key: Digest::of(&number.to_le_bytes()),
        residues: 1,
        values: (0..DIMENSION as u32).map(|column| (number + column) as f32).collect(),
    };
    (0..count).map(row).collect()
}

fn remote(endpoint: &str, uri: &str) -> Remote {
    Remote::new(store(endpoint, uri), Arc::default())
}

/// A store on a new disk that shares `remote`.
fn cache(remote: &Remote) -> (tempfile::TempDir, EmbeddingStore) {
    let folder = tempfile::tempdir().unwrap();
    let location = CacheLocation {
        folder: folder.path().to_owned(),
        adopted: None,
        remote: Some(remote.clone()),
    };
    let store = EmbeddingStore::open(location, space(), "cpu").unwrap();
    (folder, store)
}

#[test]
fn f5_embeddings_are_right_or_absent() {
    let test = "s3::bodies::f5_embeddings_are_right_or_absent";
    for server in stand_ins(test) {
        let bucket = server.bucket("f5-embeddings");
        let rows = rows(500);
        let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
        let values: Vec<_> = rows.iter().flat_map(|row| row.values.clone()).collect();
        let direct = remote(&server.endpoint(), &bucket.uri("p/"));
        let (_folder, mut writer) = cache(&direct);
        for part in rows.chunks(100) {
            writer.append(part.to_vec()).unwrap();
            writer.seal().unwrap();
        }
        assert_eq!(direct.uploader().drain(within(MINUTES)).left, 0);

        let proxy = Proxy::to(&server.endpoint());
        let shards = Match::gets().containing("/shards/");
        let remote = remote(&proxy.endpoint(), &bucket.uri("p/"));
        let names = bucket.list("p/cache/").into_iter().map(|object| object.key);
        let names: Vec<_> = names.filter(|name| name.contains("/shards/")).collect();
        let once = |fault| {
            names.iter().for_each(|name| proxy.next(shards.clone().ending(name), fault));
        };
        for fault in [Fault::TruncatedBody, Fault::FlippedByte, Fault::WrongChecksum] {
            once(fault);
            let (_folder, mut reader) = cache(&remote);
            assert!(keys.iter().all(|key| reader.contains(key)), "{fault:?}");
            once(fault);
            reader.fetch(&keys).unwrap();
            assert_eq!(reader.load(&keys).unwrap(), values, "{fault:?}");
        }
        // Nothing but damaged beginnings: the rows count as absent.
        proxy.always(shards.clone(), Fault::FlippedByte);
        let (_folder, reader) = cache(&remote);
        let known = keys.iter().filter(|key| reader.contains(key)).count();
        assert_eq!(known, 0, "keys were taken from damaged shards");
        proxy.heal();
        // An object that is damaged itself.
        let mut bytes = bucket.get(&names[0]).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bucket.put(&names[0], bytes);
        let (_folder, mut reader) = cache(&remote);
        reader.fetch(&keys).unwrap();
        let right: Vec<_> = keys.iter().filter(|key| reader.contains(key)).copied().collect();
        assert_eq!(right.len(), 400);
        let table = reader.load(&right).unwrap();
        for (key, row) in right.iter().zip(table.chunks(DIMENSION)) {
            let position = keys.iter().position(|other| other == key).unwrap();
            assert_eq!(row, &rows[position].values);
        }
        let ran = "5 shards: damaged on the way once, damaged always, damaged in the bucket";
        matrix("F5", server, ran, "right after another reading, or absent; never wrong");
    }
}
