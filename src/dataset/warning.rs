//! What the user of a dataset should know, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Overlap, Part, Section};

/// Something about the dataset that its user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// Metrics on so few pairs are uncertain.
    FewPositives {
        /// The part.
        part: Part,
        /// Its positives.
        positives: usize,
    },
    /// The proteins of a part or test class have fewer free pairs than wanted.
    FewerNegatives {
        /// The part or class.
        part: Section,
        /// The ratio times the positives.
        wanted: usize,
        /// What there was.
        drawn: usize,
    },
    /// Some proteins have not enough free partners to be in as many negatives as positives.
    Unmatched {
        /// The part or class.
        part: Section,
        /// The ratio times the positives.
        wanted: usize,
        /// What could be matched.
        drawn: usize,
    },
    /// Many proteins that occur in positives only or in negatives only.
    OneLabel {
        /// The part.
        part: Section,
        /// Its proteins.
        proteins: usize,
        /// Those in positives only.
        only_in_positives: usize,
        /// Those in negatives only.
        only_in_negatives: usize,
    },
    /// So many proteins are in one cluster that it was not split.
    GiantCluster {
        /// The proteins in it, identical sequences taken as one.
        largest: usize,
        /// All proteins, counted so.
        proteins: usize,
    },
    /// Validation also took pairs with one protein that training has seen.
    WidenedValidation {
        /// Its positives without them.
        strict_positives: usize,
        /// Its positives with them.
        positives: usize,
    },
    /// Given negatives with the sequences of a given positive.
    ContradictedNegatives {
        /// The part of the negatives.
        part: Part,
        /// How many.
        pairs: usize,
    },
    /// Parts that the user gave have something in common.
    Overlap(Overlap),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewPositives { part, positives } => write!(
                f,
                "the {part} part has only {positives} positive pairs: its metrics are uncertain"
            ),
            Self::FewerNegatives { part, wanted, drawn } => write!(
                f,
                "the {part} has {drawn} negatives instead of {wanted}: its proteins have no more \
                 pairs that are not known"
            ),
            Self::Unmatched { part, wanted, drawn } => write!(
                f,
                "the {part} has {drawn} negatives instead of {wanted}: some proteins have too few \
                 partners left to be in as many negatives as positives"
            ),
            Self::OneLabel { part, proteins, only_in_positives, only_in_negatives } => write!(
                f,
                "of the {proteins} proteins of the {part}, {only_in_positives} are in positives \
                 only and {only_in_negatives} in negatives only: a model can tell their pairs by \
                 the protein alone"
            ),
            Self::GiantCluster { largest, proteins } => write!(
                f,
                "one cluster of similar proteins holds {largest} of {proteins}, so that it trains \
                 as a whole: raise `cluster_similarity`, or give clusters of your own"
            ),
            Self::WidenedValidation { strict_positives, positives } => write!(
                f,
                "only {strict_positives} positive pairs have two unseen proteins for validation: \
                 it also takes pairs with one, {positives} positives in all"
            ),
            Self::ContradictedNegatives { part, pairs } => write!(
                f,
                "{pairs} negative pairs of the {part} part have the sequences of a positive pair"
            ),
            Self::Overlap(Overlap { parts: [first, second], proteins, pairs }) => write!(
                f,
                "the {first} and {second} parts share {proteins} proteins and {pairs} pairs: \
                 metrics on them are not those of unseen proteins"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_say_what_they_mean() {
        let part = Part::Validation;
        let parts = [Part::Train, Part::Test];
        let warnings = [
            Warning::FewPositives { part, positives: 99 },
            Warning::FewerNegatives { part: Section::Validation, wanted: 30, drawn: 12 },
            Warning::Unmatched { part: Section::C2, wanted: 300, drawn: 288 },
            Warning::OneLabel {
                part: Section::Train,
                proteins: 500,
                only_in_positives: 7,
                only_in_negatives: 3,
            },
            Warning::GiantCluster { largest: 120, proteins: 500 },
            Warning::WidenedValidation { strict_positives: 25, positives: 380 },
            Warning::ContradictedNegatives { part, pairs: 3 },
            Warning::Overlap(Overlap { parts, proteins: 12, pairs: 7 }),
        ];
        let texts = warnings.each_ref().map(ToString::to_string).join("\n");
        insta::assert_snapshot!(texts, @"
        the validation part has only 99 positive pairs: its metrics are uncertain
        the validation part has 12 negatives instead of 30: its proteins have no more pairs that are not known
        the test class C2 has 288 negatives instead of 300: some proteins have too few partners left to be in as many negatives as positives
        of the 500 proteins of the train part, 7 are in positives only and 3 in negatives only: a model can tell their pairs by the protein alone
        one cluster of similar proteins holds 120 of 500, so that it trains as a whole: raise `cluster_similarity`, or give clusters of your own
        only 25 positive pairs have two unseen proteins for validation: it also takes pairs with one, 380 positives in all
        3 negative pairs of the validation part have the sequences of a positive pair
        the train and test parts share 12 proteins and 7 pairs: metrics on them are not those of unseen proteins
        ");
        let json = serde_json::to_string(&warnings).unwrap();
        assert_eq!(serde_json::from_str::<[Warning; 8]>(&json).unwrap(), warnings);
        let overlap = r#"{"kind":"overlap","parts":["train","test"],"proteins":12,"pairs":7}"#;
        assert!(json.contains(overlap), "{json}");
    }
}
