//! What runs share: their pins, and the addresses they are given.

use std::fs;
use std::path::Path;

use dyad::digest::Digest;
use dyad::embeddings::{EmbeddingStore, Pin, Row};
use dyad::storage::remote::S3Uri;
use dyad::storage::sync::SharedFolder;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::driver::{folder, fuzz, refused};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};
use crate::shards::{key, space, values};

fn store(root: &Path) -> EmbeddingStore {
    EmbeddingStore::open(root, space(), "test cpu").unwrap()
}

/// A pin is refused with a message that names the file, or followed; rows stay what they are.
#[test]
fn pins() {
    let root = folder();
    let keys: Vec<Digest> = (0..3).map(key).collect();
    let table: Vec<f32> = (0..3).flat_map(values).collect();
    let mut writer = store(root.path());
    for number in 0..3 {
        let row = Row { key: key(number), residues: 1, values: values(number) };
        writer.append(vec![row]).unwrap();
        writer.seal().unwrap();
    }
    let bytes = Pin::new(&writer, &keys, &table).to_bytes();
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
        assert_eq!(store.load(&keys).unwrap(), table);
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
