//! The links of STRING.

use super::*;

const LINKS: &str = "protein1 protein2 combined_score\n\
    9606.ENSP01 9606.ENSP02 700\n\
    9606.ENSP02 9606.ENSP01 700\n\
    9606.ENSP01 9606.ENSP03 699\n\
    9606.ENSP03 9606.ENSP01 699\n\
    9606.ENSP01 9606.ENSP04 1001\n\
    9606.ENSP01 10090.ENSM01 900\n\
    9606.ENSP05 9606.ENSP06 999\n";

/// Files with a sequence for all proteins but the last.
fn resolve(files: &Files, settings: &Settings) -> Result<InteractionSet, Error> {
    files.read(settings)?.resolve(|name| name.as_str() != "9606.ENSP06", settings)
}

#[test]
fn links_need_high_confidence_unless_another_score_is_given() {
    let files = Files::one(LINKS);
    let set = resolve(&files, &settings()).unwrap();
    assert_eq!(pairs(&set), ["9606.ENSP01 9606.ENSP02 1", "10090.ENSM01 9606.ENSP01 1"]);
    let left_out: Vec<_> = set.left_out.iter().map(|pair| pair.second().as_str()).collect();
    assert_eq!(left_out, ["9606.ENSP03"]);
    insta::assert_snapshot!(set.audit.to_string(), @"
    rows                   count    share  first example
    malformed                  1   14.3 %  `a.txt` line 6: `9606.ENSP01 9606.ENSP04 1001`: score `1001` is no integer from 0 to 1000
    other kind                 0    0.0 %
    conflicting label          0    0.0 %
    duplicate                  2   28.6 %  `a.txt` line 3: `9606.ENSP02 9606.ENSP01`: same pair as line 2 of `a.txt`
    self-pair                  0    0.0 %
    filtered                   1   14.3 %  `a.txt` line 4: `9606.ENSP01 9606.ENSP03`: score 0.699, `min_score`: 0.7
    without sequence           1   14.3 %  `a.txt` line 8: `9606.ENSP05 9606.ENSP06`: no sequence for `9606.ENSP06`
    used                       2   28.6 %
    total                      7
    proteins: 6, without sequence: 1
    used pairs: 2 positive, 0 negative
    file `a.txt`: STRING links, from score 0.7 on, 7 rows, sha256 99d4be650331
    ");

    let least = |score: f64| Settings { min_score: Some(score.try_into().unwrap()), ..settings() };
    let set = resolve(&files, &least(0.699)).unwrap();
    assert_eq!(pairs(&set)[1], "9606.ENSP01 9606.ENSP03 1");
    let set = resolve(&files, &settings().without_filters()).unwrap();
    assert_eq!((set.pairs.len(), set.audit.files[0].min_score), (3, None));
    let taxon = Settings { taxon: Some(9606), ..settings() };
    assert_eq!(pairs(&resolve(&files, &taxon).unwrap()), ["9606.ENSP01 9606.ENSP02 1"]);
}

#[test]
fn all_headers_of_links_are_read_by_name() {
    let functional =
        "neighborhood fusion cooccurence coexpression experimental database textmining";
    let full = "neighborhood neighborhood_transferred fusion cooccurence homology coexpression \
        coexpression_transferred experiments experiments_transferred database database_transferred \
        textmining textmining_transferred";
    let physical = "experimental database textmining";
    let physical_full = "homology experiments experiments_transferred database database_transferred \
        textmining textmining_transferred";
    for (channels, format) in [
        ("", Format::String),
        (physical, Format::String),
        (physical_full, Format::String),
        (functional, Format::StringFunctional),
        (full, Format::StringFunctional),
    ] {
        let zeros = |channels: &str| channels.split_whitespace().map(|_| "0 ").collect::<String>();
        let space = if channels.is_empty() { "" } else { " " };
        let text = format!(
            "protein1 protein2 {channels}{space}combined_score\r\n\
             4932.Q0010 4932.YAL001C {zeros}800\r\n4932.YAL001C 4932.Q0010 {zeros}800 \r\n",
            zeros = zeros(channels)
        );
        for text in [text.clone(), text.replace(' ', "\t"), text.replace(' ', ",")] {
            let set = Files::one(&text).set();
            assert_eq!(set.audit.files[0].format, format, "{text}");
            assert_eq!(pairs(&set), ["4932.Q0010 4932.YAL001C 1"], "{text}");
            assert_eq!(counts(&set.audit), [0, 0, 1, 0, 0, 0, 1], "{text}");
        }
    }
}

#[test]
fn a_row_without_score_beside_it_is_enough() {
    let files = Files::new(&[
        ("links.txt", "protein1 protein2 combined_score\nP00001 P00002 150\nP00003 P00004 150\n"),
        ("pairs.txt", "P00002\tP00001\n"),
    ]);
    assert_eq!(pairs(&files.set()), ["P00001 P00002 1"]);
}

#[test]
fn names_of_string_ask_for_its_sequences() {
    let files = Files::one(LINKS);
    let none = files.read(&settings()).unwrap().resolve(|_| false, &settings()).unwrap_err();
    insta::assert_snapshot!(none, @"none of the 7 rows can be used: 1 malformed, 2 duplicate, 1 filtered, 3 without sequence; give the sequences that STRING publishes beside its links (`TAXON.protein.sequences.VERSION.fa.gz`), for UniProt does not know STRING's names");
}

#[test]
fn filters_that_leave_nothing_are_named() {
    let publications = Files::one(LINKS).message(&Settings { min_publications: 2, ..settings() });
    assert!(publications.contains("no column of publications"), "{publications}");
    let other = Files::one(LINKS).message(&Settings { taxon: Some(1), ..settings() });
    insta::assert_snapshot!(other, @"none of the 7 rows can be used: 1 malformed, 6 filtered; loosen the filters (`min_publications`, `evidence`, `min_score`, `taxon`, `expanded_complexes`), or raise `max_proteins` and `max_pairs`");
}

#[test]
fn hint_has_taxa_since_2024() {
    let hint = "Uniprot_A\tUniprot_B\tpmid:method:quality\ttaxid\n\
        P1\tP2\t1:0018:HT\t9606\nP3\tP4\t1:0018:HT\t4932\nP5\tP6\t1:0018:HT\n\
        P7\tP8\t1:0018:HT\t9606|10090\nP7\tP9\t1:0018:HT\t\nP8\tP9\t1:0018:HT\t9606|9606\n";
    let files = Files::one(hint);
    let taxon = Settings { taxon: Some(9606), ..settings() };
    assert_eq!(pairs(&files.resolve(&taxon).unwrap()), ["P1 P2 1", "P8 P9 1"]);
    // Who does not ask for it does not need the column.
    assert_eq!(files.set().pairs.len(), 6);
}

#[test]
fn labels_say_what_a_score_would() {
    let files = Files::one(
        "protein1,protein2,combined_score,label\n\
         P1,P2,900,1\nP1,P3,150,1\nP2,P4,100,0\nP3,P4,800,0\n",
    );
    let all = ["P1 P2 1", "P1 P3 1", "P2 P4 0", "P3 P4 0"];
    assert_eq!(pairs(&files.set()), all);
    assert_eq!(files.set().audit.files[0].min_score, None);
    let asked = Settings { min_score: Some(0.7.try_into().unwrap()), ..settings() };
    assert_eq!(pairs(&files.resolve(&asked).unwrap()), [all[0], all[2], all[3]]);
}
