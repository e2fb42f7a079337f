//! Rows of tables that have one value per column: HINT, STRING's links, and plain tables.

use std::borrow::Cow;

use super::Settings;
use super::audit::excerpt;
use super::evidence::{Lack, Support};
use super::intern::Interner;
use super::score::Score;
use super::statement::{Malformed, Statement};
use crate::protein::Accession;

/// Where the columns of a table are.
#[derive(Debug)]
pub(super) struct TableColumns {
    pub(super) identifiers: [usize; 2],
    pub(super) label: Option<usize>,
    /// HINT's evidence.
    pub(super) evidence: Option<usize>,
    /// HINT's taxon.
    pub(super) taxon: Option<usize>,
    /// STRING's score.
    pub(super) score: Option<usize>,
    /// How many columns a row may fill.
    pub(super) count: usize,
}

impl TableColumns {
    /// Whether rows tell the taxon of their proteins; STRING's do in the identifiers.
    pub(super) fn have_taxa(&self) -> bool {
        self.taxon.is_some() || self.score.is_some()
    }

    /// What a row says.
    pub(super) fn parse(
        &self,
        fields: &[Cow<str>],
        settings: &Settings,
        publications: &mut Interner<String>,
    ) -> Result<Statement, Malformed> {
        let filled =
            fields.iter().rposition(|field| !field.trim().is_empty()).map_or(0, |at| at + 1);
        if filled > self.count {
            return Err(Malformed::Columns { found: filled, expected: self.count });
        }
        let proteins = pair(fields, self.identifiers)?;
        let value = |column: Option<usize>| column.map(|column| field(fields, column)).transpose();
        let label = value(self.label)?.map(label).transpose()?;
        let evidence = value(self.evidence)?;
        let support = evidence.map(|text| Support::parse(text, publications)).transpose()?;
        let score = value(self.score)?.map(string_score).transpose()?;
        let lack = match settings.taxon {
            None => None,
            Some(wanted) => {
                let both = match value(self.taxon)? {
                    Some(text) => names_taxon(text, wanted),
                    None => proteins.iter().all(|protein| protein.taxon() == Some(wanted)),
                };
                (!both).then_some(Lack::Taxon)
            }
        };
        Ok(Statement { proteins, chains: [None, None], label, support, score, lack })
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

fn string_score(field: &str) -> Result<Score, Malformed> {
    Score::per_mille(field).ok_or_else(|| Malformed::Score(excerpt(field)))
}

/// Whether a field names one taxon or more, all of them the wanted one.
fn names_taxon(text: &str, wanted: u32) -> bool {
    let taxa = text.split(|c: char| !c.is_ascii_digit());
    let mut taxa = taxa.filter(|taxon| !taxon.is_empty()).peekable();
    taxa.peek().is_some() && taxa.all(|taxon| taxon.parse() == Ok(wanted))
}

fn field<'f>(fields: &'f [Cow<str>], column: usize) -> Result<&'f str, Malformed> {
    fields.get(column).map(|field| field.trim()).ok_or(Malformed::Missing(column + 1))
}
