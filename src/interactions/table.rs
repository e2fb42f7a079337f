//! The rows of one file: what each says, or why it says nothing.

use std::borrow::Cow;
use std::path::Path;

use super::audit::{Bucket, BucketCount, Example, FileAudit, excerpt};
use super::evidence::{EvidenceError, Support};
use super::intern::Interner;
use super::layout::{Format, Layout};
use super::{Error, Evidence, Settings};
use crate::protein::{Accession, AccessionError};
use crate::storage::{Lines, SourceFile, TextError};

/// A row that names two proteins.
#[derive(Debug)]
pub(super) struct Pair {
    /// The number of the file.
    pub(super) file: usize,
    /// The line in it, counted from 1.
    pub(super) line: usize,
    /// Numbers of the proteins, in the order of the row.
    pub(super) proteins: [usize; 2],
    /// The label, in files that have labels.
    pub(super) label: Option<bool>,
    /// The evidence, in files that have evidence.
    pub(super) support: Option<Support>,
}

/// The rows of all files read so far.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) files: Vec<FileAudit>,
    pub(super) malformed: BucketCount,
    pub(super) pairs: Vec<Pair>,
    pub(super) proteins: Interner<Accession>,
    pub(super) publications: Interner<String>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            malformed: BucketCount::empty(Bucket::Malformed),
            pairs: Vec::new(),
            proteins: Interner::default(),
            publications: Interner::default(),
        }
    }
}

/// Why a row is no pair.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// The row is too short.
    #[error("no column {0}")]
    Missing(usize),
    /// The row is too long, and not only by empty fields.
    #[error("{found} columns where the first row has {expected}")]
    Columns { found: usize, expected: usize },
    /// A field that does not end in this line.
    #[error("a quotation mark that is not closed")]
    Quote,
    /// An identifier is none.
    #[error("{source} in column {column}")]
    Identifier { column: usize, source: AccessionError },
    /// A label is neither 0 nor 1.
    #[error("label `{0}` is neither 0 nor 1")]
    Label(String),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

impl Tables {
    /// Adds all rows of a file.
    pub(super) fn read(&mut self, path: &Path, settings: &Settings) -> Result<(), Error> {
        let (mut lines, source) = Lines::open(path).map_err(TextError::from)?;
        let Some((line, first)) = lines.next_line()? else {
            return Err(Error::Empty { path: path.to_owned() });
        };
        let layout = Layout::detect(path, line, &first, settings)?;
        check_filters(path, &layout, settings)?;
        let SourceFile { name, bytes, sha256 } = source;
        let format = layout.format;
        self.files.push(FileAudit { name, bytes, sha256, format, rows: 0 });

        if format == Format::HeaderlessTable {
            self.add(&layout, line, &first);
        }
        while let Some((line, row)) = lines.next_line()? {
            self.add(&layout, line, &row);
        }
        match self.files.last() {
            Some(file) if file.rows == 0 => Err(Error::HeaderOnly { path: path.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Adds a row of the file that was opened last.
    fn add(&mut self, layout: &Layout, line: usize, row: &str) {
        let number = self.files.len() - 1;
        let file = &mut self.files[number];
        file.rows += 1;
        let publications = &mut self.publications;
        let fields = layout.split(row);
        match fields.and_then(|fields| parse(layout, &fields, publications)) {
            Ok((proteins, label, support)) => {
                let proteins = proteins.map(|protein| self.proteins.intern(&protein));
                self.pairs.push(Pair { file: number, line, proteins, label, support });
            }
            Err(reason) => self.malformed.add(|| Example {
                file: file.name.clone(),
                line,
                excerpt: excerpt(row),
                reason: reason.to_string(),
            }),
        }
    }
}

/// The two identifiers in the given columns.
pub(super) fn pair(fields: &[Cow<str>], columns: [usize; 2]) -> Result<[Accession; 2], Malformed> {
    let identifier = |column: usize| {
        let parsed = field(fields, column)?.parse();
        parsed.map_err(|source| Malformed::Identifier { column: column + 1, source })
    };
    Ok([identifier(columns[0])?, identifier(columns[1])?])
}

/// Whether a label says that the pair interacts.
pub(super) fn label(field: &str) -> Result<bool, Malformed> {
    match field.trim() {
        "1" | "1.0" => Ok(true),
        "0" | "0.0" => Ok(false),
        other => Err(Malformed::Label(excerpt(other))),
    }
}

type Parsed = ([Accession; 2], Option<bool>, Option<Support>);

fn parse(
    layout: &Layout,
    fields: &[Cow<str>],
    publications: &mut Interner<String>,
) -> Result<Parsed, Malformed> {
    let filled = fields.iter().rposition(|field| !field.trim().is_empty()).map_or(0, |at| at + 1);
    if filled > layout.columns {
        return Err(Malformed::Columns { found: filled, expected: layout.columns });
    }
    let proteins = pair(fields, layout.identifiers)?;
    let label = match layout.label {
        Some(column) => Some(label(field(fields, column)?)?),
        None => None,
    };
    let support = match layout.evidence {
        Some(column) => Some(Support::parse(field(fields, column)?, publications)?),
        None => None,
    };
    Ok((proteins, label, support))
}

fn field<'f>(fields: &'f [Cow<str>], column: usize) -> Result<&'f str, Malformed> {
    fields.get(column).map(|field| field.trim()).ok_or(Malformed::Missing(column + 1))
}

/// Filters by evidence need evidence.
fn check_filters(path: &Path, layout: &Layout, settings: &Settings) -> Result<(), Error> {
    let setting = match settings.evidence {
        _ if layout.evidence.is_some() => None,
        _ if settings.min_publications > 1 => Some("min_publications"),
        Evidence::Any => None,
        _ => Some("evidence"),
    };
    match setting {
        Some(setting) => Err(Error::NoEvidence { path: path.to_owned(), setting }),
        None => Ok(()),
    }
}
