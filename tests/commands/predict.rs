//! `predict` gives every input row its probability, which depends on the two sequences alone.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{rows, table};
use crate::support::{EPOCHS, dyad, small_encoder, succeed, trained};

/// Pairs of the sample in mixed order, with a repeat, its reverse, a self-pair and a gap.
const PAIRS: [[&str; 2]; 7] = [
    ["Z9S004", "Z9S001"],
    ["Z9S000", "Z9S0D5"],
    ["Z9S001", "Z9S004"],
    ["UNKNOWN", "Z9S000"],
    ["Z9S000", "Z9S0D5"],
    ["Z9S002", "Z9S002"],
    ["Z9S003", "Z9S009"],
];

fn write_pairs(path: &Path, pairs: impl IntoIterator<Item = [String; 2]>) {
    let lines: Vec<_> = pairs.into_iter().map(|pair| pair.join("\t")).collect();
    fs::write(path, lines.join("\n")).unwrap();
}

fn owned(pairs: [[&str; 2]; 7]) -> [[String; 2]; 7] {
    pairs.map(|pair| pair.map(str::to_owned))
}

/// The last column.
fn probabilities(printed: &str) -> Vec<String> {
    table(printed).into_iter().map(|mut row| row.pop().unwrap()).collect()
}

#[test]
fn every_row_is_answered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = folder.path().join("pairs.tsv");
    write_pairs(&pairs, owned(PAIRS));
    let (printed, log) = succeed(&mut trained().apply("predict", &pairs));
    assert!(printed.starts_with("protein_a\tprotein_b\tprobability\n"), "{printed}");
    let answered = table(&printed);
    let names: Vec<_> = answered.iter().map(|row| [row[0].as_str(), row[1].as_str()]).collect();
    assert_eq!(names, PAIRS);
    assert!(answered.iter().all(|row| row.len() == 3), "{printed}");
    let scores = probabilities(&printed);
    assert_eq!(scores[3], "NA");
    assert_eq!((&scores[0], &scores[1]), (&scores[2], &scores[4]), "{printed}");
    for score in scores.iter().filter(|score| *score != "NA") {
        let value: f64 = score.parse().unwrap();
        assert!((0.0..=1.0).contains(&value) && score.len() == "0.123456".len(), "{score}");
    }
    assert!(log.contains("1 of 7 pairs have a protein without sequence"), "{log}");

    let out = folder.path().join("made/scores.tsv");
    succeed(trained().apply("predict", &pairs).arg("--out").arg(&out));
    assert_eq!(fs::read_to_string(&out).unwrap(), printed);
}

#[test]
fn swapping_the_columns_changes_no_byte_of_a_probability() {
    let folder = tempfile::tempdir().unwrap();
    let [given, swapped] = ["given.tsv", "swapped.tsv"].map(|name| folder.path().join(name));
    let test = rows(&trained().model.join("test_predictions.tsv"));
    let pairs: Vec<_> = test.iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    write_pairs(&given, pairs.clone());
    write_pairs(&swapped, pairs.into_iter().map(|[one, other]| [other, one]));
    let [given, swapped] =
        [given, swapped].map(|pairs| succeed(&mut trained().apply("predict", &pairs)).0);
    assert_eq!(probabilities(&given), probabilities(&swapped));
    let scores: Vec<_> = test.into_iter().map(|row| row[3].clone()).collect();
    assert_eq!(probabilities(&given), scores, "the probabilities that the training run wrote");
}

/// With a store of its own, so that every embedding is computed under the new names.
#[test]
fn renaming_every_protein_changes_no_probability() {
    let folder = tempfile::tempdir().unwrap();
    let renamed = |name: &str| format!("X{}", name.chars().rev().collect::<String>());
    let wanted = |name: &str| PAIRS.iter().flatten().any(|known| *known == name);
    let mut original = String::new();
    let mut changed = String::new();
    for record in fs::read_to_string(&trained().sequences).unwrap().split('>').skip(1) {
        let (header, residues) = record.split_once('\n').unwrap();
        let name = header.split('|').nth(1).unwrap();
        if wanted(name) {
            write!(original, ">{name}\n{residues}").unwrap();
            changed = format!(">{}\n{residues}{changed}", renamed(name));
        }
    }
    let scores = [("original", original), ("changed", changed)].map(|(name, fasta)| {
        let path = |file: &str| folder.path().join(format!("{name}.{file}"));
        fs::write(path("fasta"), fasta).unwrap();
        let rename =
            |name: String| if path("").ends_with("changed.") { renamed(&name) } else { name };
        write_pairs(&path("tsv"), owned(PAIRS).map(|pair| pair.map(rename)));
        let mut command = dyad();
        command.arg("predict").arg("--model").arg(&trained().model);
        command.arg("--pairs").arg(path("tsv")).arg("--sequences").arg(path("fasta"));
        command.arg("--encoder").arg(small_encoder()).arg("--cache").arg(path("cache"));
        probabilities(&succeed(&mut command).0)
    });
    assert_eq!(scores[0], scores[1]);
    assert!(scores[0].iter().filter(|score| *score != "NA").count() == 6, "{scores:?}");
}

#[test]
fn a_bundled_encoder_needs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = folder.path().join("encoder");
    fs::create_dir(&encoder).unwrap();
    for entry in fs::read_dir(small_encoder()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, encoder.join(path.file_name().unwrap())).unwrap();
    }
    let model = folder.path().join("model");
    succeed(trained().train_with(&model, EPOCHS, &encoder).arg("--bundle-encoder"));
    fs::remove_dir_all(&encoder).unwrap();

    let pairs = folder.path().join("pairs.tsv");
    write_pairs(&pairs, owned(PAIRS));
    let mut bundled = dyad();
    bundled.arg("predict").arg("--model").arg(&model).arg("--pairs").arg(&pairs);
    bundled.arg("--sequences").arg(&trained().sequences);
    bundled.arg("--cache").arg(folder.path().join("cache"));
    let scores = probabilities(&succeed(&mut bundled).0);
    let expected = probabilities(&succeed(&mut trained().apply("predict", &pairs)).0);
    assert_eq!(scores, expected);
}
