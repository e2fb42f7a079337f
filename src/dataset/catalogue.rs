//! The proteins of a run and which of them share a sequence.

use super::{Error, Example};
use crate::digest::Digest;
use crate::protein::Accession;

/// Two distinct sequences, or one twice, as indices of [`Catalogue::sequences`], the smaller first.
pub type SequencePair = (u32, u32);

/// The proteins of a run, sorted by accession, and their distinct sequences, sorted by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    proteins: Vec<(Accession, Digest)>,
    sequence_of: Vec<u32>,
    sequences: Vec<Digest>,
}

impl Catalogue {
    /// The catalogue of `proteins` with the digests of their sequences, in any order; repeated
    /// entries are one. One accession with two sequences is an error.
    pub fn new(proteins: impl IntoIterator<Item = (Accession, Digest)>) -> Result<Self, Error> {
        let mut proteins: Vec<_> = proteins.into_iter().collect();
        proteins.sort();
        proteins.dedup();
        if let Some(twice) = proteins.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(Error::TwoSequences { accession: twice[0].0.clone() });
        }
        let mut sequences: Vec<_> = proteins.iter().map(|(_, digest)| *digest).collect();
        sequences.sort();
        sequences.dedup();
        let position = |digest: &Digest| sequences.partition_point(|other| other < digest) as u32;
        let sequence_of = proteins.iter().map(|(_, digest)| position(digest)).collect();
        Ok(Self { proteins, sequence_of, sequences })
    }

    /// The number of proteins.
    pub fn len(&self) -> usize {
        self.proteins.len()
    }

    /// Whether there is no protein.
    pub fn is_empty(&self) -> bool {
        self.proteins.is_empty()
    }

    /// The accession of a protein of this catalogue.
    pub fn accession(&self, protein: u32) -> &Accession {
        &self.proteins[protein as usize].0
    }

    /// The index of a protein, where it is listed.
    pub fn index(&self, accession: &Accession) -> Option<u32> {
        let found = self.proteins.binary_search_by(|(other, _)| other.cmp(accession)).ok()?;
        u32::try_from(found).ok()
    }

    /// The distinct sequence of a protein of this catalogue, as an index of [`Self::sequences`].
    pub fn sequence_of(&self, protein: u32) -> u32 {
        self.sequence_of[protein as usize]
    }

    /// The digests of the distinct sequences, sorted.
    pub fn sequences(&self) -> &[Digest] {
        &self.sequences
    }

    /// The index of a sequence in [`Self::sequences`], where a protein has it.
    pub fn sequence(&self, digest: &Digest) -> Option<u32> {
        self.sequences.binary_search(digest).ok().and_then(|found| u32::try_from(found).ok())
    }

    /// Every protein with the digest of its sequence, sorted by accession.
    pub fn proteins(&self) -> &[(Accession, Digest)] {
        &self.proteins
    }

    /// The sequences of a pair: equal for pairs that no model on sequences can tell apart.
    pub fn sequence_pair(&self, example: &Example) -> SequencePair {
        let (one, other) = (self.sequence_of(example.left), self.sequence_of(example.right));
        (one.min(other), one.max(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protein(name: &str, sequence: &str) -> (Accession, Digest) {
        (name.parse().unwrap(), Digest::of(sequence.as_bytes()))
    }

    #[test]
    fn identical_sequences_are_one_unit_under_their_names() {
        let proteins = [("P3", "MK"), ("P1", "MK"), ("P2", "MV"), ("P2", "MV")];
        let catalogue = Catalogue::new(proteins.map(|(name, s)| protein(name, s))).unwrap();
        assert_eq!(catalogue.len(), 3);
        assert_eq!(catalogue.sequences().len(), 2);
        let index = |name: &str| catalogue.index(&name.parse().unwrap());
        assert_eq!([index("P1"), index("P2"), index("P3")], [Some(0), Some(1), Some(2)]);
        assert_eq!(index("P4"), None);
        assert_eq!(catalogue.accession(2).as_str(), "P3");
        assert_eq!(catalogue.sequence_of(0), catalogue.sequence_of(2));
        let mv = catalogue.sequences()[catalogue.sequence_of(1) as usize];
        assert_eq!(mv, Digest::of(b"MV"));
        assert_eq!(catalogue.sequence(&mv), Some(catalogue.sequence_of(1)));
        assert_eq!(catalogue.sequence(&Digest::of(b"MA")), None);
    }

    #[test]
    fn one_name_for_two_sequences_is_an_error() {
        let error = Catalogue::new([protein("P1", "MK"), protein("P1", "MV")]).unwrap_err();
        assert_eq!(error.to_string(), "`P1` has two different sequences: keep one of them");
    }
}
