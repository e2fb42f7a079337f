//! Clusters: proteins that resemble each other so much that they must fall into the same part.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::{Catalogue, ClusterTable, GIANT_SHARE, KmerIndex, Mmseqs};
use crate::protein::{Accession, ProteinSequence};

/// Which distinct sequences of a catalogue belong together; by default every one is alone.
///
/// Two sequences are in one cluster if a chain of connected ones leads from one to the other (single
/// linkage). By similarity, no protein of one cluster is therefore similar to one of another; a
/// table and `MMseqs2` promise only that what they connect is together. Neither names nor the order
/// of the input decide anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters {
    /// The first sequence in the cluster of each one; those behind the end are alone.
    first: Vec<u32>,
    /// Proteins that a table of clusters does not list.
    unlisted: usize,
    /// How `MMseqs2` has found them, where it has.
    mmseqs: Option<Mmseqs>,
}

impl Clusters {
    /// Clusters of `sequences`, in the order of [`Catalogue::sequences`], whose containment
    /// ([`KmerIndex`]) is at least `at_least`.
    pub fn by_similarity(sequences: &[&ProteinSequence], at_least: f64) -> Self {
        let index = KmerIndex::new(sequences.iter().copied());
        let neighbours: Vec<Vec<(usize, f64)>> = (0..sequences.len())
            .into_par_iter()
            .map(|sequence| index.neighbours(sequence, at_least))
            .collect();
        let mut chains = Chains::new(sequences.len());
        for (sequence, neighbours) in neighbours.into_iter().enumerate() {
            neighbours.into_iter().for_each(|(other, _)| chains.connect(sequence, other));
        }
        Self { first: chains.firsts(sequences.len()), ..Self::default() }
    }

    /// The clusters of so many `sequences` that `MMseqs2` has connected by `links`.
    pub(super) fn by_mmseqs(sequences: usize, links: &[(usize, usize)], mmseqs: Mmseqs) -> Self {
        let mut chains = Chains::new(sequences);
        links.iter().for_each(|(one, other)| chains.connect(*one, *other));
        Self { first: chains.firsts(sequences), mmseqs: Some(mmseqs), ..Self::default() }
    }

    /// The clusters of a table, which may list other proteins too. An isoform that it does not list
    /// is taken for its canonical protein; any other protein that it does not list is alone, unless
    /// one with the same sequence is listed.
    pub fn from_table(catalogue: &Catalogue, table: &ClusterTable) -> Self {
        // Sequences come first among what is connected, so that clusters are named by them.
        let sequences = catalogue.sequences().len();
        let mut names: HashMap<&Accession, usize> = HashMap::new();
        for name in table.links.iter().flat_map(|(one, other)| [one, other]) {
            let next = sequences + names.len();
            names.entry(name).or_insert(next);
        }
        let mut chains = Chains::new(sequences + names.len());
        table.links.iter().for_each(|(one, other)| chains.connect(names[one], names[other]));
        let mut unlisted = 0;
        for (protein, (name, _)) in (0..).zip(catalogue.proteins()) {
            let parent = || names.get(&name.parent()?);
            match names.get(name).or_else(parent) {
                Some(&listed) => chains.connect(listed, catalogue.sequence_of(protein) as usize),
                None => unlisted += 1,
            }
        }
        Self { first: chains.firsts(sequences), unlisted, mmseqs: None }
    }

    /// The cluster of a distinct sequence, named by the first sequence in it.
    pub fn of(&self, sequence: u32) -> u32 {
        self.first.get(sequence as usize).copied().unwrap_or(sequence)
    }

    /// Proteins that a table of clusters does not list.
    pub fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// How `MMseqs2` has found them, where it has.
    pub(super) fn mmseqs(&self) -> Option<&Mmseqs> {
        self.mmseqs.as_ref()
    }

    /// The `sequences` of each cluster, both sorted.
    pub(super) fn groups(&self, sequences: impl IntoIterator<Item = u32>) -> Vec<Vec<u32>> {
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for sequence in sequences {
            groups.entry(self.of(sequence)).or_default().push(sequence);
        }
        groups.values_mut().for_each(|group| {
            group.sort_unstable();
            group.dedup();
        });
        groups.into_values().collect()
    }
}

/// Whether a cluster of `size` proteins of `all` is too large to be tested.
pub(super) fn is_giant(size: usize, all: usize) -> bool {
    size > 1 && size as f64 > GIANT_SHARE * all as f64
}

/// Union-find, in which the first member stands for a set.
struct Chains(Vec<usize>);

impl Chains {
    fn new(members: usize) -> Self {
        Self((0..members).collect())
    }

    fn first(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    fn connect(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.0[one.max(other)] = one.min(other);
    }

    /// What stands for each of the first `count` members.
    fn firsts(mut self, count: usize) -> Vec<u32> {
        (0..count).map(|member| self.first(member) as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(texts: &[&str], at_least: f64) -> Vec<u32> {
        let sequences: Vec<ProteinSequence> = texts.iter().map(|t| t.parse().unwrap()).collect();
        let sequences: Vec<_> = sequences.iter().collect();
        let clusters = Clusters::by_similarity(&sequences, at_least);
        (0..texts.len() as u32).map(|sequence| clusters.of(sequence)).collect()
    }

    #[test]
    fn a_chain_of_similar_proteins_is_one_cluster() {
        // The last and the third each share three of eight 5-mers with the first.
        let texts = ["ACDEFGHIKLMN", "WWWWWWWWW", "GHIKLMNPQRST", "YYYYYYYY", "VVTACDEFGHSA"];
        assert_eq!(clusters(&texts, 0.2), [0, 1, 0, 3, 0]);
        assert_eq!(clusters(&texts, 0.5), [0, 1, 2, 3, 4]);
        assert_eq!(Clusters::default().of(7), 7);
    }

    #[test]
    fn a_table_connects_by_name_and_what_it_does_not_list_is_alone() {
        let protein = |name: &str, sequence: &str| {
            (name.parse().unwrap(), crate::digest::Digest::of(sequence.as_bytes()))
        };
        let catalogue = Catalogue::new([
            protein("P10001", "a"),
            protein("P10002-2", "b"),
            protein("P10003", "c"),
            protein("P10004", "d"),
            protein("P10005", "a"),
        ])
        .unwrap();
        let name = |text: &str| text.parse().unwrap();
        // `P19999` is in no pair and connects all the same.
        let links = [("P19999", "P10001"), ("P19999", "P10002"), ("P10003", "P10003")];
        let links = links.map(|(one, other)| (name(one), name(other))).to_vec();
        let table = ClusterTable { links, sources: Vec::new() };
        let clusters = Clusters::from_table(&catalogue, &table);
        let of =
            |text: &str| clusters.of(catalogue.sequence_of(catalogue.index(&name(text)).unwrap()));
        assert_eq!(of("P10001"), of("P10002-2"));
        assert_eq!(of("P10001"), of("P10005"), "the same sequence");
        assert_ne!(of("P10001"), of("P10003"));
        assert_ne!(of("P10003"), of("P10004"));
        assert_eq!(clusters.unlisted(), 2);
        assert_eq!(clusters.groups(0..4).into_iter().map(|group| group.len()).max(), Some(2));
    }
}
