//! MITAB, PSI-MI's tab-separated format: one binary interaction per row, as `IntAct`, `BioGRID` and the
//! services of PSICQUIC write it.
//!
//! Versions 2.5 to 2.8 each add columns behind those of the one before
//! (<https://psicquic.github.io/MITAB28Format.html>). Numbers of terms are those of the PSI-MI
//! vocabulary.

use std::borrow::Cow;

use super::audit::excerpt;
use super::evidence::{Lack, Support};
use super::format::Format;
use super::intern::Interner;
use super::kind;
use super::references::references;
use super::score::Score;
use super::statement::{Malformed, OtherKind, Statement, Unread};
use super::{ExpandedComplexes, Settings};
use crate::protein::{Accession, AccessionError};

/// The rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mitab {
    pub(super) format: Format,
    /// The columns of its version; what is behind them has no defined meaning.
    columns: usize,
}

/// The columns of each version, the newest first.
const VERSIONS: [(Format, usize); 4] = [
    (Format::Mitab28, 46),
    (Format::Mitab27, 42),
    (Format::Mitab26, 36),
    (Format::Mitab25, FEWEST_COLUMNS),
];
const FEWEST_COLUMNS: usize = 15;

/// Columns, counted from 0; those of the two interactors by side.
const IDENTIFIERS: [usize; 2] = [0, 1];
const ALTERNATIVES: [usize; 2] = [2, 3];
const METHODS: usize = 6;
const PUBLICATIONS: usize = 8;
const TAXA: [usize; 2] = [9, 10];
const INTERACTION_TYPE: usize = 11;
const CONFIDENCE: usize = 14;
const EXPANSION: usize = 15;
const INTERACTOR_TYPES: [usize; 2] = [20, 21];
/// The last one that is used: rows of versions that have it reach it.
const NEGATIVE: usize = 35;

/// How the first column is named by `IntAct`, by `BioGRID`, and in the description of the format, by
/// letters alone.
const FIRST_NAMES: [&str; 3] =
    ["idsinteractora", "idinteractora", "uniqueidentifierforinteractora"];

/// Databases of `UniProt` accessions, the reviewed entries first.
const REVIEWED: [&str; 3] = ["uniprotkb", "uniprot/swiss-prot", "uniprot knowledge base"];
const UNREVIEWED: [&str; 1] = ["uniprot/trembl"];

/// Databases of molecules that are no proteins, for versions that do not tell their type.
const OTHER_MOLECULES: [&str; 7] = [
    "chebi",
    "complex portal",
    "ddbj/embl/genbank",
    "drugbank",
    "chembl compound",
    "pubchem",
    "rnacentral",
];

/// Proteins and peptides.
const PROTEINS: [&str; 2] = ["0326", "0327"];

/// Scores from 0 to 1 that a database gives by all its evidence for a pair, best first. What authors
/// report (`author score`, `score` in `BioGRID`) has a scale of its own in every study.
const SCORES: [&str; 3] = ["intact-miscore", "mint-score", "mentha-score"];

impl Mitab {
    /// Recognises a file by its first row, and whether that is a header. `first_name` is its first
    /// field by letters and digits alone.
    pub(super) fn recognise(fields: &[Cow<str>], first_name: &str) -> Option<(Self, bool)> {
        let version = VERSIONS.iter().find(|(_, columns)| fields.len() >= *columns)?;
        let mitab = Self { format: version.0, columns: version.1 };
        let header = FIRST_NAMES.contains(&first_name);
        (header || is_row(fields)).then_some((mitab, header))
    }

    /// What a row says.
    pub(super) fn parse(
        self,
        fields: &[Cow<str>],
        settings: &Settings,
        publications: &mut Interner<String>,
    ) -> Result<Statement, Unread> {
        if fields.len() < self.columns.min(NEGATIVE + 1) {
            return Err(Malformed::Missing(fields.len() + 1).into());
        }
        let row = Row(&fields[..fields.len().min(self.columns)]);
        if let Some(kind) = kind::other_kind(row.text(INTERACTION_TYPE), row.text(METHODS)) {
            return Err(kind.into());
        }
        if row.text(NEGATIVE).eq_ignore_ascii_case("true") {
            return Err(OtherKind::Negative.into());
        }
        let [one, other] = match [row.interactor(0)?, row.interactor(1)?] {
            [Some(one), Some(other)] => [one, other],
            // An interaction within one molecule.
            [Some(one), None] | [None, Some(one)] => [one.clone(), one],
            [None, None] => {
                let source = AccessionError::Empty;
                return Err(Malformed::Identifier { column: IDENTIFIERS[0] + 1, source }.into());
            }
        };
        let support = Support::of(row.publications().map(|name| publications.intern(&*name)));
        let lack = row.lack(settings);
        Ok(Statement {
            proteins: [one.protein, other.protein],
            chains: [one.chain, other.chain],
            label: None,
            support: Some(support),
            score: row.score(),
            lack,
        })
    }
}

