//! Which files are understood, and what the others are told.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const HINT_2018: &str = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tORF_A\tORF_B\tAlias_A\tAlias_B\t\
    pmid:method:quality\n\
    P1\tP2\tg1\tg2\to1\to2\t5\" x\ty|z\t11:0018:HT|12:0096:LC\n\
    P3\tP3\t\t\t\t\t\t\t13:0018:HT";
const HINT_2024: &str = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality:type\ttaxid\t\
    high_quality\tin_pdb_source\tPDB_IDs\n\
    P1\tP2\tg1\tg2\t11:0018:HT:binary|12:0096:LC:binary\t9606\tTrue\tFalse\t\n\
    P3\tP3\t\t\t13:0018:HT:binary\t9606\tTrue\tFalse";

fn formats(set: &InteractionSet) -> Vec<Format> {
    set.audit.files.iter().map(|file| file.format).collect()
}

#[test]
fn all_headers_of_hint_are_read_by_name() {
    let web = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\nP1\tP2\t\t\t\
        11:0018:HT|12:0096:LC\nP3\tP3\t\t\t13:0018:HT\n";
    let older = "Uniprot_A\tUniprot_B\tAlt_A\tAlt_B\tGene_A\tGene_B\tpmid:method:quality\nP1\tP2\t\
        \t\t\t\t11:0018:HT|12:0096:LC\nP3\tP3\t\t\t\t\t13:0018:HT\n";
    let other = "taxid\tUniprot_B\tUniprot_A\tpmid:method:quality\n4932\tP1\tP2\t\
        11:0018:HT|12:0096:LC\n4932\tP3\tP3\t13:0018:HT\n";
    for (table, format) in [
        (HINT_2018, Format::Hint2018),
        (HINT_2024, Format::Hint2024),
        (web, Format::HintWeb),
        (older, Format::HintOlder),
        (other, Format::HintOther),
    ] {
        let two = Settings { min_publications: 2, ..settings() };
        let set = Files::one(table).resolve(&two).unwrap();
        assert_eq!(pairs(&set), ["P1 P2 1"], "{format}");
        assert_eq!((formats(&set), counts(&set.audit)), (vec![format], [0, 0, 0, 1, 0, 0, 1]));
        assert!(!set.has_negatives);
    }
}

#[test]
fn damaged_rows_of_hint_are_malformed_with_a_reason() {
    let rows = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\n\
        P1\tP2\t\t\t11:0018:HT\n\
        P1\tP3\t\t\n\
        P1\tP4\t\t\t11:00\n\
        P1\tP5\t\t\t11:0018:HT\tmore\n\
        P 1\tP6\t\t\t11:0018:HT\n";
    let audit = Files::one(rows).set().audit;
    let reasons: Vec<&str> = audit.buckets[0].examples.iter().map(|e| e.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "no column 5",
            "evidence `11:00` is not `pmid:method:quality`",
            "6 columns where the first row has 5",
            "identifier with the character ' ' in column 1",
        ]
    );
}

#[test]
fn plain_tables_are_read_with_and_without_header_and_label() {
    let unlabelled = ["P1 P2 1", "P3 P4 1"];
    let labelled = ["P1 P2 1", "P3 P4 0"];
    for (table, expected, format) in [
        ("P1\tP2\nP4\tP3", unlabelled, Format::HeaderlessTable),
        ("P1,P2\nP4,P3\n", unlabelled, Format::HeaderlessTable),
        ("P1\tP2\t1\r\nP4\tP3\t0\r\n", labelled, Format::HeaderlessTable),
        ("\u{feff}P1, P2, 1\r\n\r\nP4, P3, 0\r\n\r\n", labelled, Format::HeaderlessTable),
        ("\u{feff}proteinA,proteinB,interaction\nP1,P2,1\nP4,P3,0\n", labelled, Format::Table),
        ("label\tProtein A\tProtein B\n1\tP1\tP2\n0\tP4\tP3\n", labelled, Format::Table),
        ("PROTEIN1\tPROTEIN2\tscore\nP1\tP2\t999\nP4\tP3\t1\n", unlabelled, Format::Table),
        ("uniprot_a,uniprot_b\nP1,P2\nP4,P3\n", unlabelled, Format::Table),
        (
            "\"id1\",\"note\",\"id2\",\"y\"\n\"P1\",\"a, \"\"b\"\"\",\"P2\",1.0\nP4,,P3,0.0\n",
            labelled,
            Format::Table,
        ),
        (
            "\"id_a\"\t\"id_b\"\t\"class\"\n\"P1\"\t\"P2\"\t1\n\"P4\"\t\"P3\"\t0\n",
            labelled,
            Format::Table,
        ),
    ] {
        let set = Files::one(table).set();
        assert_eq!(
            (pairs(&set), formats(&set)),
            (expected.map(str::to_owned).into(), vec![format])
        );
        assert_eq!((set.audit.rows, set.has_negatives), (2, expected == labelled), "{table}");
    }
}

