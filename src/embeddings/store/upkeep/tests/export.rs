//! Exported files hold what readers see, in an order that does not depend on shards.

use std::collections::HashMap;
use std::fs;

use super::*;

fn exported(
    cache: &Cache,
    names: Option<&HashMap<Digest, Vec<crate::protein::Accession>>>,
) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let shutdown = Shutdown::default();
    let space = find_space(cache, "", &shutdown).unwrap();
    let job = Export { cache, space: &space, names, shutdown: &shutdown };
    assert_eq!(export(&job, Format::Npy, out.path()).unwrap(), space.sequences());
    out
}

#[test]
fn arrays_hold_every_sequence_once_sorted_by_key_with_the_values_that_readers_see() {
    let (store, cache) = bucket();
    let versions = [0, 1].map(|version| (0..6).map(|name| row(name, version)).collect::<Vec<_>>());
    let names = versions.clone().map(|rows| add(&store, &cache, rows));
    let mut seen = versions[usize::from(names[1] < names[0])].clone();
    seen.extend(rows(6..9));
    add(&store, &cache, rows(6..9));
    seen.sort_by_key(|row| row.key);

    let accessions =
        HashMap::from([(row(7, 0).key, ["P1", "P2"].map(|a| a.parse().unwrap()).to_vec())]);
    let out = exported(&cache, Some(&accessions));
    let bytes = fs::read(out.path().join("embeddings.npy")).unwrap();
    let expected: Vec<u8> =
        seen.iter().flat_map(|row| &row.values).flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(&bytes[128..], expected);
    let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
    assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (9, 5), }"));

    let keys = fs::read_to_string(out.path().join("keys.tsv")).unwrap();
    let mut expected = String::from("row\tsha256\tresidues\taccessions\n");
    for (place, row) in seen.iter().enumerate() {
        let names = if row.residues == 8 { "P1,P2" } else { "" };
        expected += &format!("{place}\t{}\t{}\t{names}\n", row.key, row.residues);
    }
    assert_eq!(keys, expected);
    assert_eq!(fs::read(out.path().join("space.json")).unwrap(), f32_space().canonical_json());

    // The same rows in one shard give the same files.
    let (other, other_cache) = bucket();
    add(&other, &other_cache, seen);
    let again = exported(&other_cache, Some(&accessions));
    for name in ["embeddings.npy", "keys.tsv"] {
        let [one, two] = [&out, &again].map(|folder| fs::read(folder.path().join(name)).unwrap());
        assert_eq!(one, two, "{name}");
    }
}

#[test]
fn nothing_is_exported_from_damage_and_nothing_replaced() {
    let (store, cache) = bucket();
    let name = add(&store, &cache, rows(0..4));
    let out = exported(&cache, None);
    let shutdown = Shutdown::default();
    let found = find_space(&cache, "", &shutdown).unwrap();
    let job = Export { cache: &cache, space: &found, names: None, shutdown: &shutdown };
    let again = export(&job, Format::Npy, out.path()).unwrap_err();
    assert!(matches!(again, CacheError::Exists(_)), "{again}");

    let mut bytes = shard(rows(0..4), ENGINE);
    *bytes.last_mut().unwrap() ^= 1;
    store.put(&cache.shard_key(&f32_space().id(), &name), &bytes);
    let out = tempfile::tempdir().unwrap();
    let error = export(&job, Format::Npy, out.path()).unwrap_err();
    assert!(matches!(error, CacheError::Damaged { .. }), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_refused_where_it_is_not_built_in() {
    let (store, cache) = bucket();
    add(&store, &cache, rows(0..4));
    let shutdown = Shutdown::default();
    let space = find_space(&cache, "", &shutdown).unwrap();
    let job = Export { cache: &cache, space: &space, names: None, shutdown: &shutdown };
    let out = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(export(&job, Format::Parquet, out.path()).unwrap_err(), @"this program was built without Parquet; use `--format npy`, or build it with `cargo build --release --features parquet`");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_files_read_back_as_they_were_written() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{ListAccessor, RowAccessor};

    let (store, cache) = bucket();
    add(&store, &cache, rows(0..4));
    add(&store, &cache, rows(3..9));
    let accessions = HashMap::from([(row(7, 0).key, vec!["P1".parse().unwrap()])]);
    let shutdown = Shutdown::default();
    let space = find_space(&cache, "", &shutdown).unwrap();
    let job =
        Export { cache: &cache, space: &space, names: Some(&accessions), shutdown: &shutdown };
    let out = tempfile::tempdir().unwrap();
    assert_eq!(export(&job, Format::Parquet, out.path()).unwrap(), 9);

    let file = fs::File::open(out.path().join("embeddings.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 2);
    let mut found = Vec::new();
    for record in reader.get_row_iter(None).unwrap() {
        let record = record.unwrap();
        let list = record.get_list(3).unwrap();
        let values = (0..list.len()).map(|at| list.get_float(at).unwrap());
        let names = record.get_string(2).ok().cloned();
        let key: Digest = record.get_string(0).unwrap().parse().unwrap();
        found.push((key, record.get_int(1).unwrap(), names, values.collect::<Vec<_>>()));
    }
    found.sort_by_key(|record| record.0);
    let mut expected: Vec<_> = rows(0..9)
        .into_iter()
        .map(|row| {
            let named = row.residues == 8;
            (row.key, row.residues as i32, named.then(|| "P1".to_owned()), row.values)
        })
        .collect();
    expected.sort_by_key(|record| record.0);
    assert_eq!(found, expected);
}
