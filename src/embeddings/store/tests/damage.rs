//! Damaged and forged shards: quarantined, never served, their rows computed again.

use serde_json::{Value, json};

use super::*;

fn shard(rows: &[Row]) -> Vec<u8> {
    ShardWriter { space: &space(EmbeddingDtype::F32), engine: "test cpu" }.write(rows)
}

/// A shard with a changed header and changed data.
fn reforged(rows: &[Row], change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Vec<u8> {
    let bytes = shard(rows);
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (header, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let (mut header, mut data) = (serde_json::from_slice(header).unwrap(), data.to_vec());
    change(&mut header, &mut data);
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    [length.as_slice(), header.as_bytes(), &data].concat()
}

/// Opens a store in which `bytes` lie under `name`; they must go to quarantine, and the rows that
/// they claim to hold must be computed and kept anew.
fn assert_quarantined(what: &str, bytes: &[u8], name: Digest) {
    let rows = rows(1, 0..4);
    let root = tempfile::tempdir().unwrap();
    let path = open(root.path()).shard_path(&name);
    fs::write(&path, bytes).unwrap();

    let mut store = open(root.path());
    assert!(rows.iter().all(|row| !store.contains(&row.key)), "{what}: rows are served");
    assert!(!path.exists(), "{what}: still among the shards");
    let quarantine = store.folder.join("quarantine").join(path.file_name().unwrap());
    assert_eq!(fs::read(quarantine).unwrap(), bytes, "{what}");
    store.append(rows.clone()).unwrap();
    store.seal().unwrap();
    assert_eq!(open(root.path()).load(&keys(&rows)).unwrap(), values(&rows), "{what}");
}

#[test]
fn content_that_is_not_its_name_is_quarantined() {
    let whole = shard(&rows(1, 0..4));
    let name = Digest::of(&whole);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_quarantined("bit flipped", &flipped, name);
    assert_quarantined("truncated", &whole[..whole.len() - 3], name);
    assert_quarantined("empty", &[], name);
    assert_quarantined("longer", &[whole.as_slice(), b"x"].concat(), name);
    assert_quarantined("of another name", &whole, Digest::of(b"another name"));
}

#[test]
fn every_flipped_bit_is_found() {
    let rows = rows(1, 0..2);
    let (root, path) = filled(&rows);
    let store = open(root.path());
    let name = store.shards_of(&keys(&rows))[0];
    let mut bytes = fs::read(path).unwrap();
    assert!(store.verify(&name, &bytes).is_ok());
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(store.verify(&name, &bytes).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn forged_shards_under_their_right_names_are_quarantined() {
    let good = rows(1, 0..4);
    let reversed: Vec<Row> = good.iter().rev().cloned().collect();
    let twice = [good[..2].to_vec(), good[1..].to_vec()].concat();
    let mut not_a_number = good.clone();
    not_a_number[2].values[3] = f32::NAN;
    let other_space = space(EmbeddingDtype::F16);
    let other_space = ShardWriter { space: &other_space, engine: "test cpu" };
    let end = 4 * (32 + 4 + 4 + 4 * DIMENSION);
    let huge = |length: u64| [&length.to_le_bytes(), &shard(&good)[8..]].concat();
    let cases = [
        ("keys not sorted", shard(&reversed)),
        ("a key twice", shard(&twice)),
        ("a value that is no number", shard(&not_a_number)),
        ("another space", other_space.write(&good)),
        ("no rows", shard(&[])),
        ("header of 2^64 - 1 bytes", huge(u64::MAX)),
        ("header of 17 MiB", huge(17 << 20)),
        ("another schema", reforged(&good, |h, _| h["__metadata__"]["schema"] = json!("v2"))),
        ("no metadata", reforged(&good, |h, _| drop(h["__metadata__"].take()))),
        (
            "a tensor missing",
            reforged(&good, |header, data| {
                header.as_object_mut().unwrap().remove("emb");
                data.truncate(4 * 40);
            }),
        ),
        (
            "a tensor more",
            reforged(&good, |header, _| {
                header["x"] = json!({"dtype": "U8", "shape": [0], "data_offsets": [end, end]});
            }),
        ),
        (
            "tensors that overlap",
            reforged(&good, |h, _| h["crc"]["data_offsets"] = h["len"]["data_offsets"].clone()),
        ),
        ("another type", reforged(&good, |header, _| header["emb"]["dtype"] = json!("I32"))),
        ("another shape", reforged(&good, |header, _| header["emb"]["shape"] = json!([5, 4]))),
        (
            "keys without a shape",
            reforged(&good, |header, data| {
                header["keys"] = json!({"dtype": "U8", "shape": [], "data_offsets": [0, 1]});
                *header = json!({"__metadata__": header["__metadata__"], "keys": header["keys"]});
                for (name, at) in [("len", 1), ("crc", 2), ("emb", 3)] {
                    let offsets = [at, at + 1];
                    header[name] = json!({"dtype": "U8", "shape": [], "data_offsets": offsets});
                }
                data.truncate(4);
            }),
        ),
        ("a key changed", reforged(&good, |_, data| data[0] ^= 1)),
        ("a value changed", reforged(&good, |_, data| data[end - 1] ^= 1)),
        ("a checksum changed", reforged(&good, |_, data| data[4 * 36] ^= 1)),
        ("nonsense", b"no shard at all".to_vec()),
    ];
    for (what, bytes) in cases {
        assert_quarantined(what, &bytes, Digest::of(&bytes));
    }
}

#[test]
fn a_file_too_large_to_be_a_shard_is_quarantined_unread() {
    let (root, path) = filled(&rows(1, 0..3));
    let name = path.with_file_name(format!("{}.safetensors", Digest::of(b"huge")));
    // Sparse: it takes no space.
    fs::File::create(&name).unwrap().set_len(MAX_SHARD_BYTES + 1).unwrap();
    let store = open(root.path());
    assert!(!name.exists());
    assert_eq!(count(&store.folder.join("quarantine")), 1);
    assert!(rows(1, 0..3).iter().all(|row| store.contains(&row.key)), "others are not touched");
}

#[test]
fn random_damage_never_panics_and_never_gives_a_wrong_row() {
    let rows = rows(1, 0..3);
    let expected: BTreeMap<_, _> = rows.iter().map(|row| (row.key, row.values.clone())).collect();
    let space = space(EmbeddingDtype::F32);
    let whole = shard(&rows);
    let mut random = ChaCha8Rng::seed_from_u64(20_261_122);
    let (mut refused, mut harmless) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..=4) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..5) {
                0 => bytes[at] ^= 1 << random.random_range(0..8),
                1 => bytes[at] = random.random(),
                2 => bytes.truncate(at.max(1)),
                3 => bytes.insert(at, random.random()),
                _ => {
                    let to = random.random_range(at..bytes.len());
                    bytes.copy_within(at..to, random.random_range(0..=at));
                }
            }
        }
        // As if somebody had forged the name too: every later check is on its own.
        let Ok(shard) = super::shard::Shard::parse(&bytes, &space) else {
            refused += 1;
            continue;
        };
        harmless += u32::from(shard.check_rows(DIMENSION).is_ok());
        for (row, key) in shard.keys().enumerate() {
            let mut values = [0.0; DIMENSION];
            if shard.read_row(row, &mut values).is_ok() {
                assert_eq!(expected.get(&key).unwrap(), &values, "round {round}");
            }
        }
    }
    // What passes was changed where no row depends on it: lengths, or who wrote the shard.
    assert!(refused > 10_000 && harmless > 100, "{refused} refused, {harmless} harmless");
}

#[test]
fn a_name_taken_by_something_else_does_not_lose_a_shard() {
    let rows = rows(1, 0..3);
    let (_elsewhere, path) = filled(&rows);
    let file = path.file_name().unwrap();
    for folder in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let mut store = open(root.path());
        let taken = store.folder.join("shards").join(file);
        match folder {
            true => fs::create_dir(&taken).unwrap(),
            false => std::os::unix::fs::symlink("/nonexistent", &taken).unwrap(),
        }
        store.append(rows.clone()).unwrap();
        store.seal().unwrap();
        assert_eq!(store.load(&keys(&rows)).unwrap(), values(&rows));
        assert_eq!(open(root.path()).load(&keys(&rows)).unwrap(), values(&rows));
    }
}
