//! The proof that the parts of a split keep the promise of its rule.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{
    ClusterRecord, Counts, NegativeSource, Overlap, PartRecord, SplitManifest, class_counts,
};
use super::{Catalogue, Error, Example, LeakError, Part, Parts, SequencePair, SplitRule};
use crate::protein::Accession;

impl SplitManifest {
    /// Recomputes from the pairs what the parts share and checks it against the record and the
    /// promise of the rule:
    ///
    /// - `clusters`: no cluster of the test part is elsewhere, and every validation pair has a
    ///   cluster unseen in training (both of them, unless validation was widened). That no similar
    ///   proteins are in different parts follows where clusters were found by similarity; of those
    ///   that a table or `MMseqs2` has told apart nothing more is proven;
    /// - `proteins`: the same for sequences;
    /// - `pairs`: no pair of sequences is in two parts;
    /// - `given`: nothing between given parts; a carved validation part as under `proteins`;
    /// - pairs held out are in no part, have at least one sequence that training has seen, and
    ///   none that is in validation alone;
    /// - sampled negatives are no positive of any part.
    pub fn verify(&self) -> Result<(), LeakError> {
        let catalogue = self.catalogue()?;
        for (part, record) in self.parts.each() {
            self.check_record(part, record)?;
        }
        self.check_record(Part::Test, &self.held_out)?;
        if overlaps(&catalogue, &self.parts) != self.overlaps {
            return Err(LeakError::Record("overlaps"));
        }
        if class_counts(&catalogue, &self.parts, &self.held_out) != self.test_classes {
            return Err(LeakError::Record("classes"));
        }
        let proof = Proof::new(&catalogue, self);
        match self.settings.split {
            SplitRule::Clusters => {
                let clusters = self.clusters.as_ref().ok_or(LeakError::Record("clusters"))?;
                let cluster_of = sequence_clusters(&catalogue, clusters)?;
                proof.no_shared_protein(Part::Train, Part::Test)?;
                proof.no_shared_protein(Part::Validation, Part::Test)?;
                proof.no_shared_cluster(&cluster_of, Part::Train, Part::Test)?;
                proof.no_shared_cluster(&cluster_of, Part::Validation, Part::Test)?;
                proof.validation_is_unseen(self.widened_validation, |s| cluster_of[s as usize])?;
                if !self.widened_validation {
                    proof.no_shared_cluster(&cluster_of, Part::Train, Part::Validation)?;
                }
            }
            SplitRule::Proteins => {
                proof.no_shared_protein(Part::Train, Part::Test)?;
                proof.no_shared_protein(Part::Validation, Part::Test)?;
                proof.validation_is_unseen(self.widened_validation, |sequence| sequence)?;
            }
            SplitRule::Given if self.carved_validation => {
                proof.validation_is_unseen(self.widened_validation, |sequence| sequence)?;
            }
            SplitRule::Given => {}
            SplitRule::Pairs => {
                proof.no_shared_pair(Part::Train, Part::Validation)?;
                proof.no_shared_pair(Part::Train, Part::Test)?;
                proof.no_shared_pair(Part::Validation, Part::Test)?;
            }
        }
        proof.held_out_pairs_are_elsewhere()?;
        proof.sampled_negatives_are_unknown()
    }

