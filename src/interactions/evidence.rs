//! The evidence for a pair: which publications report it and, in HINT, by what kind of experiment.

use super::intern::Interner;
use super::score::Score;
use super::{Evidence, Settings};

/// What supports one pair, over all its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Support {
    /// Numbers of the publications; distinct after [`Support::settle`].
    publications: Vec<usize>,
    high_throughput: bool,
    literature: bool,
}

/// Why a pair is not enough of an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// So many publications are fewer than asked for.
    Publications(usize),
    /// No experiment of the kind asked for.
    Kind,
    /// The best score is lower than asked for, or there is none.
    Score(Option<Score>),
    /// A protein of another taxon.
    Taxon,
    /// The row is derived from a complex, in which the two need not touch.
    Expanded,
}

/// An evidence item that is not `pmid:method:quality`, with any further parts.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("evidence `{0}` is not `pmid:method:quality`")]
pub(super) struct EvidenceError(String);

impl Support {
    /// What these publications report, by experiments of unknown kind.
    pub(super) fn of(publications: impl Iterator<Item = usize>) -> Self {
        let mut support = Self { publications: publications.collect(), ..Self::default() };
        support.settle();
        support
    }

    /// Reads items joined by `|`; an empty text is no support at all.
    pub(super) fn parse(
        text: &str,
        publications: &mut Interner<String>,
    ) -> Result<Self, EvidenceError> {
        let mut support = Self::default();
        for item in text.split('|').map(str::trim).filter(|item| !item.is_empty()) {
            let mut parts = item.split(':').map(str::trim);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(pmid), Some(_), Some(quality)) if !pmid.is_empty() && !quality.is_empty() => {
                    support.publications.push(publications.intern(pmid));
                    support.high_throughput |= quality == "HT";
                    support.literature |= quality == "LC";
                }
                _ => return Err(EvidenceError(super::audit::excerpt(item))),
            }
        }
        support.settle();
        Ok(support)
    }

    /// Adds what another row says about the same pair, to be settled after the last one: sorting
    /// after each would take the square of the rows.
    pub(super) fn merge(&mut self, other: &Self) {
        self.publications.extend(&other.publications);
        self.high_throughput |= other.high_throughput;
        self.literature |= other.literature;
    }

    /// Counts publications that several rows name once.
    pub(super) fn settle(&mut self) {
        self.publications.sort_unstable();
        self.publications.dedup();
    }

    /// What the settings ask for and the support does not have.
    pub(super) fn lacks(&self, settings: &Settings) -> Option<Lack> {
        let publications = self.publications.len();
        if publications < settings.min_publications {
            return Some(Lack::Publications(publications));
        }
        let kind = match settings.evidence {
            Evidence::Any => true,
            Evidence::HighThroughput => self.high_throughput,
            Evidence::Literature => self.literature,
        };
        (!kind).then_some(Lack::Kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support(text: &str) -> Result<Support, EvidenceError> {
        Support::parse(text, &mut Interner::default())
    }

    fn settings(min_publications: usize, evidence: Evidence) -> Settings {
        Settings { min_publications, evidence, ..super::super::tests::settings() }
    }

    #[test]
    fn distinct_publications_count_and_one_experiment_of_a_kind_is_enough() {
        let support = support("111:0018:HT:binary|111:0096:HT:binary|PDB_1ABC:0114:LC").unwrap();
        assert_eq!(support.lacks(&settings(2, Evidence::Any)), None);
        let lack = support.lacks(&settings(3, Evidence::Any));
        assert_eq!(lack, Some(Lack::Publications(2)));
        assert_eq!(support.lacks(&settings(1, Evidence::Literature)), None);
        assert_eq!(support.lacks(&settings(1, Evidence::HighThroughput)), None);
    }

    #[test]
    fn another_kind_of_experiment_or_none_lacks() {
        let lack = support("111:0018:HT").unwrap().lacks(&settings(1, Evidence::Literature));
        assert_eq!(lack, Some(Lack::Kind));
        let lack = support("").unwrap().lacks(&settings(1, Evidence::Any));
        assert_eq!(lack, Some(Lack::Publications(0)));
    }

    #[test]
    fn a_publication_that_several_rows_name_counts_once() {
        let mut publications = Interner::default();
        let mut all = Support::default();
        for text in ["111:0018:HT", "222:0018:HT|111:0018:HT", "111:0096:LC"] {
            all.merge(&Support::parse(text, &mut publications).unwrap());
        }
        all.settle();
        let lack = all.lacks(&settings(3, Evidence::Any));
        assert_eq!(lack, Some(Lack::Publications(2)));
    }

    #[test]
    fn items_of_another_form_are_errors() {
        for text in ["111", "111:0018", ":0018:HT", "111:0018:HT|x"] {
            assert!(support(text).is_err(), "{text}");
        }
    }
}
