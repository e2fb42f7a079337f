use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::storage::write_atomic;

fn accession(text: &str) -> Accession {
    text.parse().unwrap()
}

fn read_files(files: &[(&str, &[u8])]) -> (Result<SequenceSet, Error>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        write_atomic(&folder.path().join(name), bytes).unwrap();
    }
    let set = read(&[folder.path().to_owned()]);
    (set, format!("{}/", folder.path().display()))
}

fn set(files: &[(&str, &[u8])]) -> SequenceSet {
    read_files(files).0.unwrap()
}

/// The message, without the temporary folder.
fn message(files: &[(&str, &[u8])]) -> String {
    let (result, folder) = read_files(files);
    result.unwrap_err().to_string().replace(&folder, "")
}

fn residues(set: &SequenceSet) -> Vec<(&str, &str)> {
    set.entries().iter().map(|e| (e.accession.as_str(), e.sequence.residues())).collect()
}

#[test]
fn headers_of_uniprot_and_bare_identifiers_name_proteins_in_the_order_of_the_files() {
    let a = b"\xef\xbb\xbf>sp|P00001|ONE_X First OS=X\nMKV\nLU\n\n>tr|A0A000AAA1|TWO_X\r\nmkx*\r\n";
    let b = b"> YAL001C some gene\nMM\n>P00002-2\nMA";
    let set = set(&[("a.fasta", a), ("b.fasta", b)]);
    let expected =
        [("P00001", "MKVLU"), ("A0A000AAA1", "MKX"), ("YAL001C", "MM"), ("P00002-2", "MA")];
    assert_eq!(residues(&set), expected);
    let names: Vec<&str> = set.sources().iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["a.fasta", "b.fasta"]);
}

#[test]
fn gzip_reads_the_same() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b">P00001\nMKV\n").unwrap();
    let set = set(&[("a.fasta", &gzip.finish().unwrap())]);
    assert_eq!(residues(&set), [("P00001", "MKV")]);
}

#[test]
fn isoforms_fall_back_to_their_parent_and_are_counted() {
    let set = set(&[("a", b">P00001\nMKV\n>P00002-2\nMA\n")]);
    let own = set.get(&accession("P00002-2")).unwrap();
    assert_eq!((own.sequence().residues(), matches!(own, Found::Own(_))), ("MA", true));
    let parent = set.get(&accession("P00001-3")).unwrap();
    assert_eq!((parent.sequence().residues(), matches!(parent, Found::Own(_))), ("MKV", false));
    assert_eq!(set.get(&accession("P00002")), None);
    let asked = ["P00001", "P00001-3", "P00002-2", "P00003-1"].map(accession);
    assert_eq!(set.isoform_fallbacks(&asked), 1);
}

#[test]
fn what_is_added_fills_gaps_and_replaces_nothing() {
    let mut set = set(&[("a", b">P00001\nMKV\n")]);
    let entry = |name, residues: &str| Entry {
        accession: accession(name),
        sequence: residues.parse().unwrap(),
    };
    set.add([entry("P00001", "MA"), entry("P00002", "MC"), entry("P00002", "MD")]);
    assert_eq!(residues(&set), [("P00001", "MKV"), ("P00002", "MC")]);
    assert!(matches!(set.get(&accession("P00002-1")), Some(Found::Parent(_))));
}

#[test]
fn repeated_records_are_counted_and_contradictions_name_both_places() {
    let set = set(&[("a", b">P00001\nMK\nV\n>sp|P00001|X\nmkv*\n")]);
    assert_eq!((set.len(), set.duplicates()), (1, 1));
    assert_eq!(
        message(&[("a", b">P00009\nMM\n>P00001\nMK\nV\n"), ("b", b"\n>P00001\nMKL\n")]),
        "`P00001` has different sequences in `a` line 3 and in `b` line 2: keep the one that is \
         meant"
    );
}

#[test]
fn what_is_no_fasta_is_one_error_with_its_place() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "`a` is empty: expected sequences in FASTA"),
        (b"\n\n", "`a` is empty: expected sequences in FASTA"),
        (
            b"\nprotein\tsequence\n",
            "`a` line 2: text before the first header: FASTA begins with `>` and an accession",
        ),
        (
            b">P00001\nMKV\n\nM1V\n",
            "`a` line 4: `P00001` has the character '1' at residue 5, which stands for no amino \
             acid: correct it, or write `X` for an unknown residue",
        ),
        (
            b">P00001\nMK*\nMKV\n>P00002\nM\n",
            "`a` line 2: `P00001` has the character '*' at residue 3, which stands for no amino \
             acid: correct it, or write `X` for an unknown residue",
        ),
        (
            b">P00001\n>P00002\nMKV\n",
            "`a` line 1: `P00001` has no residues: add its sequence or remove the record",
        ),
        (
            b">P00002\nMKV\n>\nMKV\n",
            "`a` line 3: empty identifier in a header: expected `>` and an accession, or \
             `>sp|ACCESSION|NAME`",
        ),
        (
            b">P00002\nMK\0V\n",
            "`a` is not a text file: line 2 holds binary data: give plain text, or text packed \
             with gzip",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(&[("a", bytes)]), expected);
    }
    let genome = [">P00001\n", "MKV\n>chr1\n", &"ACGT\n".repeat(250_001)].concat();
    assert_eq!(
        message(&[("a", genome.as_bytes())]),
        "`a` line 3: `chr1` has more than 1000000 residues, longer than any protein: give \
         proteins, one per record"
    );
    let folder = tempfile::tempdir().unwrap();
    let empty = read(&[folder.path().to_owned()]).unwrap_err().to_string();
    assert!(empty.ends_with("holds no file: put the sequences there, in FASTA files"), "{empty}");
}

#[test]
fn real_files_hold_as_many_proteins_as_known() {
    let data = std::env::var("DYAD_TEST_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let data = Path::new(&data).join("data");
    if !data.is_dir() {
        println!(
            "skipped: real_files_hold_as_many_proteins_as_known: no test data at {}",
            data.display()
        );
        return;
    }
    for (file, proteins, longest) in [
        ("hint_small/yeast_uniprot.subset.fasta", 603, 4092),
        ("hint_human_2025_head99/human_uniprot.fasta", 91, 2514),
        ("bernett_gold/Intra0_val.fasta", 3711, 34_350),
    ] {
        let set = read(&[data.join(file)]).unwrap();
        let found = set.entries().iter().map(|entry| entry.sequence.len()).max().unwrap();
        assert_eq!((set.len(), set.duplicates(), found), (proteins, 0, longest), "{file}");
    }
}
