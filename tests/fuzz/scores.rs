//! Files of scores for `dyad evaluate`.

use std::fs;
use std::path::Path;

use dyad::evaluation::{self, ScoreColumns};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::driver::{folder, fuzz, refused};
use crate::mutation::{mutated, mutations};

fn check(path: &Path, bytes: &[u8], columns: &ScoreColumns) {
    fs::write(path, bytes).unwrap();
    let (scores, labels) = match evaluation::read_scores(path, columns) {
        Ok(read) => read,
        Err(error) => return refused(&error),
    };
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.split('\n').filter(|line| !line.bytes().all(|c| c.is_ascii_whitespace()));
    assert_eq!((scores.len(), labels.len() + 1), (labels.len(), lines.count()));
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    let metrics = evaluation::metrics(&scores, &labels, 0.5).unwrap();
    assert_eq!(
        (metrics.n, metrics.positives),
        (labels.len(), labels.iter().filter(|l| **l).count())
    );
    // Numbers that are none would be `null`.
    assert!(!serde_json::to_string(&metrics).unwrap().contains("null"));
}

fn columns() -> impl Strategy<Value = ScoreColumns> {
    let name =
        || weighted(0.2, select(vec!["y", "p", "é", ""])).prop_map(|name| name.map(str::to_owned));
    (name(), name()).prop_map(|(label, score)| ScoreColumns { label, score })
}

fn table() -> impl Strategy<Value = String> {
    let header =
        vec(select(vec!["label", "score", "y", "p", "probability", "id", "", "\"label\""]), 1..5);
    let value = prop_oneof![
        4 => (0.0..=1.0).prop_map(|score: f64| score.to_string()),
        4 => select(vec!["0", "1", "1.0", "0.0"]).prop_map(str::to_owned),
        1 => select(vec![
            "NaN", "inf", "1e999", "-0.0", "-1", "1e-400", "+0.5", "", " 1 ", "\"1\"", "\"", "true", "0x1", "0,5",
        ])
        .prop_map(str::to_owned),
    ];
    let row = move |columns: usize| prop_oneof![9 => vec(value.clone(), columns), 1 => vec(value.clone(), 0..6)];
    let delimiter = select(vec!["\t", ",", ";"]);
    let end = select(vec!["\n", "\r\n", "\r", "\n\n"]);
    let table = header.prop_flat_map(move |header| (vec(row(header.len()), 0..10), Just(header)));
    (table, delimiter, end).prop_map(|((rows, header), delimiter, end)| {
        let rows = rows.iter().map(|row| row.join(delimiter) + end);
        header.join(delimiter) + end + &rows.collect::<String>()
    })
}

#[test]
fn built() {
    let folder = folder();
    let path = folder.path().join("scores.csv");
    fuzz("scores, built", (table(), columns()), |(table, columns)| {
        check(&path, table.as_bytes(), &columns);
    });
}

#[test]
fn damaged() {
    let valid = "id\tlabel\tscore\na\t1\t0.75\nb\t0\t0.25\nc\t1\t1e-3\n";
    let folder = folder();
    let path = folder.path().join("scores.csv");
    fuzz("scores, damaged", (mutations(), columns()), |(mutations, columns)| {
        check(&path, &mutated(valid.as_bytes(), &mutations), &columns);
    });
}
