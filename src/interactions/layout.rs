//! What the first row of a file says about all others: delimiter, header, columns.

use std::borrow::Cow;
use std::path::Path;

use super::columns::{TableColumns, label, pair};
use super::format::{Format, HINT_EVIDENCE, HINT_TAXON, STRING_SCORE};
use super::intern::Interner;
use super::mitab::Mitab;
use super::statement::{Malformed, Statement, Unread};
use super::{Columns, Error, Settings};

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

/// How the rows of a file are read.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// Whether the first row names the columns, and is no data.
    pub(super) has_header: bool,
    pub(super) content: Content,
    delimiter: char,
    quoted: bool,
}

/// What the columns hold.
#[derive(Debug)]
pub(super) enum Content {
    /// One value each.
    Table(TableColumns),
    /// References to databases, as MITAB defines them.
    Mitab(Mitab),
}

impl Layout {
    /// Recognises the columns by the first row of a file.
    pub(super) fn detect(
        path: &Path,
        line: usize,
        row: &str,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let delimiter = ['\t', ','].into_iter().find(|c| row.contains(*c));
        let Some(delimiter) = delimiter.or_else(|| heads_links(row).then_some(' ')) else {
            return Err(Error::OneColumn { path: path.to_owned(), line });
        };
        // HINT's tables are not quoted, and its aliases may hold quotation marks.
        let quoted = delimiter == ',' || row.starts_with('"');
        let fields = split(row, delimiter, quoted);
        let columns = || Columns(fields.iter().map(|field| field.trim().to_owned()).collect());
        let no_label = |column: &String| Error::LabelColumn {
            path: path.to_owned(),
            column: column.clone(),
            columns: columns(),
        };
        let no_header =
            |column: &String| Error::NoHeader { path: path.to_owned(), column: column.clone() };

        let names: Vec<String> = fields.iter().map(|field| simple(field)).collect();
        let layout =
            |format, has_header, content| Self { format, has_header, content, delimiter, quoted };
        let first_name = names.first().map_or("", String::as_str);
        if let Some((mitab, has_header)) = Mitab::recognise(&fields, first_name) {
            return match &settings.label_column {
                Some(column) if has_header => Err(no_label(column)),
                Some(column) => Err(no_header(column)),
                None => Ok(layout(mitab.format, has_header, Content::Mitab(mitab))),
            };
        }
        if let Some(identifiers) = identifier_columns(&names) {
            let label = match &settings.label_column {
                None => LABELS.iter().find_map(|label| find(&names, label)),
                Some(column) => {
                    let same = |field: &Cow<str>| field.trim().eq_ignore_ascii_case(column.trim());
                    let found = fields.iter().position(same);
                    Some(found.ok_or_else(|| no_label(column))?)
                }
            };
            let format = Format::of_header(&names);
            let evidence = names.iter().position(|name| name.starts_with(HINT_EVIDENCE));
            let table = TableColumns {
                identifiers,
                label,
                evidence,
                taxon: evidence.and_then(|_| find(&names, HINT_TAXON)),
                score: format.is_string().then(|| find(&names, STRING_SCORE)).flatten(),
                count: fields.len(),
            };
            return Ok(layout(format, true, Content::Table(table)));
        }
        if !is_data(&fields, &names) {
            return Err(Error::Header { path: path.to_owned(), line, columns: columns() });
        }
        if let Some(column) = &settings.label_column {
            return Err(no_header(column));
        }
        let table = TableColumns {
            identifiers: [0, 1],
            label: (fields.len() == 3).then_some(2),
            evidence: None,
            taxon: None,
            score: None,
            count: fields.len(),
        };
        Ok(layout(Format::HeaderlessTable, false, Content::Table(table)))
    }

    /// Whether a row below the first is none: comments, and the headers of files that were joined.
    pub(super) fn is_comment(&self, row: &str) -> bool {
        matches!(self.content, Content::Mitab(_)) && row.starts_with('#')
    }

    /// What a row says.
    pub(super) fn parse(
        &self,
        row: &str,
        settings: &Settings,
        publications: &mut Interner<String>,
    ) -> Result<Statement, Unread> {
        let fields = self.split(row)?;
        match &self.content {
            Content::Table(table) => Ok(table.parse(&fields, settings, publications)?),
            Content::Mitab(mitab) => mitab.parse(&fields, settings, publications),
        }
    }

    /// The fields of a row, untrimmed.
    fn split<'r>(&self, row: &'r str) -> Result<Vec<Cow<'r, str>>, Malformed> {
        match self.quoted && ends_in_quotes(row, self.delimiter) {
            true => Err(Malformed::Quote),
            false => Ok(split(row, self.delimiter, self.quoted)),
        }
    }
}

/// The letters and digits of a column name in lower case: `Protein A` and `protein_a` are the same.
fn simple(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a row without tabs and commas is the header of STRING's links.
fn heads_links(row: &str) -> bool {
    let names: Vec<String> = row.split(' ').map(simple).collect();
    Format::of_header(&names).is_string()
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