#[test]
fn gzip_reads_the_same_and_the_digest_is_of_the_file_as_stored() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(HINT_2018.as_bytes()).unwrap();
    let (plain, packed) = (Files::one(HINT_2018).set(), Files::one(gzip.finish().unwrap()).set());
    assert_eq!(plain.pairs, packed.pairs);
    assert_ne!(plain.sources[0].sha256, packed.sources[0].sha256);
}

#[test]
fn the_label_column_can_be_named() {
    let table = "protein_a,protein_b,label,Binds\nP1,P2,0,1\nP3,P4,1,0\n";
    let named = |name: &str| Settings { label_column: Some(name.to_owned()), ..settings() };
    let set = Files::one(table).resolve(&named("binds")).unwrap();
    assert_eq!(pairs(&set), ["P1 P2 1", "P3 P4 0"]);
    assert_eq!(
        Files::one(table).message(&named("truth")),
        "`a.txt` has no label column `truth`, only `protein_a`, `protein_b`, `label`, `Binds`: \
         correct `label_column` or the header"
    );
    assert_eq!(
        Files::one("P1\tP2\t1\n").message(&named("truth")),
        "`a.txt` has no header to find the label column `truth` in: add a header, or leave out \
         `label_column` and put the label into the third column"
    );
}

#[test]
fn a_first_row_that_is_neither_header_nor_pair_is_one_error() {
    let text = Files::one(HINT_2018.replace("Uniprot", "Partner")).message(&settings());
    assert_eq!(
        text,
        "`a.txt` line 1: cannot tell which of the columns `Partner_A`, `Partner_B`, `Gene_A`, \
         `Gene_B`, `ORF_A`, `ORF_B`, `Alias_A`, `Alias_B`, `pmid:method:quality` name the two \
         proteins: expected the header of HINT (`Uniprot_A`, `Uniprot_B`, ..., \
         `pmid:method:quality`), of MITAB (from BioGRID the download `.mitab.txt`) or of STRING's \
         `protein.links`, a header with `protein_a`, `protein_b` and optionally `label`, or rows of \
         two accessions and an optional label 0 or 1 without header"
    );
    for (row, columns) in [
        ("bait\tprey", "`bait`, `prey`"),
        ("gene_a,gene_b", "`gene_a`, `gene_b`"),
        ("P1\tP2\t0.93", "`P1`, `P2`, `0.93`"),
        ("P1\tP2\t1\t", "`P1`, `P2`, `1`, ``"),
        ("node 1,node 2,label", "`node 1`, `node 2`, `label`"),
    ] {
        let text = Files::one(format!("{row}\nP1\tP2\n")).message(&settings());
        let start = format!("`a.txt` line 1: cannot tell which of the columns {columns} name the");
        assert!(text.starts_with(&start), "{text}");
    }
}

