//! The same pairs in the formats of other databases are the same run.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::{Root, dyad, small_encoder, succeed, text};

/// Trains for a moment; the account of the pairs, the metrics as they are written, and the log.
fn train(root: &Root, settings: &[&str]) -> (Value, String, String) {
    let mut command = root.by_paths();
    command.args(["--split=pairs", "--epochs=1", "--hidden-sizes=8"]).args(settings);
    let (_, log) = succeed(&mut command);
    let out = root.path().join("out");
    let audit: Value = serde_json::from_slice(&fs::read(out.join("audit.json")).unwrap()).unwrap();
    let metrics = fs::read_to_string(out.join("metrics.json")).unwrap();
    (audit["interactions"].clone(), metrics, log)
}

fn rows(audit: &Value, bucket: &str) -> u64 {
    let buckets = audit["buckets"].as_array().unwrap();
    let counted = buckets.iter().find(|counted| counted["bucket"] == bucket);
    counted.unwrap()["rows"].as_u64().unwrap()
}

/// The made-up pairs, and the file that holds them.
fn pairs(root: &Root) -> Vec<[String; 2]> {
    let table = fs::read_to_string(root.channel("interactions/pairs.tsv")).unwrap();
    let pair = |row: &str| row.split('\t').map(str::to_owned).collect::<Vec<_>>();
    table.lines().skip(1).map(|row| pair(row).try_into().unwrap()).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn replace_pairs(root: &Root, name: &str, content: impl AsRef<[u8]>) {
    fs::remove_dir_all(root.channel("interactions")).unwrap();
    root.write(&format!("interactions/{name}"), content);
}

/// `predict` on the file at `pairs`, with the encoder as it is; the names of the rows.
fn predicted(root: &Root, model: &Path, pairs: &Path) -> Vec<String> {
    let mut command = dyad();
    command.arg("predict").arg("--model").arg(model).arg("--pairs").arg(pairs);
    command.arg("--sequences").arg(root.channel("sequences")).arg("--encoder").arg(small_encoder());
    command.arg("--cache").arg(root.path().join("cache"));
    let (table, _) = succeed(&mut command);
    table.lines().skip(1).map(|row| row.rsplit_once('\t').unwrap().0.to_owned()).collect()
}

#[test]
fn links_of_string_with_strings_sequences() {
    let root = Root::new();
    let of_string = |text: &str| text.replace("P0", "9606.ENSP0");
    let fasta = fs::read_to_string(root.channel("sequences/proteins.fasta")).unwrap();
    root.write("sequences/proteins.fasta", of_string(&fasta));
    let table = fs::read_to_string(root.channel("interactions/pairs.tsv")).unwrap();
    root.write("interactions/pairs.tsv", of_string(&table));
    let pairs = pairs(&root);
    let (table, expected, _) = train(&root, &[]);

    let mut links = String::from("protein1 protein2 combined_score\n");
    for (at, [one, other]) in pairs.iter().enumerate() {
        let score = 700 + at;
        links += &format!("{one} {other} {score}\n{other} {one} {score}\n");
    }
    let name = "9606.protein.physical.links.v12.0.txt.gz";
    replace_pairs(&root, name, gzip(&links));
    let (audit, metrics, log) = train(&root, &[]);
    assert_eq!(metrics, expected);
    assert_eq!(rows(&audit, "used"), rows(&table, "used"));
    assert_eq!(rows(&audit, "duplicate"), rows(&audit, "used"));
    assert!(log.contains("STRING links, from score 0.7 on, "), "{log}");

    let noise = pairs.windows(8).map(|pairs| format!("{} {} 210\n", pairs[0][0], pairs[7][1]));
    replace_pairs(&root, name, gzip(&(links + &noise.collect::<String>())));
    let (audit, _, log) = train(&root, &["--taxon=9606", "--min-score=0.75"]);
    assert_eq!(rows(&audit, "used"), rows(&table, "used") - 50, "{log}");

    // Nobody is asked for names that are none of UniProt's, not even an address that is nobody's.
    let mut command = dyad();
    command.current_dir(root.path()).args(["fetch", "--uniprot-url=http://127.0.0.1:9", "--out"]);
    command.arg("none.fasta").arg("--interactions").arg(root.channel("interactions"));
    let (table, log) = succeed(command.args(["--cache", "cache"]));
    assert_eq!(table, "outcome\taccessions\nnot_uniprot\t40\n");
    assert!(log.contains("UniProt is not asked for 40 names of STRING"), "{log}");
}

#[test]
fn mitab_as_intact_writes_it() {
    let root = Root::new();
    let pairs = pairs(&root);
    let (table, expected, _) = train(&root, &[]);

    let intact = |[one, other]: [&str; 2], expansion: &str, kind: &str| {
        let mut fields = ["-"; 42];
        let (one, other) = (format!("uniprotkb:{one}"), format!("uniprotkb:{other}"));
        (fields[0], fields[1]) = (&one, &other);
        (fields[8], fields[9], fields[10]) = ("pubmed:1", "taxid:9606(human)", "taxid:9606(human)");
        (fields[11], fields[14]) =
            ("psi-mi:\"MI:0915\"(physical association)", "intact-miscore:0.5");
        (fields[15], fields[20], fields[21]) = (expansion, "psi-mi:\"MI:0326\"(protein)", kind);
        fields.join("\t") + "\r\n"
    };
    let protein = "psi-mi:\"MI:0326\"(protein)";
    let rows_of_pairs: String = pairs
        .iter()
        .map(|pair| intact(pair.each_ref().map(String::as_str), "-", protein))
        .collect();
    replace_pairs(&root, "intact.txt", &rows_of_pairs);
    let (audit, metrics, _) = train(&root, &[]);
    assert_eq!(metrics, expected);
    assert_eq!(rows(&audit, "used"), rows(&table, "used"));

    let spoke = intact(["P00001", "P00020"], "psi-mi:\"MI:1060\"(spoke expansion)", protein);
    let nucleic = intact(["P00001", "P00021"], "-", "psi-mi:\"MI:0320\"(ribonucleic acid)");
    replace_pairs(&root, "intact.txt", rows_of_pairs + &spoke + &nucleic);
    let (audit, _, log) = train(&root, &["--taxon=9606", "--min-score=0.5"]);
    let counted = ["used", "filtered", "other_kind"].map(|bucket| rows(&audit, bucket));
    assert_eq!(counted, [rows(&table, "used"), 1, 1], "{log}");

    let listed =
        predicted(&root, &root.path().join("out"), &root.channel("interactions/intact.txt"));
    assert_eq!(listed.len(), pairs.len() + 1, "without the row about a nucleic acid");
    assert_eq!(listed[0], pairs[0].join("\t"));
}

#[test]
fn fetch_asks_for_the_proteins_of_the_pairs_that_training_uses() {
    let root = Root::new();
    let links = "protein1 protein2 combined_score\n9606.E1 9606.E2 900\n9606.E1 9606.E3 100\n\
        9606.E1 10090.E4 900\n9606.E1\n";
    replace_pairs(&root, "links.txt", links);
    let fetch = |settings: &[&str]| {
        let mut command = dyad();
        command.current_dir(root.path()).args(["fetch", "--uniprot-url=http://127.0.0.1:9"]);
        command.args(["--out", "none.fasta", "--cache", "cache"]);
        command.arg("--interactions").arg(root.channel("interactions")).args(settings);
        command
    };
    let output = fetch(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let log = text(&output.stderr);
    assert!(log.contains("1 of 4 rows cannot be used (25.0 %, `max_dropped_fraction`"), "{log}");
    for (settings, names) in [
        (vec![], 3),
        (vec!["--taxon=9606"], 2),
        (vec!["--min-score=0.1"], 4),
        (vec!["--min-score=0.1", "--taxon=9606"], 3),
    ] {
        let (table, log) = succeed(fetch(&settings).arg("--max-dropped-fraction=0.25"));
        assert_eq!(table, format!("outcome\taccessions\nnot_uniprot\t{names}\n"), "{log}");
    }
}

#[test]
fn filters_that_a_file_cannot_serve_are_an_error() {
    let root = Root::new();
    let output = root.by_paths().args(["--split=pairs", "--min-score=0.4"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let log = text(&output.stderr);
    assert!(log.contains("has no column of scores that `min_score` could filter by"), "{log}");
}
