//! The proof that the parts of a split keep the promise of its rule.

use std::collections::BTreeSet;

use super::manifest::{Counts, NegativeSource, Overlap, PartRecord, SplitManifest};
use super::{Catalogue, Error, Example, Part, Parts, SequencePair, SplitRule};
use crate::protein::Accession;

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
    /// A sampled negative that is a known positive.
    #[error("`{one}` with `{other}` is a sampled negative and a known positive: split anew")]
    FalseNegative {
        /// One protein.
        one: Accession,
        /// The other.
        other: Accession,
    },
}

impl SplitManifest {
    /// Recomputes from the pairs what the parts share and checks it against the record and the
    /// promise of the rule:
    ///
    /// - `proteins`: no sequence of the test part is elsewhere, and every validation pair has a
    ///   sequence unseen in training (both of them, unless validation was widened);
    /// - `pairs`: no pair of sequences is in two parts;
    /// - `given`: nothing between given parts; a carved validation part as under `proteins`;
    /// - sampled negatives are no positive of any part.
    pub fn verify(&self) -> Result<(), LeakError> {
        let catalogue = self.catalogue()?;
        for (part, record) in self.parts.each() {
            if Counts::of(&record.pairs) != record.counts {
                return Err(LeakError::Record("counts"));
            }
            let mut indices = record.pairs.iter().flat_map(|e| [e.left, e.right]);
            if let Some(index) = indices.find(|&index| index as usize >= catalogue.len()) {
                return Err(LeakError::Index { part, index, proteins: catalogue.len() });
            }
        }
        if overlaps(&catalogue, &self.parts) != self.overlaps {
            return Err(LeakError::Record("overlaps"));
        }
        let proof = Proof::new(&catalogue, &self.parts);
        match self.settings.split {
            SplitRule::Proteins => {
                proof.no_shared_protein(Part::Train, Part::Test)?;
                proof.no_shared_protein(Part::Validation, Part::Test)?;
                proof.validation_is_unseen(self.widened_validation)?;
            }
            SplitRule::Given if self.carved_validation => {
                proof.validation_is_unseen(self.widened_validation)?;
            }
            SplitRule::Given => {}
            SplitRule::Pairs => {
                proof.no_shared_pair(Part::Train, Part::Validation)?;
                proof.no_shared_pair(Part::Train, Part::Test)?;
                proof.no_shared_pair(Part::Validation, Part::Test)?;
            }
        }
        proof.sampled_negatives_are_unknown()
    }

    /// The proteins as a catalogue, whose indices are those of the pairs.
    pub fn catalogue(&self) -> Result<Catalogue, LeakError> {
        let catalogue = Catalogue::new(self.proteins.iter().cloned());
        let catalogue = catalogue.map_err(|_: Error| LeakError::Proteins)?;
        if catalogue.proteins() != self.proteins {
            return Err(LeakError::Proteins);
        }
        Ok(catalogue)
    }
}

/// What each two parts share.
pub(super) fn overlaps(catalogue: &Catalogue, parts: &Parts<PartRecord>) -> Vec<Overlap> {
    let contents = parts.map(|part| Content::of(catalogue, &part.pairs));
    let two = [
        [Part::Train, Part::Validation],
        [Part::Train, Part::Test],
        [Part::Validation, Part::Test],
    ];
    let overlap = |parts: [Part; 2]| {
        let [first, second] = parts.map(|part| contents.get(part));
        Overlap {
            parts,
            proteins: first.sequences.intersection(&second.sequences).count(),
            pairs: first.pairs.intersection(&second.pairs).count(),
        }
    };
    two.map(overlap).to_vec()
}

/// The distinct sequences of a part and their pairs.
struct Content {
    sequences: BTreeSet<u32>,
    pairs: BTreeSet<SequencePair>,
}

impl Content {
    fn of(catalogue: &Catalogue, examples: &[Example]) -> Self {
        let pairs: BTreeSet<_> = examples.iter().map(|e| catalogue.sequence_pair(e)).collect();
        Self { sequences: pairs.iter().flat_map(|&(one, other)| [one, other]).collect(), pairs }
    }
}

/// The promises, one method each.
struct Proof<'a> {
    catalogue: &'a Catalogue,
    parts: &'a Parts<PartRecord>,
    contents: Parts<Content>,
}

impl<'a> Proof<'a> {
    fn new(catalogue: &'a Catalogue, parts: &'a Parts<PartRecord>) -> Self {
        let contents = parts.map(|part| Content::of(catalogue, &part.pairs));
        Self { catalogue, parts, contents }
    }

    fn no_shared_protein(&self, first: Part, second: Part) -> Result<(), LeakError> {
        let [one, other] = [first, second].map(|part| &self.contents.get(part).sequences);
        match one.intersection(other).next() {
            Some(&shared) => {
                Err(LeakError::SharedProtein { first, second, accession: self.name(shared) })
            }
            None => Ok(()),
        }
    }

    fn no_shared_pair(&self, first: Part, second: Part) -> Result<(), LeakError> {
        let [a, b] = [first, second].map(|part| &self.contents.get(part).pairs);
        match a.intersection(b).next() {
            Some(&(one, other)) => {
                let (one, other) = (self.name(one), self.name(other));
                Err(LeakError::SharedPair { first, second, one, other })
            }
            None => Ok(()),
        }
    }

    fn validation_is_unseen(&self, widened: bool) -> Result<(), LeakError> {
        if !widened {
            return self.no_shared_protein(Part::Train, Part::Validation);
        }
        let seen = &self.contents.train.sequences;
        let both_seen = |(one, other): &&SequencePair| seen.contains(one) && seen.contains(other);
        match self.contents.validation.pairs.iter().find(both_seen) {
            Some(&(one, other)) => {
                Err(LeakError::SeenPair { one: self.name(one), other: self.name(other) })
            }
            None => Ok(()),
        }
    }

    fn sampled_negatives_are_unknown(&self) -> Result<(), LeakError> {
        let examples = self.parts.each().map(|(_, part)| &part.pairs);
        let positives = examples.into_iter().flatten().filter(|e| e.label);
        let known: BTreeSet<_> = positives.map(|e| self.catalogue.sequence_pair(e)).collect();
        let sampled = self.parts.each().map(|(_, part)| part);
        let sampled = sampled.into_iter().filter(|p| p.negatives == NegativeSource::Sampled);
        let mut negatives = sampled.flat_map(|part| &part.pairs).filter(|e| !e.label);
        match negatives.find(|e| known.contains(&self.catalogue.sequence_pair(e))) {
            Some(Example { left, right, .. }) => Err(LeakError::FalseNegative {
                one: self.catalogue.accession(*left).clone(),
                other: self.catalogue.accession(*right).clone(),
            }),
            None => Ok(()),
        }
    }

    /// The first protein with a sequence of the catalogue.
    fn name(&self, sequence: u32) -> Accession {
        let digest = self.catalogue.sequences()[sequence as usize];
        let proteins = self.catalogue.proteins();
        let first = proteins.iter().position(|(_, other)| *other == digest).unwrap_or_default();
        proteins[first].0.clone()
    }
}
