//! What the first row of a file says about all others: delimiter, header, columns.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::table::{Malformed, label, pair};
use super::{Columns, Error, Settings};

/// How the columns of a file were recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// HINT as released from 2018 to about 2023: nine columns with ORFs and aliases.
    Hint2018,
    /// HINT as released since 2024: nine columns with taxon, quality and structures.
    Hint2024,
    /// HINT as its web page exports it: five columns.
    HintWeb,
    /// HINT as released before 2018: seven columns.
    HintOlder,
    /// HINT's identifiers and evidence among other columns.
    HintOther,
    /// A table with a header.
    Table,
    /// Two accessions, or two and a label, without header.
    HeaderlessTable,
}

/// The known headers of HINT. Two of them have nine columns with different meaning, which is why
/// columns are found by name.
const HINT_HEADERS: [(Format, &[&str]); 4] = [
    (
        Format::Hint2018,
        &[
            "uniprota",
            "uniprotb",
            "genea",
            "geneb",
            "orfa",
            "orfb",
            "aliasa",
            "aliasb",
            HINT_EVIDENCE,
        ],
    ),
    (
        Format::Hint2024,
        &[
            "uniprota",
            "uniprotb",
            "genea",
            "geneb",
            "pmidmethodqualitytype",
            "taxid",
            "highquality",
            "inpdbsource",
            "pdbids",
        ],
    ),
    (Format::HintWeb, &["uniprota", "uniprotb", "genea", "geneb", HINT_EVIDENCE]),
    (Format::HintOlder, &["uniprota", "uniprotb", "alta", "altb", "genea", "geneb", HINT_EVIDENCE]),
];

/// How the name of HINT's evidence column starts, by letters and digits alone.
const HINT_EVIDENCE: &str = "pmidmethodquality";

/// Names of identifier columns without the side, best first.
const IDENTIFIERS: [&str; 10] = [
    "uniprot",
    "uniprotid",
    "uniprotac",
    "uniprotkb",
    "protein",
    "proteinid",
    "accession",
    "interactor",
    "id",
    "prot",
];

/// How names of identifier columns tell the sides apart.
const SIDES: [[&str; 2]; 2] = [["a", "b"], ["1", "2"]];

/// Names of label columns, best first.
const LABELS: [&str; 4] = ["label", "interaction", "y", "class"];

/// Names that head columns but would also pass for identifiers.
const OTHER_HEADERS: [&str; 18] = [
    "gene", "geneid", "genename", "symbol", "orf", "alias", "alt", "name", "acc", "source",
    "target", "bait", "prey", "node", "partner", "from", "to", "entry",
];

/// Where the columns of a file are.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) identifiers: [usize; 2],
    pub(super) label: Option<usize>,
    pub(super) evidence: Option<usize>,
    /// How many columns a row may fill.
    pub(super) columns: usize,
    delimiter: char,
    quoted: bool,
}

impl Layout {
    /// Recognises the columns by the first row of a file.
    pub(super) fn detect(
        path: &Path,
        line: usize,
        row: &str,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let Some(delimiter) = ['\t', ','].into_iter().find(|c| row.contains(*c)) else {
            return Err(Error::OneColumn { path: path.to_owned(), line });
        };
        // HINT's tables are not quoted, and its aliases may hold quotation marks.
        let quoted = delimiter == ',' || row.starts_with('"');
        let fields = split(row, delimiter, quoted);
        let columns = || Columns(fields.iter().map(|field| field.trim().to_owned()).collect());

        let names: Vec<String> = fields.iter().map(|field| simple(field)).collect();
        let layout = |format, identifiers, label, evidence| Self {
            format,
            identifiers,
            label,
            evidence,
            columns: fields.len(),
            delimiter,
            quoted,
        };
        if let Some(identifiers) = identifier_columns(&names) {
            let label = match &settings.label_column {
                None => LABELS.iter().find_map(|label| find(&names, label)),
                Some(column) => {
                    let same = |field: &Cow<str>| field.trim().eq_ignore_ascii_case(column.trim());
                    let found = fields.iter().position(same);
                    Some(found.ok_or_else(|| Error::LabelColumn {
                        path: path.to_owned(),
                        column: column.clone(),
                        columns: columns(),
                    })?)
                }
            };
            let evidence = names.iter().position(|name| name.starts_with(HINT_EVIDENCE));
            return Ok(layout(header_format(&names, evidence), identifiers, label, evidence));
        }
        if !is_data(&fields, &names) {
            return Err(Error::Header { path: path.to_owned(), line, columns: columns() });
        }
        if let Some(column) = &settings.label_column {
            return Err(Error::NoHeader { path: path.to_owned(), column: column.clone() });
        }
        let label = (fields.len() == 3).then_some(2);
        Ok(layout(Format::HeaderlessTable, [0, 1], label, None))
    }