/// Whether the first row is data: two references, and taxa where they belong.
fn is_row(fields: &[Cow<str>]) -> bool {
    let row = Row(fields);
    let reference = |column: usize| {
        let first = references(row.text(column)).next();
        first.is_none_or(|first| !first.database.is_empty() && !first.identifier.is_empty())
    };
    let taxon = |column: usize| references(row.text(column)).all(|taxon| taxon.is_to(&["taxid"]));
    let named = IDENTIFIERS.into_iter().any(|column| row.text(column).contains(':'));
    named && IDENTIFIERS.into_iter().all(reference) && TAXA.into_iter().all(taxon)
}

/// Who interacts.
#[derive(Clone)]
struct Interactor {
    protein: Accession,
    /// The chain of the protein, where the row names one.
    chain: Option<String>,
}

/// The fields of a row as far as its version defines them.
#[derive(Clone, Copy)]
struct Row<'f>(&'f [Cow<'f, str>]);

impl<'f> Row<'f> {
    /// The text of a column, empty where there is none.
    fn text(self, column: usize) -> &'f str {
        self.0.get(column).map_or("", |field| field.trim())
    }

    /// The protein of a side, unless nothing is there.
    ///
    /// Of several `UniProt` accessions the first of a reviewed entry counts, or else the first;
    /// those in the first columns before the alternative ones, among which `IntAct` lists accessions
    /// of former entries. Without any it is the first identifier, whatever its database.
    fn interactor(self, side: usize) -> Result<Option<Interactor>, Unread> {
        let Some(first) = references(self.text(IDENTIFIERS[side])).next() else { return Ok(None) };
        let other_molecule = |kind: &str| {
            let molecule = excerpt(&first.identifier);
            Err(OtherKind::Molecule { molecule, kind: excerpt(kind) }.into())
        };
        let kind = references(self.text(INTERACTOR_TYPES[side])).next();
        if let Some(kind) = kind.filter(|kind| !kind.is_term(&PROTEINS)) {
            return other_molecule(kind.name());
        }
        let columns = [IDENTIFIERS[side], ALTERNATIVES[side]];
        if let Some(named) = columns.into_iter().find_map(|column| self.named(column)) {
            return Ok(Some(named));
        }
        if first.is_to(&OTHER_MOLECULES) {
            return other_molecule(&first.database);
        }
        let parsed = first.identifier.parse();
        let column = IDENTIFIERS[side] + 1;
        let protein = parsed.map_err(|source| Malformed::Identifier { column, source })?;
        Ok(Some(Interactor { protein, chain: None }))
    }

    /// The protein by its accession of `UniProt` in a column. A chain (`P12345-PRO_0000012345`) is
    /// its protein.
    fn named(self, column: usize) -> Option<Interactor> {
        let first_of = |databases: &[&str]| {
            let mut ours = references(self.text(column)).filter(|name| name.is_to(databases));
            ours.find_map(|name| {
                let identifier = &*name.identifier;
                let chain_of = identifier.split_once("-PRO_").map(|(protein, _)| protein);
                let protein = chain_of.unwrap_or(identifier).parse().ok();
                let protein = protein.filter(Accession::is_uniprot)?;
                Some(Interactor { protein, chain: chain_of.map(|_| excerpt(identifier)) })
            })
        };
        first_of(&REVIEWED).or_else(|| first_of(&UNREVIEWED))
    }

    /// The names of the publications in `PubMed`, which are HINT's as well, or else that of the first
    /// one elsewhere.
    fn publications(self) -> impl Iterator<Item = Cow<'f, str>> {
        let listed = || references(self.text(PUBLICATIONS));
        let in_pubmed = listed().filter(|name| name.is_to(&["pubmed"]));
        let mut in_pubmed = in_pubmed.map(|name| name.identifier).peekable();
        let elsewhere = match in_pubmed.peek() {
            Some(_) => None,
            None => listed()
                .next()
                .map(|name| Cow::Owned(format!("{}:{}", name.database, name.identifier))),
        };
        in_pubmed.chain(elsewhere)
    }

    fn score(self) -> Option<Score> {
        SCORES.iter().find_map(|wanted| {
            let mut scores = references(self.text(CONFIDENCE));
            let score = scores.find(|score| score.is_to(&[wanted]))?;
            score.identifier.parse::<f64>().ok()?.try_into().ok()
        })
    }

    /// What of the settings the row alone does not satisfy.
    fn lack(self, settings: &Settings) -> Option<Lack> {
        let foreign = |wanted: u32| {
            let wanted = wanted.to_string();
            [0, 1].into_iter().any(|side| {
                let there = references(self.text(IDENTIFIERS[side])).next().is_some();
                there && !references(self.text(TAXA[side])).any(|taxon| taxon.identifier == wanted)
            })
        };
        if settings.taxon.is_some_and(foreign) {
            return Some(Lack::Taxon);
        }
        let expanded = references(self.text(EXPANSION)).next().is_some();
        (expanded && settings.expanded_complexes == ExpandedComplexes::Exclude)
            .then_some(Lack::Expanded)
    }
}
