//! Files that unpack to far more than they are, and lines without end.

use std::fs;
use std::path::Path;

use dyad::interactions::{self, Evidence, ExpandedComplexes, SelfPairs, Settings};
use dyad::{evaluation, sequences};

use crate::driver::{case, large_folder, refused};
use crate::fasta::gzip;

/// So much of one piece that it unpacks to 256 MiB.
fn bomb(piece: &[u8]) -> Vec<u8> {
    let block = piece.repeat((4 << 20) / piece.len());
    gzip(&block, 9).repeat(64)
}

/// Every reader of text refuses the file at `path`.
fn refuse(what: &str, path: &Path) {
    let settings = Settings {
        min_publications: 0,
        evidence: Evidence::Any,
        min_score: None,
        taxon: None,
        expanded_complexes: ExpandedComplexes::Include,
        self_pairs: SelfPairs::Include,
        label_column: None,
        max_proteins: None,
        max_pairs: None,
        max_dropped_fraction: 1.0,
        seed: 0,
    };
    let paths = [path.to_owned()];
    let case = |reader: &str, read: &dyn Fn()| case(&format!("{what} as {reader}"), read);
    case("sequences", &|| refused(&sequences::read(&paths).unwrap_err()));
    case("interactions", &|| refused(&interactions::read(&paths, &settings).unwrap_err()));
    case("pairs", &|| refused(&interactions::list(path, None).unwrap_err()));
    let columns = evaluation::ScoreColumns::default();
    case("scores", &|| refused(&evaluation::read_scores(path, &columns).unwrap_err()));
}

#[test]
fn gzip_bombs() {
    let folder = large_folder();
    let path = folder.path().join("a.gz");
    let pieces: [(&str, &[u8]); 6] = [
        ("zeros", b"\0"),
        ("one line", b"M"),
        ("blank lines", b"\n"),
        ("one sequence", b">P00001\nMKVLAAGIVGLLLAQWERTYMKVLAAGIVGLLLAQWERTY\n"),
        ("one pair", b"P00001\tP00002\t1:0018:HT|2:0096:LC|3:0018:HT\n"),
        ("tabs", b"\t"),
    ];
    for (what, piece) in pieces {
        fs::write(&path, bomb(piece)).unwrap();
        refuse(&format!("gzip bomb, {what},"), &path);
    }
    let long = [gzip(b">P00001\n", 9), bomb(b"MKVLAAGIVGLLLAQWERTY\n")].concat();
    fs::write(&path, long).unwrap();
    refuse("gzip bomb, a sequence without end,", &path);
}

#[test]
fn lines_without_end() {
    let folder = large_folder();
    let path = folder.path().join("a.txt");
    for (what, start, piece) in [
        ("fields", "protein_a\tprotein_b\n", "\t"),
        ("commas", "protein_a,protein_b\n", ","),
        ("quotes", "protein_a,protein_b\n\"", "\"\""),
        ("residues", ">P00001\n", "M"),
        ("columns", "", "protein_a\t"),
    ] {
        let text = start.to_owned() + &piece.repeat((60 << 20) / piece.len());
        fs::write(&path, text).unwrap();
        refuse(&format!("60 MB in one line, {what},"), &path);
    }
}

/// What must not be refused: a proteome of 100,000 sequences, and the longest proteins.
#[test]
fn large_files_of_users() {
    let folder = large_folder();
    let path = folder.path().join("a.fasta.gz");
    let sequence = |number: usize| -> String {
        let mut state = number as u32;
        let residues = (0..150).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b"ACDEFGHIKLMNPQRSTVWY"[(state >> 16) as usize % 20])
        });
        format!(">sp|P{number:05}|NAME\n{}\n", residues.collect::<String>())
    };
    let mut text: String = (0..20_000).map(sequence).collect();
    // Longer than any protein known, in one line and in many.
    text += &format!(">LONG\n{}\n>LINES\n{}", "MKV".repeat(100_000), "MKVLAAGIVG\n".repeat(20_000));
    fs::write(&path, gzip(text.as_bytes(), 1)).unwrap();
    case("20,000 proteins", || {
        assert_eq!(sequences::read(std::slice::from_ref(&path)).unwrap().len(), 20_002);
    });
}

/// Rows of one pair, each with a publication of its own.
#[test]
fn duplicates_with_evidence() {
    let folder = large_folder();
    let path = folder.path().join("hint.txt");
    let rows = (0..60_000).map(|number| format!("P00001\tP00002\tA\tB\t{number}:1:HT\n"));
    let header = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\n";
    fs::write(&path, header.to_owned() + &rows.collect::<String>()).unwrap();
    case("one pair of 60,000 publications", || {
        let settings = Settings {
            min_publications: 60_000,
            evidence: Evidence::HighThroughput,
            min_score: None,
            taxon: None,
            expanded_complexes: ExpandedComplexes::Exclude,
            self_pairs: SelfPairs::Exclude,
            label_column: None,
            max_proteins: None,
            max_pairs: None,
            max_dropped_fraction: 0.0,
            seed: 0,
        };
        let read = interactions::read(std::slice::from_ref(&path), &settings).unwrap();
        assert_eq!(read.resolve(|_| true, &settings).unwrap().pairs.len(), 1);
    });
}
