//! FASTA as people and broken transfers make it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use dyad::sequences::{self, Found, SequenceSet};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::driver::{folder, fuzz, refused};
use crate::mutation::{mutated, mutations};

/// How the text lies in its file.
#[derive(Clone, Debug)]
enum Packing {
    Plain,
    Gzip(u32),
    /// Two members, as `cat a.gz b.gz` makes them.
    Members(Index),
    Truncated(Index),
    Followed(Vec<u8>),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let accession =
        select(vec!["P00001", "P00002", "P00002-2", "A0A000AAA1", "YAL001C", "é", "a b"]);
    let header = prop_oneof![
        6 => accession.clone().prop_map(|name| format!(">{name}")),
        3 => accession.prop_map(|name| format!(">sp|{name}|NAME Some protein OS=X")),
        1 => select(vec![
            ">", "> ", ">sp|", ">sp||", ">tr|P00003", ">gi|1|ref|2", "> P00004 x", ">\0", ">>",
            "P00005", ";comment", " >P00006", ">P00007\rMKV",
        ])
        .prop_map(str::to_owned),
        1 => (60..70_usize).prop_map(|length| format!(">{}", "P".repeat(length))),
    ];
    let line = prop_oneof![
        8 => "[ACDEFGHIKLMNPQRSTVWY]{1,60}",
        2 => "[A-Za-z]{0,9}",
        1 => select(vec![
            "", " ", "*", "MKV*", "MK*V", "M V", "M-V", "M1", "uobzjx", "M\0V", "Ä", "\u{feff}M", "M\r",
        ])
        .prop_map(str::to_owned),
        1 => (1..200_000_usize).prop_map(|length| "M".repeat(length)),
    ];
    let end = select(vec!["\n", "\n", "\r\n", "\r", "\n\n"]);
    let record = (header, vec(line, 0..4), end).prop_map(|(header, lines, end)| {
        let lines = std::iter::once(header).chain(lines);
        lines.map(|line| line + end).collect::<String>()
    });
    let start =
        prop_oneof![8 => Just(""), 1 => Just("\u{feff}"), 1 => Just("\n\r\n"), 1 => Just("x\n")];
    (start, vec(record, 0..6))
        .prop_map(|(start, records)| (start.to_owned() + &records.concat()).into())
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![
        4 => Just(Packing::Plain),
        1 => (0..10_u32).prop_map(Packing::Gzip),
        1 => any::<Index>().prop_map(Packing::Members),
        1 => any::<Index>().prop_map(Packing::Truncated),
        1 => vec(any::<u8>(), 1..30).prop_map(Packing::Followed),
    ]
}

fn packed(text: &[u8], packing: &Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => text.to_vec(),
        Packing::Gzip(level) => gzip(text, *level),
        Packing::Members(at) => {
            let (one, other) = text.split_at(at.index(text.len() + 1));
            [gzip(one, 6), gzip(other, 6)].concat()
        }
        Packing::Truncated(at) => {
            let mut bytes = gzip(text, 6);
            bytes.truncate(at.index(bytes.len()));
            bytes
        }
        Packing::Followed(rest) => [gzip(text, 6).as_slice(), rest].concat(),
    }
}

pub(crate) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(path: &Path, bytes: &[u8]) -> Result<SequenceSet, sequences::Error> {
    fs::write(path, bytes).unwrap();
    sequences::read(&[PathBuf::from(path)])
}

fn entries(set: &SequenceSet) -> Vec<(&str, &str)> {
    set.entries().iter().map(|e| (e.accession.as_str(), e.sequence.residues())).collect()
}

/// Reads `bytes`; every header ends as a protein or as a duplicate, and what was read reads again.
fn check(path: &Path, bytes: &[u8]) {
    let set = match read(path, bytes) {
        Ok(set) => set,
        Err(error) => return refused(&error),
    };
    let mut text = Vec::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => drop(MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap()),
        false => text.extend_from_slice(bytes),
    }
    let text = String::from_utf8_lossy(&text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let headers = text.split('\n').filter(|line| line.trim().starts_with('>')).count();
    assert_eq!(set.len() + set.duplicates(), headers);

    let names: BTreeSet<&str> = entries(&set).iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), set.len(), "an accession twice");
    let mut canonical = String::new();
    for entry in set.entries() {
        let residues = entry.sequence.residues();
        assert!(!residues.is_empty() && residues.bytes().all(|c| c.is_ascii_uppercase()));
        assert_eq!(set.get(&entry.accession), Some(Found::Own(&entry.sequence)));
        canonical += &format!(">{}\n{residues}\n", entry.accession);
    }
    let again = read(path, canonical.as_bytes()).unwrap();
    assert_eq!(entries(&again), entries(&set));
    let zipped = read(path, &gzip(canonical.as_bytes(), 1)).unwrap();
    assert_eq!(entries(&zipped), entries(&set));
}

#[test]
fn built() {
    let folder = folder();
    let path = folder.path().join("a.fasta");
    fuzz("fasta, built", (text(), packing()), |(text, packing)| {
        check(&path, &packed(&text, &packing));
    });
}

#[test]
fn damaged() {
    let valid = b">sp|P00001|ONE_X First OS=X\nMKVLU\nMKV*\r\n>P00001-2\nmkx\n\n>YAL001C gene\nACDEFGHIKL\n";
    let valid = [valid.to_vec(), gzip(valid, 6)];
    let folder = folder();
    let path = folder.path().join("a.fasta");
    fuzz("fasta, damaged", (select(valid.to_vec()), mutations()), |(valid, mutations)| {
        check(&path, &mutated(&valid, &mutations));
    });
}
