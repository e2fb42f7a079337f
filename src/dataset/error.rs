//! Why there is no dataset, or none that can be trusted.

use super::{Part, REFUSE_BELOW, SplitRule};
use crate::protein::Accession;

/// Why there is no dataset.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A setting outside its range.
    #[error("`{name}` is {value}, expected {expected}")]
    Setting {
        /// The name of the setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The range.
        expected: &'static str,
    },
    /// `split=given` for a single set of pairs.
    #[error(
        "`split` is `given`, but no test pairs are given: give them as channel `test` or with \
         `--test`, or use `split=clusters`"
    )]
    NoTestPart,
    /// Another rule for pairs that come in parts.
    #[error("test pairs are given, but `split` is not `given`: leave out the one or the other")]
    UnusedTestPart,
    /// One name for two sequences.
    #[error("`{accession}` has two different sequences: keep one of them")]
    TwoSequences {
        /// The name.
        accession: Accession,
    },
    /// A pair of proteins that the catalogue does not list.
    #[error("a pair names protein number {index} of a catalogue of {proteins}")]
    UnknownProtein {
        /// The index in the pair.
        index: u32,
        /// The size of the catalogue.
        proteins: usize,
    },
    /// A part under [`REFUSE_BELOW`] positives.
    #[error(
        "the {part} part has too few positive pairs, {positives} where at least {REFUSE_BELOW} are \
         needed: {remedy}"
    )]
    FewPositives {
        /// The part.
        part: Part,
        /// What it has.
        positives: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// A part with a single class.
    #[error("the {part} part has no negative pairs: {remedy}")]
    NoNegatives {
        /// The part.
        part: Part,
        /// What to do.
        remedy: &'static str,
    },
    /// The parts break the promise of their rule.
    #[error(transparent)]
    Leak(#[from] LeakError),
}

impl Error {
    /// A part with so few `positives`; `carved` as in [`SplitManifest`](super::SplitManifest).
    pub(super) fn few(part: Part, positives: usize, rule: SplitRule, carved: bool) -> Self {
        let remedy = match (part, rule, carved) {
            (Part::Validation, SplitRule::Given, true) => {
                "add pairs, raise `validation_fraction` or provide a validation part"
            }
            (_, SplitRule::Given, _) => "add pairs to this part",
            (Part::Train, ..) => {
                "use more pairs (mind `max_proteins` and `max_pairs`) or lower `test_fraction` and \
                 `validation_fraction`"
            }
            (Part::Validation, ..) => {
                "use more pairs (mind `max_proteins` and `max_pairs`) or raise `validation_fraction`"
            }
            (Part::Test, ..) => {
                "use more pairs (mind `max_proteins` and `max_pairs`) or raise `test_fraction`"
            }
        };
        Self::FewPositives { part, positives, remedy }
    }
}

/// A manifest that breaks the promise of its rule, or contradicts itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeakError {
    /// Proteins out of order, or one name with two sequences.
    #[error("the split does not list its proteins once each, sorted by accession: split anew")]
    Proteins,
    /// A pair of a protein that is not listed.
    #[error("a pair of the {part} part names protein number {index} of {proteins}: split anew")]
    Index {
        /// The part of the pair.
        part: Part,
        /// The index in the pair.
        index: u32,
        /// The number of proteins.
        proteins: usize,
    },
    /// The pairs are not those that were counted.
    #[error("the recorded {0} are not those of the recorded pairs: split anew")]
    Record(&'static str),
    /// A protein in two parts that should share none.
    #[error("`{accession}` or its sequence is in the {first} and the {second} part: split anew")]
    SharedProtein {
        /// One part.
        first: Part,
        /// The other.
        second: Part,
        /// A name of the sequence.
        accession: Accession,
    },
    /// A pair in two parts that should share none.
    #[error("`{one}` with `{other}` is in the {first} and the {second} part: split anew")]
    SharedPair {
        /// One part.
        first: Part,
        /// The other.
        second: Part,
        /// A name of the first sequence.
        one: Accession,
        /// A name of the second.
        other: Accession,
    },
    /// A validation pair whose two proteins training has seen.
    #[error("training has seen both `{one}` and `{other}` of a validation pair: split anew")]
    SeenPair {
        /// One protein.
        one: Accession,
        /// The other.
        other: Accession,
    },
    /// A cluster in two parts that should share none.
    #[error(
        "`{one}` of the {first} part and `{other}` of the {second} part are of one cluster: split \
         anew"
    )]
    SharedCluster {
        /// One part.
        first: Part,
        /// The other.
        second: Part,
        /// A protein of the first.
        one: Accession,
        /// One of the second.
        other: Accession,
    },
    /// A pair held out that a part has, or of proteins that it should not have.
    #[error("`{one}` with `{other}` is held out and {problem}: split anew")]
    HeldOut {
        /// One protein.
        one: Accession,
        /// The other.
        other: Accession,
        /// What is wrong.
        problem: &'static str,
    },
    /// A sampled negative that is a known positive.
    #[error("`{one}` with `{other}` is a sampled negative and a known positive: split anew")]
    FalseNegative {
        /// One protein.
        one: Accession,
        /// The other.
        other: Accession,
    },
}
