//! Files of scores: a table with a label and a score per row.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use crate::storage::{Lines, TextError};

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
    /// It is not text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It has no content.
    #[error("`{0}` is empty: expected a header with a label and a score column, and rows")]
    Empty(PathBuf),
    /// It has nothing but a header.
    #[error("`{0}` has a header and no row: there is nothing to measure")]
    HeaderOnly(PathBuf),
    /// A row that does not fit the header.
    #[error(
        "line {line} of `{path}` has another number of columns than the header, {found} instead of \
         {expected}: mend or remove it"
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The columns of the row.
        found: usize,
        /// The columns of the header.
        expected: usize,
    },
    /// A column is not there.
    #[error(
        "`{path}` has no {what} column: expected {expected}, found {found}; name yours with \
         `--{what}-column`"
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
    #[error(
        "line {line} of `{path}` has the {what} `{value}`, expected {expected}: mend or \
         remove the row"
    )]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
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
    let (mut lines, _) = Lines::open(path).map_err(TextError::from)?;
    let Some((_, first)) = lines.next_line()? else {
        return Err(ScoreFileError::Empty(path.to_owned()));
    };
    let delimiter = if first.contains('\t') { b'\t' } else { b',' };
    let header = split(&first, delimiter);
    let label = find(path, &header, "label", columns.label.as_deref(), &LABELS)?;
    let score = find(path, &header, "score", columns.score.as_deref(), &SCORES)?;
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    while let Some((line, row)) = lines.next_line()? {
        let row = split(&row, delimiter);
        if row.len() != header.len() {
            let (path, found, expected) = (path.to_owned(), row.len(), header.len());
            return Err(ScoreFileError::Columns { path, line, found, expected });
        }
        let value = |column: usize| row.get(column).unwrap_or_default().trim();
        let wrong = |what, column, expected| ScoreFileError::Value {
            path: path.to_owned(),
            line,
            what,
            value: value(column).chars().take(80).collect(),
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
    match scores.is_empty() {
        true => Err(ScoreFileError::HeaderOnly(path.to_owned())),
        false => Ok((scores, labels)),
    }
}

/// The fields of one line, which may be quoted.
fn split(line: &str, delimiter: u8) -> StringRecord {
    if !line.contains('"') {
        return line.split(char::from(delimiter)).collect();
    }
    // A row is a line: a carriage return in it ends nothing, or the rest would be lost.
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(line.as_bytes());
    reader.records().next().and_then(Result::ok).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::write_atomic;

    /// Such files would lose all rows but the first without a word.
    #[test]
    fn lines_that_end_in_carriage_returns_alone_are_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.csv");
        write_atomic(&path, b"label,score\n\"1\",\"0.5\"\r\"0\",\"0.25\"\n").unwrap();
        let error = read_scores(&path, &ScoreColumns::default()).unwrap_err();
        assert!(matches!(error, ScoreFileError::Columns { line: 2, found: 3, .. }), "{error}");
    }
}
