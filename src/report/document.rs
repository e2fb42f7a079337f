//! The report as blocks of plain text, before it is HTML or Markdown.
//!
//! Words and numbers are written once, here; the two renderers only decide how they look. No text
//! carries markup besides the backticks of messages: renderers escape all of it.

use super::chart::Chart;

/// A whole report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// What it is a report of.
    pub(super) title: String,
    /// One line below the title.
    pub(super) subtitle: String,
    /// The answer, before everything else.
    pub(super) verdict: Verdict,
    /// What the answer rests on.
    pub(super) sections: Vec<Section>,
}

/// The answer of the report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// How good it is.
    pub(super) tone: Tone,
    /// The answer in one or two words.
    pub(super) answer: String,
    /// The answer in one sentence.
    pub(super) sentence: String,
    /// The numbers it rests on.
    pub(super) facts: Vec<Fact>,
}

/// How good news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As hoped for.
    Good,
    /// To be read with care.
    Doubtful,
    /// Not as hoped for.
    Bad,
}

/// A number that stands out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    /// What it is.
    pub(super) label: String,
    /// The number.
    pub(super) value: String,
    /// What it is to be compared with.
    pub(super) beside: String,
}

/// A part of the report with a heading.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    /// The name of its anchor.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) heading: String,
    /// Its content.
    pub(super) blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    /// Sentences.
    Paragraph(String),
    /// Something that the reader must not miss.
    Note(Tone, String),
    /// Sentences side by side.
    List(Vec<String>),
    /// Words and what they mean.
    Terms(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A chart with its numbers.
    Figure(Box<Figure>),
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// What it holds.
    pub(super) caption: String,
    /// The heads of its columns.
    pub(super) columns: Vec<Column>,
    /// Its rows, a cell for each column.
    pub(super) rows: Vec<Vec<String>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// What its cells are.
    pub(super) kind: Kind,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words.
    Words,
    /// Numbers, below each other by their last digit.
    Number,
    /// Names and digests, in a type in which characters cannot be mistaken.
    Code,
}

/// A chart, how to read it, and its numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// The chart.
    pub(super) chart: Chart,
    /// How to read it.
    pub(super) reading: String,
    /// Its numbers, for those who do not see it.
    pub(super) numbers: Table,
}

impl Section {
    /// A section.
    pub(super) fn new(id: &'static str, heading: &str, blocks: Vec<Block>) -> Self {
        Self { id, heading: heading.to_owned(), blocks }
    }
}

impl Table {
    /// A table with the columns `columns`.
    pub(super) fn new(caption: &str, columns: &[(&str, Kind)], rows: Vec<Vec<String>>) -> Self {
        let column = |(name, kind): &(&str, Kind)| Column { name: (*name).to_owned(), kind: *kind };
        Self { caption: caption.to_owned(), columns: columns.iter().map(column).collect(), rows }
    }
}

impl Block {
    /// Sentences.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    /// A chart with its numbers.
    pub(super) fn figure(figure: Figure) -> Self {
        Self::Figure(Box::new(figure))
    }
}
