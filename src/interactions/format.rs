//! The formats of interaction files.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// PSI-MI's MITAB 2.5, with or without columns of others behind its 15.
    Mitab25,
    /// MITAB 2.6: 36 columns, with expansion, types of interactors and negative interactions.
    Mitab26,
    /// MITAB 2.7: 42 columns.
    Mitab27,
    /// MITAB 2.8: 46 columns.
    Mitab28,
    /// STRING's links without columns that only functional associations have.
    String,
    /// STRING's links with the channels of functional associations.
    StringFunctional,
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
pub(super) const HINT_EVIDENCE: &str = "pmidmethodquality";
/// The name of HINT's column of taxa.
pub(super) const HINT_TAXON: &str = "taxid";
/// The name of STRING's score, by letters alone.
pub(super) const STRING_SCORE: &str = "combinedscore";

impl Format {
    /// The format of a table with the header `names`, by letters and digits alone.
    pub(super) fn of_header(names: &[String]) -> Self {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let evidence = names.iter().any(|name| name.starts_with(HINT_EVIDENCE));
        if evidence && has("uniprota") {
            let known = HINT_HEADERS.iter().find(|(_, header)| names == *header);
            return known.map_or(Self::HintOther, |(format, _)| *format);
        }
        match ["protein1", "protein2", STRING_SCORE].into_iter().all(has) {
            true if has("neighborhood") => Self::StringFunctional,
            true => Self::String,
            false => Self::Table,
        }
    }

    /// Whether its rows are links of STRING.
    pub(super) fn is_string(self) -> bool {
        matches!(self, Self::String | Self::StringFunctional)
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
            Self::Mitab25 => "MITAB 2.5",
            Self::Mitab26 => "MITAB 2.6",
            Self::Mitab27 => "MITAB 2.7",
            Self::Mitab28 => "MITAB 2.8",
            Self::String => "STRING links",
            Self::StringFunctional => "STRING links of functional associations",
            Self::Table => "table with header",
            Self::HeaderlessTable => "table without header",
        })
    }
}
