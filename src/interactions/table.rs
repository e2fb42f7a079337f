//! The rows of one file: what each says, or why it says nothing.

use std::path::Path;

use super::audit::{Bucket, BucketCount, Example, FileAudit, excerpt};
use super::chains::Chains;
use super::classify::positive;
use super::error::Filter;
use super::evidence::{Lack, Support};
use super::intern::Interner;
use super::layout::{Content, Layout};
use super::score::{Rating, Score};
use super::statement::{Statement, Unread};
use super::{Error, Evidence, Settings};
use crate::protein::Accession;
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
    /// What the score is worth.
    pub(super) rating: Rating,
    /// What rules the row out, whatever other rows say of the pair.
    pub(super) lack: Option<Lack>,
}

/// The rows of all files read so far.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) files: Vec<FileAudit>,
    pub(super) malformed: BucketCount,
    pub(super) other_kind: BucketCount,
    pub(super) pairs: Vec<Pair>,
    pub(super) proteins: Interner<Accession>,
    pub(super) publications: Interner<String>,
    pub(super) chains: Chains,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            malformed: BucketCount::empty(Bucket::Malformed),
            other_kind: BucketCount::empty(Bucket::OtherKind),
            pairs: Vec::new(),
            proteins: Interner::default(),
            publications: Interner::default(),
            chains: Chains::default(),
        }
    }
}

impl Tables {
    /// Adds all rows of a file.
    pub(super) fn read(&mut self, path: &Path, settings: &Settings) -> Result<(), Error> {
        let (mut lines, source) = Lines::open(path).map_err(TextError::from)?;
        let mut comment = None;
        let (line, first, layout) = loop {
            let Some((line, row)) = lines.next_line()? else {
                return Err(Error::Empty { path: path.to_owned() });
            };
            match Layout::detect(path, line, &row, settings) {
                Err(error @ (Error::OneColumn { .. } | Error::Header { .. }))
                    if row.starts_with('#') =>
                {
                    comment = Some(error);
                }
                Err(error) => return Err(about_header(comment, error)),
                Ok(layout) => break (line, row.into_owned(), layout),
            }
        };
        check_filters(path, &layout, settings)?;
        let SourceFile { name, bytes, sha256 } = source;
        let format = layout.format;
        let min_score = threshold(&layout, settings);
        self.files.push(FileAudit { name, bytes, sha256, format, min_score, rows: 0 });

        if !layout.has_header {
            self.add(&layout, line, &first, settings);
        }
        while let Some((line, row)) = lines.next_line()? {
            if !layout.is_comment(&row) {
                self.add(&layout, line, &row, settings);
            }
        }
        match self.files.last() {
            Some(file) if file.rows == 0 => Err(Error::HeaderOnly { path: path.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Adds a row of the file that was opened last.
    fn add(&mut self, layout: &Layout, line: usize, row: &str, settings: &Settings) {
        let number = self.files.len() - 1;
        let file = &mut self.files[number];
        file.rows += 1;
        let unread = match layout.parse(row, settings, &mut self.publications) {
            Ok(Statement { proteins, chains, label, support, score, lack }) => {
                let proteins = proteins.map(|protein| self.proteins.intern(&protein));
                for (protein, chain) in proteins.into_iter().zip(chains) {
                    if let Some(chain) = chain {
                        self.chains.add(protein, chain);
                    }
                }
                // A low score is no doubt about a pair that does not interact.
                let least = file.min_score.filter(|_| positive(label));
                let rating = Rating::of(score, least);
                let file = number;
                self.pairs.push(Pair { file, line, proteins, label, support, rating, lack });
                return;
            }
            Err(unread) => unread,
        };
        let bucket = match unread {
            Unread::Malformed(_) => &mut self.malformed,
            Unread::OtherKind(_) => &mut self.other_kind,
        };
        bucket.add(|| Example {
            file: file.name.clone(),
            line,
            excerpt: excerpt(row),
            reason: unread.to_string(),
        });
    }
}

/// The error about a file's first row or, where the comment above it has as many columns, about that
/// one: it is a header of another format.
fn about_header(comment: Option<Error>, error: Error) -> Error {
    match (comment, error) {
        (Some(Error::Header { path, line, columns }), Error::Header { columns: row, .. })
            if columns.0.len() == row.0.len() =>
        {
            Error::Header { path, line, columns }
        }
        (_, error) => error,
    }
}

/// Filters need columns to filter by.
fn check_filters(path: &Path, layout: &Layout, settings: &Settings) -> Result<(), Error> {
    let [evidence, publications, scores, taxa] = match &layout.content {
        Content::Table(table) => {
            let evidence = table.evidence.is_some();
            [evidence, evidence, table.score.is_some(), table.have_taxa()]
        }
        Content::Mitab(_) => [false, true, true, true],
    };
    let asked_score = settings.min_score.is_some_and(|score| score > Score::NONE);
    let filters = [
        (settings.evidence != Evidence::Any && !evidence, Filter::Evidence),
        (settings.min_publications > 1 && !publications, Filter::Publications),
        (asked_score && !scores, Filter::Score),
        (settings.taxon.is_some() && !taxa, Filter::Taxon),
    ];
    match filters.into_iter().find(|(lacking, _)| *lacking) {
        Some((_, filter)) => Err(Error::NoColumn { path: path.to_owned(), filter }),
        None => Ok(()),
    }
}

/// The lowest score that interactions of a file need. Labels already say which pairs they are.
fn threshold(layout: &Layout, settings: &Settings) -> Option<Score> {
    let labelled = matches!(&layout.content, Content::Table(table) if table.label.is_some());
    let needs_default = layout.format.is_string() && !labelled;
    let default = needs_default.then_some(Score::STRING_HIGH);
    settings.min_score.or(default).filter(|score| *score > Score::NONE)
}
