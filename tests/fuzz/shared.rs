//! What runs share: their pins, and the addresses they are given.

use std::fs;
use std::path::Path;

use dyad::digest::Digest;
use dyad::embeddings::{
    EmbeddingDtype, EmbeddingSpace, EmbeddingStore, LongSequences, Pin, Precision, Row,
};
use dyad::storage::remote::S3Uri;
use dyad::storage::sync::SharedFolder;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::driver::{folder, fuzz, refused};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

fn store(root: &Path) -> EmbeddingStore {
    let space = EmbeddingSpace {
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
        dimension: 1,
        numerics: 1,
    };
    EmbeddingStore::open(root, space, "test cpu").unwrap()
}

/// A pin is refused with a message that names the file, or followed; rows stay what they are.
#[test]
fn pins() {
    let root = folder();
    let keys: Vec<Digest> = (0..3_u8).map(|number| Digest::of(&[number])).collect();
    let mut writer = store(root.path());
    for (number, key) in keys.iter().enumerate() {
        writer.append(vec![Row { key: *key, residues: 1, values: vec![number as f32] }]).unwrap();
        writer.seal().unwrap();
    }
    let bytes = Pin::new(&writer, &keys, &[0.0, 1.0, 2.0]).to_bytes();
    let valid: Value = serde_json::from_slice(&bytes).unwrap();
    let run = folder();
    let shared = SharedFolder::new(run.path().to_owned(), None);
    let check = |bytes: &[u8]| {
        fs::write(run.path().join("pin.json"), bytes).unwrap();
        let mut store = store(root.path());
        match Pin::of(&shared, &store) {
            Ok(pin) => store.follow(&pin.unwrap()).unwrap(),
            Err(error) => {
                refused(&error);
                assert!(error.to_string().contains("pin.json"), "{error}");
            }
        }
        assert_eq!(store.load(&keys).unwrap(), [0.0, 1.0, 2.0]);
    };
    check(&bytes);
    let changes = vec(json::change(), 1..3);
    fuzz("pins", (changes, mutations()), |(changes, mutations): (Vec<Change>, _)| {
        let text = changes.iter().fold(valid.clone(), changed).to_string();
        check(text.as_bytes());
        check(&mutated(&bytes, &mutations));
    });
}

/// An address is refused, or names a bucket and a prefix that stay below each other.
#[test]
fn addresses() {
    let parts = prop_oneof![
        Just("s3://".to_owned()),
        Just("lab-data".to_owned()),
        Just("/".to_owned()),
        Just("..".to_owned()),
        "[a-z0-9.-]{1,70}",
        json::text(),
    ];
    fuzz("addresses in S3", vec(parts, 0..7), |parts: Vec<String>| {
        match parts.concat().parse::<S3Uri>() {
            Err(error) => refused(&error),
            Ok(uri) => {
                assert_eq!(uri.to_string().parse::<S3Uri>().unwrap(), uri);
                assert!((3..=63).contains(&uri.bucket().len()) && !uri.bucket().contains('/'));
                let prefix = uri.prefix();
                assert!(prefix.is_empty() || prefix.ends_with('/'), "{uri}");
                let whole =
                    prefix.split_terminator('/').all(|part| !["", ".", ".."].contains(&part));
                assert!(whole && prefix.is_ascii(), "{uri}");
            }
        }
    });
}
