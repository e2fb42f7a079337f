//! Files of scores: a table with a label and a score per row.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use crate::storage::{StorageError, open_text};

/// Names of the label and the score column; `None` looks for the known ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScoreColumns {
    /// The column with 0 and 1; else `label`, `interaction`, `y` or `class`.
    pub label: Option<String>,
    /// The column with probabilities; else `score`, `probability` or `prediction`.
    pub score: Option<String>,
}

const LABELS: [&str; 4] = ["label", "interaction", "y", "class"];
const SCORES: [&str; 3] = ["score", "probability", "prediction"];

/// A file of scores that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScoreFileError {
    /// It could not be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is not a table.
    #[error("`{path}` is not a table: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// A column is not there.
    #[error(
        "`{path}` has no {what} column: expected {expected}, found the columns {found}; name it \
         with `--{what}-column`"
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// Which column.
        what: &'static str,
        /// The names looked for.
        expected: String,
        /// The names in the header.
        found: String,
    },
    /// A cell is not what it should be.
    #[error("line {line} of `{path}` has the {what} `{value}`, expected {expected}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// Which column.
        what: &'static str,
        /// The cell.
        value: String,
        /// What is accepted.
        expected: &'static str,
    },
}

/// The scores and labels of a table separated by tabs or commas, with a header.
pub fn read_scores(
    path: &Path,
    columns: &ScoreColumns,
) -> Result<(Vec<f64>, Vec<bool>), ScoreFileError> {
    let (mut content, _) = open_text(path)?;
    let table = |source| ScoreFileError::Table { path: path.to_owned(), source };
    let first = content.fill_buf().map_err(|error| table(error.into()))?;
    let header = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if header.contains(&b'\t') { b'\t' } else { b',' };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(content);
    let header = reader.headers().map_err(table)?.clone();
    let label = find(path, &header, "label", columns.label.as_deref(), &LABELS)?;
    let score = find(path, &header, "score", columns.score.as_deref(), &SCORES)?;
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(table)?;
        let value = |column: usize| record.get(column).unwrap_or_default().trim();
        let wrong = |what, column, expected| ScoreFileError::Value {
            path: path.to_owned(),
            line: record.position().map_or(0, csv::Position::line),
            what,
            value: value(column).to_owned(),
            expected,
        };
        labels.push(match value(label) {
            "1" | "1.0" => true,
            "0" | "0.0" => false,
            _ => return Err(wrong("label", label, "0 or 1")),
        });
        let probability = value(score).parse().ok().filter(|score| (0.0..=1.0).contains(score));
        let expected = "a probability from 0 to 1";
        scores.push(probability.ok_or_else(|| wrong("score", score, expected))?);
    }
    Ok((scores, labels))
}

fn find(
    path: &Path,
    header: &StringRecord,
    what: &'static str,
    named: Option<&str>,
    known: &[&str],
) -> Result<usize, ScoreFileError> {
    let position = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
    let listed = |names: &[&str]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let wanted = named.map_or_else(|| known.to_vec(), |name| vec![name]);
    wanted.iter().find_map(|name| position(name)).ok_or_else(|| ScoreFileError::Column {
        path: path.to_owned(),
        what,
        expected: listed(&wanted),
        found: listed(&header.iter().collect::<Vec<_>>()),
    })
}