    /// The fields of a row, untrimmed.
    pub(super) fn split<'r>(&self, row: &'r str) -> Result<Vec<Cow<'r, str>>, Malformed> {
        match self.quoted && ends_in_quotes(row, self.delimiter) {
            true => Err(Malformed::Quote),
            false => Ok(split(row, self.delimiter, self.quoted)),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hint2018 => "HINT of 2018 to 2023",
            Self::Hint2024 => "HINT since 2024",
            Self::HintWeb => "HINT web export",
            Self::HintOlder => "HINT before 2018",
            Self::HintOther => "HINT with other columns",
            Self::Table => "table with header",
            Self::HeaderlessTable => "table without header",
        })
    }
}

/// The letters and digits of a column name in lower case: `Protein A` and `protein_a` are the same.
fn simple(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

fn find(names: &[String], wanted: &str) -> Option<usize> {
    names.iter().position(|name| name == wanted)
}

fn identifier_columns(names: &[String]) -> Option<[usize; 2]> {
    let sides = |stem: &str| {
        SIDES.iter().find_map(|[one, other]| {
            Some([find(names, &format!("{stem}{one}"))?, find(names, &format!("{stem}{other}"))?])
        })
    };
    IDENTIFIERS.iter().find_map(|stem| sides(stem))
}

fn header_format(names: &[String], evidence: Option<usize>) -> Format {
    if evidence.is_none() || find(names, "uniprota").is_none() {
        return Format::Table;
    }
    let known = HINT_HEADERS.iter().find(|(_, header)| names == *header);
    known.map_or(Format::HintOther, |(format, _)| *format)
}

/// Whether the first row is already a pair: two identifiers that are no column names and, in a
/// third column, a label.
fn is_data(fields: &[Cow<str>], names: &[String]) -> bool {
    let heads = |name: &String| {
        let stem = name.strip_suffix(['a', 'b', '1', '2']).unwrap_or(name);
        let known = |word| OTHER_HEADERS.contains(&word) || IDENTIFIERS.contains(&word);
        known(name.as_str()) || known(stem)
    };
    match fields {
        [_, _] => pair(fields, [0, 1]).is_ok() && !names.iter().all(heads),
        [_, _, third] => pair(fields, [0, 1]).is_ok() && label(third).is_ok(),
        _ => false,
    }
}

/// Whether a field of the row begins with a quotation mark and does not end: then it goes on in the
/// next line, or the mark is none.
fn ends_in_quotes(row: &str, delimiter: char) -> bool {
    enum At {
        Start,
        Plain,
        Quoted,
        /// After a mark that closes, unless another follows.
        Closed,
    }
    let end = row.chars().fold(At::Start, |at, c| match (at, c) {
        (At::Quoted, '"') => At::Closed,
        (At::Start | At::Closed, '"') | (At::Quoted, _) => At::Quoted,
        (_, c) if c == delimiter => At::Start,
        _ => At::Plain,
    });
    matches!(end, At::Quoted)
}

fn split(row: &str, delimiter: char, quoted: bool) -> Vec<Cow<'_, str>> {
    if !quoted || !row.contains('"') {
        return row.split(delimiter).map(Cow::Borrowed).collect();
    }
    // A row is a line: a carriage return in it ends nothing, or the rest would be lost.
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter as u8)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(row.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(|field| Cow::Owned(field.to_owned())).collect()
}
