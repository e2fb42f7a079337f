//! The embedding store: forged shards under their right names, damaged ones, `space.json`.

use std::fs;
use std::path::Path;

use dyad::digest::Digest;
use dyad::embeddings::{
    EmbeddingDtype, EmbeddingSpace, EmbeddingStore, LongSequences, Precision, Row, StoreError,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::driver::{case, folder, fuzz, refused};
use crate::forged::{self, Edit, File};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

const DIMENSION: usize = 3;

pub(crate) fn space() -> EmbeddingSpace {
    EmbeddingSpace {
        schema: 1,
        model: "esm2_t1_3d".to_owned(),
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

pub(crate) fn key(number: u8) -> Digest {
    Digest::of(&[number])
}

/// The only right values of a key.
pub(crate) fn values(number: u8) -> Vec<f32> {
    (0..DIMENSION).map(|column| f32::from(number) + column as f32 / 4.0).collect()
}

/// A shard as the format's description has it, written without the store.
fn shard(keys: &[u8], values: impl Fn(usize) -> Vec<f32>, sorted: bool) -> File {
    let mut rows: Vec<(Digest, Vec<f32>)> =
        keys.iter().enumerate().map(|(at, number)| (key(*number), values(at))).collect();
    if sorted {
        rows.sort_by_key(|(key, _)| *key);
        rows.dedup_by_key(|(key, _)| *key);
    }
    let n = rows.len();
    let encoded =
        |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let keys: Vec<u8> = rows.iter().flat_map(|(key, _)| *key.as_bytes()).collect();
    let lengths: Vec<u8> = rows.iter().flat_map(|_| 7_u32.to_le_bytes()).collect();
    let checksum = |(key, values): &(Digest, Vec<f32>)| {
        crc32c::crc32c(&[key.as_bytes().as_slice(), &encoded(values)].concat()).to_le_bytes()
    };
    let checksums: Vec<u8> = rows.iter().flat_map(checksum).collect();
    let embeddings: Vec<u8> = rows.iter().flat_map(|(_, values)| encoded(values)).collect();
    let mut header = json!({"__metadata__": {
        "schema": "dyad.shard.v1", "space_id": space().id(), "n": n.to_string(),
        "d": DIMENSION.to_string(), "keys_crc32c": format!("{:08x}", crc32c::crc32c(&keys)),
        "engine": "test cpu", "writer": "test",
    }});
    let (parts, mut data) = ([keys, lengths, checksums, embeddings], Vec::new());
    let shapes = [json!([n, 32]), json!([n]), json!([n]), json!([n, DIMENSION])];
    let types = [("keys", "U8"), ("len", "U32"), ("crc", "U32"), ("emb", "F32")];
    for ((name, dtype), (shape, part)) in types.iter().zip(shapes.into_iter().zip(parts)) {
        let start = data.len();
        data.extend(part);
        header[name] = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]});
    }
    File { header, data }
}

/// Opens a store with one valid and one forged shard: rows are right or absent, and what is absent
/// can be added.
fn check(bytes: &[u8], name: Digest) {
    let root = folder();
    let shards = root.path().join("v1").join(space().id()).join("shards");
    fs::create_dir_all(&shards).unwrap();
    let write = |name: Digest, bytes: &[u8]| {
        fs::write(shards.join(format!("{name}.safetensors")), bytes).unwrap();
    };
    let good = shard(&[0, 1], |at| values([0, 1][at]), true).bytes();
    write(Digest::of(&good), &good);
    write(name, bytes);
    let open = || EmbeddingStore::open(root.path(), space(), "test cpu").unwrap();
    let mut store = open();
    let load = |store: &EmbeddingStore, number: u8| store.load(&[key(number)]).unwrap();
    assert_eq!([load(&store, 0), load(&store, 1)], [values(0), values(1)]);
    for number in 2..8 {
        if store.contains(&key(number)) {
            assert_eq!(load(&store, number), values(number), "a wrong row");
        } else {
            store
                .append(vec![Row { key: key(number), residues: 7, values: values(number) }])
                .unwrap();
        }
    }
    store.seal().unwrap();
    drop(store);
    let store = open();
    (0..8).for_each(|number| assert_eq!(load(&store, number), values(number)));
}

#[test]
fn forged() {
    let rows = |keys: &[u8], sorted| {
        let numbers = keys.to_vec();
        shard(keys, move |at| values(numbers[at]), sorted)
    };
    let strategy = (
        vec(2..8_u8, 0..5),
        any::<bool>(),
        prop_oneof![1 => Just(Vec::new()).boxed(), 4 => forged::edits().boxed()],
    );
    fuzz("shards, forged", strategy, |(keys, sorted, edits): (_, _, Vec<Edit>)| {
        // Changes of rows that keep all checksums would be right rows of another encoder.
        let bytes = rows(&keys, sorted).forged(&edits);
        check(&bytes, Digest::of(&bytes));
    });
}

#[test]
fn values_that_are_no_numbers() {
    let wrong = select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    fuzz("shards, no numbers", (wrong, 0..DIMENSION), |(wrong, column)| {
        let bytes = shard(
            &[2, 3],
            |at| {
                let mut values = values([2, 3][at]);
                values[column] = if at == 0 { wrong } else { values[column] };
                values
            },
            true,
        );
        let bytes = bytes.bytes();
        check(&bytes, Digest::of(&bytes));
    });
}

#[test]
fn damaged() {
    let valid = shard(&[2, 3, 4], |at| values([2, 3, 4][at]), true).bytes();
    fuzz("shards, damaged", (mutations(), any::<bool>()), |(mutations, named)| {
        let bytes = mutated(&valid, &mutations);
        check(&bytes, Digest::of(if named { &bytes } else { &valid }));
    });
}

#[test]
fn large_headers() {
    let valid = shard(&[2, 3], |at| values([2, 3][at]), true);
    for (what, edit) in [
        ("shards, 100,000 tensors", Edit::Many(100_000)),
        ("shards, a header of 15 MiB", Edit::Pad(15 << 20)),
        ("shards, a header of 17 MiB", Edit::Pad(17 << 20)),
    ] {
        let bytes = valid.forged(&[edit]);
        case(what, || check(&bytes, Digest::of(&bytes)));
    }
}

fn check_space(root: &Path, content: &[u8]) {
    let path = root.join("v1").join(space().id()).join("space.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    match EmbeddingStore::open(root, space(), "test cpu") {
        Ok(_) => assert_eq!(content, space().canonical_json()),
        Err(error) => {
            assert!(matches!(error, StoreError::ForeignSpace(_)), "{error}");
            refused(&error);
        }
    }
}

#[test]
fn space_files() {
    let root = folder();
    let valid: Value = serde_json::from_slice(&space().canonical_json()).unwrap();
    let changes = vec(json::change(), 0..3);
    fuzz("space.json", (changes, mutations()), |(changes, mutations): (Vec<Change>, _)| {
        let text = changes.iter().fold(valid.clone(), changed).to_string();
        check_space(root.path(), text.as_bytes());
        check_space(root.path(), &mutated(&space().canonical_json(), &mutations));
    });
}