#[test]
fn headers_that_look_like_comments_are_named_where_no_row_is_known() {
    let start = |text: &str| {
        let message = Files::one(text).message(&settings());
        message.split_once(" name the two proteins").unwrap().0.to_owned()
    };
    // The web export of STRING, and the tables of BioGRID.
    let nodes = "#node1\tnode2\tnode1_string_id\nA\tB\t9606.ENSP1\n";
    let tab = "# 2026\n#BioGRID Interaction ID\tGene A\tGene B\n103\t6416\t2318\n";
    let note = "#made by hand,\n103\t6416\t2318\n";
    insta::assert_snapshot!([nodes, tab, note].map(start).join("\n"), @"
    `a.txt` line 1: cannot tell which of the columns `#node1`, `node2`, `node1_string_id`
    `a.txt` line 2: cannot tell which of the columns `#BioGRID Interaction ID`, `Gene A`, `Gene B`
    `a.txt` line 2: cannot tell which of the columns `103`, `6416`, `2318`
    ");
}

#[test]
fn files_without_pairs_are_one_error_each() {
    let empty = "`a.txt` is empty: expected a HINT file, a MITAB file (from BioGRID the download \
        `.mitab.txt`), `protein.links` of STRING or a table of pairs";
    let cases: [(&[u8], &str); 5] = [
        (b"", empty),
        (b" \r\n\n", empty),
        (b"id_a\tid_b\n", "`a.txt` has a header but no pair: add rows or remove the file"),
        (
            b"\n<!DOCTYPE html>\n<p>moved</p>\n",
            "`a.txt` line 2 has one column: expected two or more columns separated by tabs or commas, \
             a HINT file, a MITAB file (from BioGRID the download `.mitab.txt`), `protein.links` of \
             STRING or a table of pairs",
        ),
        (
            b"PK\x03\x04\x00\x00\n",
            "`a.txt` is not a text file: line 1 holds binary data: give plain text, or text packed \
             with gzip",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Files::one(bytes).message(&settings()), expected);
    }
    let empty = Files::new::<&str>(&[]);
    let text = empty.message(&settings());
    assert!(
        text.contains("put the interactions there, a HINT file, a MITAB file")
            && text.ends_with(" or a table of pairs"),
        "{text}"
    );
    let missing = read(&[empty.path().join("x")], &settings()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read `"), "{missing}");
}

#[test]
fn a_quotation_mark_that_is_not_closed_makes_a_row_malformed() {
    let rows = ["P1,\"P2", "\"P1,P3", "\"P1\",\"P4\"\"", "P1,\"P\"\"5\"", "\"P1\",P6", "P1,P\"7"];
    let set = Files::one(format!("id_a,id_b\n{}\n", rows.join("\n"))).set();
    assert_eq!(set.audit.count(Bucket::Malformed), 3);
    let reasons = &set.audit.buckets[Bucket::Malformed as usize].examples;
    assert!(
        reasons.iter().all(|e| e.reason == "a quotation mark that is not closed"),
        "{reasons:?}"
    );
}

/// Such files would lose all pairs but the first without a word.
#[test]
fn lines_that_end_in_carriage_returns_alone_are_one_line() {
    for text in ["\"P1\",\"P2\"\r\"P3\",\"P4\"\r", "P1,\"P2\"\rP3,P4", "P1\tP2\rP3\tP4\r"] {
        let message = Files::one(text).message(&settings());
        assert!(
            message.starts_with("`a.txt` line 1: cannot tell which of the columns"),
            "{message}"
        );
    }
    let set = Files::one("id_a,id_b\nP1,P2\n\"P3\",\"P4\"\r\"P5\",\"P6\"\n").set();
    assert_eq!((set.pairs.len(), set.audit.count(Bucket::Malformed)), (1, 1));
}

#[test]
fn filters_need_a_file_with_what_they_filter_by() {
    let messages = [
        Settings { evidence: Evidence::HighThroughput, ..settings() },
        Settings { min_publications: 2, ..settings() },
        Settings { min_score: Some(0.4.try_into().unwrap()), ..settings() },
        Settings { taxon: Some(9606), ..settings() },
    ]
    .map(|changed| Files::one("P1\tP2\n").message(&changed));
    insta::assert_snapshot!(messages.join("\n"), @"
    `a.txt` has no evidence column `pmid:method:quality` that `evidence` could filter by: leave `evidence` at its default or give a HINT file
    `a.txt` has no column of publications that `min_publications` could filter by: leave `min_publications` at its default or give a HINT or MITAB file
    `a.txt` has no column of scores that `min_score` could filter by: leave `min_score` at its default or give a MITAB file or STRING's links
    `a.txt` has no column of taxa that `taxon` could filter by: leave `taxon` at its default or give a HINT file since 2024, a MITAB file or STRING's links
    ");
}