    /// Whether counts and indices of a record are those of its pairs.
    fn check_record(&self, part: Part, record: &PartRecord) -> Result<(), LeakError> {
        if Counts::of(&record.pairs) != record.counts {
            return Err(LeakError::Record("counts"));
        }
        let proteins = self.proteins.len();
        let mut indices = record.pairs.iter().flat_map(|e| [e.left, e.right]);
        match indices.find(|&index| index as usize >= proteins) {
            Some(index) => Err(LeakError::Index { part, index, proteins }),
            None => Ok(()),
        }
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

/// The cluster of each sequence, by a record that lists it for each protein.
fn sequence_clusters(catalogue: &Catalogue, record: &ClusterRecord) -> Result<Vec<u32>, LeakError> {
    let mut cluster_of: Vec<Option<u32>> = vec![None; catalogue.sequences().len()];
    for (protein, &cluster) in (0..catalogue.len() as u32).zip(&record.of) {
        cluster_of[catalogue.sequence_of(protein) as usize] = Some(cluster);
    }
    cluster_of.into_iter().collect::<Option<_>>().ok_or(LeakError::Record("clusters"))
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
    manifest: &'a SplitManifest,
    contents: Parts<Content>,
}

impl<'a> Proof<'a> {
    fn new(catalogue: &'a Catalogue, manifest: &'a SplitManifest) -> Self {
        let contents = manifest.parts.map(|part| Content::of(catalogue, &part.pairs));
        Self { catalogue, manifest, contents }
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

    fn no_shared_cluster(
        &self,
        cluster_of: &[u32],
        first: Part,
        second: Part,
    ) -> Result<(), LeakError> {
        let clusters = |part| -> BTreeMap<u32, u32> {
            let sequences = self.contents.get(part).sequences.iter();
            sequences.map(|&sequence| (cluster_of[sequence as usize], sequence)).collect()
        };
        let others = clusters(second);
        let shared = clusters(first)
            .into_iter()
            .find_map(|(cluster, one)| others.get(&cluster).map(|&other| (one, other)));
        match shared {
            Some((one, other)) => {
                let (one, other) = (self.name(one), self.name(other));
                Err(LeakError::SharedCluster { first, second, one, other })
            }
            None => Ok(()),
        }
    }

    /// Whether every validation pair has a sequence of which training has not seen the `unit`.
    fn validation_is_unseen(
        &self,
        widened: bool,
        unit: impl Fn(u32) -> u32,
    ) -> Result<(), LeakError> {
        if !widened {
            return self.no_shared_protein(Part::Train, Part::Validation);
        }
        let seen: BTreeSet<_> = self.contents.train.sequences.iter().map(|&s| unit(s)).collect();
        let both_seen = |(one, other): &&SequencePair| {
            seen.contains(&unit(*one)) && seen.contains(&unit(*other))
        };
        match self.contents.validation.pairs.iter().find(both_seen) {
            Some(&(one, other)) => {
                Err(LeakError::SeenPair { one: self.name(one), other: self.name(other) })
            }
            None => Ok(()),
        }
    }

    fn held_out_pairs_are_elsewhere(&self) -> Result<(), LeakError> {
        let Parts { train, validation, test } = &self.contents;
        let problem = |pair: &SequencePair| {
            let sequences = [pair.0, pair.1];
            let in_a_part = [train, validation, test].iter().any(|part| part.pairs.contains(pair));
            let unseen = |sequence: &u32| !train.sequences.contains(sequence);
            if in_a_part {
                Some("in a part")
            } else if sequences.iter().all(unseen) {
                Some("has no protein that training has seen")
            } else if sequences.iter().any(|s| unseen(s) && validation.sequences.contains(s)) {
                Some("has a protein of validation that training has not seen")
            } else {
                None
            }
        };
        let held_out = Content::of(self.catalogue, &self.manifest.held_out.pairs);
        let found = held_out.pairs.iter().find_map(|pair| Some((pair, problem(pair)?)));
        match found {
            Some((&(one, other), problem)) => {
                let (one, other) = (self.name(one), self.name(other));
                Err(LeakError::HeldOut { one, other, problem })
            }
            None => Ok(()),
        }
    }

    fn sampled_negatives_are_unknown(&self) -> Result<(), LeakError> {
        let SplitManifest { parts, held_out, .. } = self.manifest;
        let records = [&parts.train, &parts.validation, &parts.test, held_out];
        let positives = records.iter().flat_map(|record| &record.pairs).filter(|e| e.label);
        let known: BTreeSet<_> = positives.map(|e| self.catalogue.sequence_pair(e)).collect();
        let sampled = records.iter().filter(|record| record.negatives == NegativeSource::Sampled);
        let mut negatives = sampled.flat_map(|record| &record.pairs).filter(|e| !e.label);
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
