//! Known counts of real files. The twins on generated data are the other tests of this module and
//! [`generated_files_of_real_size_keep_their_counts`].

use super::*;
use crate::sequences;

/// The folder with the real data, or `None` and a line that says so.
fn data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var("DYAD_TEST_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let folder = Path::new(&folder).join("data");
    if !folder.is_dir() {
        println!("skipped: {test}: no test data at {}", folder.display());
        return None;
    }
    Some(folder)
}

fn resolve(folder: &Path, files: [&str; 2], settings: &Settings) -> Result<InteractionSet, Error> {
    let sequences = sequences::read(&[folder.join(files[1])]).unwrap();
    let interactions = read(&[folder.join(files[0])], settings)?;
    interactions.resolve(|accession| sequences.get(accession).is_some(), settings)
}

fn proteins(audit: &Audit) -> [usize; 2] {
    [audit.proteins, audit.proteins_without_sequence]
}

const SMALL: [&str; 2] = [
    "hint_small/SaccharomycesCerevisiaeS288C_binary_hq.subset.txt",
    "hint_small/yeast_uniprot.subset.fasta",
];

#[test]
fn hint_small() {
    let Some(data) = data("hint_small") else { return };
    let exclude = Settings { max_dropped_fraction: 0.1, ..settings() };
    let set = resolve(&data, SMALL, &exclude).unwrap();
    assert_eq!((set.audit.rows, counts(&set.audit)), (2866, [0, 0, 0, 218, 0, 17, 2631]));
    assert_eq!((proteins(&set.audit), set.pairs.len()), ([613, 10], 2631));
    assert_eq!(set.audit.files[0].format, Format::Hint2018);

    let include = Settings { self_pairs: SelfPairs::Include, ..exclude.clone() };
    let set = resolve(&data, SMALL, &include).unwrap();
    assert_eq!(counts(&set.audit), [0, 0, 0, 0, 0, 21, 2845]);

    let two = Settings { min_publications: 2, ..exclude };
    let set = resolve(&data, SMALL, &two).unwrap();
    assert_eq!((set.pairs.len(), set.audit.count(Bucket::Filtered)), (650, 1996));
}

#[test]
fn hint_medium() {
    let Some(data) = data("hint_medium") else { return };
    let files = [
        "hint_medium/SaccharomycesCerevisiaeS288C_binary_hq.txt",
        "hint_medium/yeast_uniprot.fasta",
    ];
    let set = resolve(&data, files, &settings()).unwrap();
    assert_eq!((set.audit.rows, counts(&set.audit)), (23_202, [0, 0, 0, 1138, 0, 38, 22_026]));
    assert_eq!(proteins(&set.audit), [5313, 15]);

    let subset = Settings { max_proteins: Some(300), max_pairs: Some(1000), ..settings() };
    let set = resolve(&data, files, &subset).unwrap();
    assert!((300..=1000).contains(&set.pairs.len()), "{}", set.audit);
    assert_eq!(set.audit.count(Bucket::Filtered) + set.pairs.len(), 22_026);
}

#[test]
fn hint_human() {
    let Some(data) = data("hint_human") else { return };
    let files = [
        "hint_human_2025_head99/HomoSapiens_binary_hq.head99.txt",
        "hint_human_2025_head99/human_uniprot.fasta",
    ];
    let set = resolve(&data, files, &settings()).unwrap();
    assert_eq!((set.audit.rows, counts(&set.audit)), (99, [0, 0, 0, 0, 0, 93, 6]));
    // 17 without sequence of their own, of which 8 fall back to their parent.
    assert_eq!(proteins(&set.audit), [100, 9]);
    assert_eq!(set.audit.files[0].format, Format::Hint2024);
    let sequences = sequences::read(&[data.join(files[1])]).unwrap();
    let interactions = read(&[data.join(files[0])], &settings()).unwrap();
    assert_eq!(sequences.isoform_fallbacks(interactions.accessions()), 8);

    let strict = Settings { max_dropped_fraction: 0.1, ..settings() };
    let error = resolve(&data, files, &strict).unwrap_err();
    assert_eq!(error.audit().unwrap().count(Bucket::WithoutSequence), 93);
}

#[test]
fn bernett_gold() {
    let Some(data) = data("bernett_gold") else { return };
    for (name, rows, count) in [
        ("Intra1_train", 163_192, 4286),
        ("Intra0_val", 59_260, 3711),
        ("Intra2_test", 52_048, 3022),
    ] {
        let files = [format!("bernett_gold/{name}.tsv"), format!("bernett_gold/{name}.fasta")];
        let set = resolve(&data, [&files[0], &files[1]], &settings()).unwrap();
        assert_eq!((set.audit.rows, counts(&set.audit)), (rows, [0, 0, 0, 0, 0, 0, rows]));
        assert_eq!((set.audit.used_positives, set.has_negatives), (rows / 2, true));
        assert_eq!(proteins(&set.audit), [count, 0]);
    }
}

#[test]
fn yeast_du() {
    let Some(data) = data("yeast_du") else { return };
    let files = ["yeast_du/SupplementaryS1.csv", "yeast_du/yeast_uniprot.fasta"];
    let set = resolve(&data, files, &settings()).unwrap();
    // 77 conflicting pairs hold 160 rows, 6 of the 2,635 repeats among them.
    assert_eq!((set.audit.rows, set.audit.conflicting_pairs), (65_851, 77));
    assert_eq!(counts(&set.audit), [0, 160, 2629, 318, 0, 0, 62_744]);
    assert_eq!((set.audit.used_positives, set.audit.used_negatives), (16_861, 45_883));
    assert_eq!(proteins(&set.audit), [4424, 0]);
}

#[test]
fn generated_files_of_real_size_keep_their_counts() {
    // A ring with chords: 2 x 1,000 pairs, then 30 repeats, 20 self-pairs, 10 without sequence and
    // 5 pairs with both labels; CRLF, no final newline.
    let mut rows: Vec<String> = Vec::new();
    let mut row = |a: String, b: String, label: u8| rows.push(format!("{a}\t{b}\t{label}"));
    let id = |i: usize| format!("P{:05}", i % 1000);
    (0..1000).for_each(|i| row(id(i), id(i + 1), 1));
    (0..1000).for_each(|i| row(id(i), id(i + 77), 0));
    (0..30).for_each(|i| row(id(i + 1), id(i), 1));
    (0..20).for_each(|i| row(id(i), id(i), 1));
    (0..10).for_each(|i| row(id(i), format!("N{i:05}"), 1));
    (100..105).for_each(|i| row(id(i), id(i + 77), 1));
    let set = Files::one(rows.join("\r\n")).set();
    assert_eq!(counts(&set.audit), [0, 10, 30, 20, 0, 10, 1995]);
    assert_eq!((set.audit.rows, set.audit.conflicting_pairs), (2065, 5));
    assert_eq!((set.audit.used_positives, set.audit.used_negatives), (1000, 995));
    assert_eq!(proteins(&set.audit), [1010, 10]);
}
