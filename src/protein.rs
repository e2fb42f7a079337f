//! Proteins as every stage sees them: accessions, sequences, unordered pairs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The identifier of a protein: a `UniProt` accession, an isoform of one, or any other name, such as
/// STRING's, of at most 64 printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accession(String);

/// A text that cannot name a protein.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessionError {
    /// Nothing between the separators.
    #[error("empty identifier")]
    Empty,
    /// More than [`Accession::MAX_LENGTH`] characters.
    #[error("identifier of {0} characters, at most 64 are allowed")]
    TooLong(usize),
    /// Spaces, control characters or anything outside ASCII.
    #[error("identifier with the character {0:?}")]
    Character(char),
}

impl Accession {
    /// The longest identifier accepted, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The identifier as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The accession without its isoform suffix (`P23560` of `P23560-2`), where there is one.
    ///
    /// Only `UniProt` accessions have isoforms; the pattern is the one that `UniProt` publishes
    /// under <https://www.uniprot.org/help/accession_numbers>.
    pub fn parent(&self) -> Option<Self> {
        let (parent, isoform) = self.0.split_once('-')?;
        let numbered = !isoform.is_empty() && isoform.bytes().all(|c| c.is_ascii_digit());
        (numbered && is_uniprot(parent)).then(|| Self(parent.to_owned()))
    }

    /// The NCBI taxon in the identifier of a protein in STRING (`9606` of `9606.ENSP00000000233`),
    /// where it is one. They are never accessions of `UniProt`, which have no dot.
    pub fn taxon(&self) -> Option<u32> {
        let (taxon, name) = self.0.split_once('.')?;
        let numbered = taxon.bytes().all(|c| c.is_ascii_digit()) && !name.is_empty();
        numbered.then(|| taxon.parse().ok()).flatten()
    }

    /// Whether it has the form of a `UniProt` accession or of an isoform of one.
    pub fn is_uniprot(&self) -> bool {
        is_uniprot(&self.0) || self.parent().is_some()
    }
}

/// `[OPQ][0-9][A-Z0-9]{3}[0-9]` or `[A-NR-Z][0-9]([A-Z][A-Z0-9]{2}[0-9]){1,2}`.
fn is_uniprot(text: &str) -> bool {
    let upper_or_digit = |c: &u8| c.is_ascii_uppercase() || c.is_ascii_digit();
    match text.as_bytes() {
        [b'O' | b'P' | b'Q', first, middle @ .., last] => {
            middle.len() == 3
                && first.is_ascii_digit()
                && middle.iter().all(upper_or_digit)
                && last.is_ascii_digit()
        }
        [b'A'..=b'N' | b'R'..=b'Z', first, groups @ ..] => {
            first.is_ascii_digit()
                && matches!(groups.len(), 4 | 8)
                && groups.chunks_exact(4).all(|group| {
                    group[0].is_ascii_uppercase()
                        && group[1..3].iter().all(upper_or_digit)
                        && group[3].is_ascii_digit()
                })
        }
        _ => false,
    }
}

impl FromStr for Accession {
    type Err = AccessionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.chars().find(|c| !c.is_ascii_graphic()) {
            Some(character) => Err(AccessionError::Character(character)),
            None if text.is_empty() => Err(AccessionError::Empty),
            None if text.len() > Self::MAX_LENGTH => Err(AccessionError::TooLong(text.len())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Accession {
    type Error = AccessionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Accession> for String {
    fn from(accession: Accession) -> Self {
        accession.0
    }
}

impl fmt::Display for Accession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The residues of one protein, upper case, and their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProteinSequence {
    residues: String,
    digest: Digest,
}

/// A text that is not a protein sequence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// No residue at all.
    #[error("empty sequence")]
    Empty,
    /// A character that stands for no residue.
    #[error("character {character:?} at residue {position}, which stands for no amino acid")]
    Residue {
        /// The offending character.
        character: char,
        /// Its position, counted from 1.
        position: usize,
    },
}

impl ProteinSequence {
    /// The residues, one upper-case letter each.
    pub fn residues(&self) -> &str {
        &self.residues
    }

    /// The number of residues.
    pub fn len(&self) -> usize {
        self.residues.len()
    }

    /// Whether there is no residue; never true for a parsed sequence.
    pub fn is_empty(&self) -> bool {
        self.residues.is_empty()
    }

    /// The SHA-256 of the residues: equal sequences share one embedding, whatever their names.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl FromStr for ProteinSequence {
    type Err = SequenceError;

    /// Accepts the 26 letters in either case (the twenty amino acids, selenocysteine `U`,
    /// pyrrolysine `O`, the ambiguity codes `B`, `Z`, `J`, `X`) and stop characters `*` at the end.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let residues = text.trim_end_matches('*').to_ascii_uppercase();
        if residues.is_empty() {
            return Err(SequenceError::Empty);
        }
        let wrong = residues.chars().enumerate().find(|(_, c)| !c.is_ascii_uppercase());
        if let Some((index, character)) = wrong {
            return Err(SequenceError::Residue { character, position: index + 1 });
        }
        let digest = Digest::of(residues.as_bytes());
        Ok(Self { residues, digest })
    }
}

/// An unordered pair of proteins, the smaller accession first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProteinPair {
    first: Accession,
    second: Accession,
}

impl ProteinPair {
    /// The pair of `one` and `other`, in whichever order they come.
    pub fn new(one: Accession, other: Accession) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self { first, second }
    }

    /// The smaller accession.
    pub fn first(&self) -> &Accession {
        &self.first
    }

    /// The larger accession, or the same one in a self-pair.
    pub fn second(&self) -> &Accession {
        &self.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accession(text: &str) -> Accession {
        text.parse().unwrap()
    }

    #[test]
    fn isoforms_have_parents_and_other_names_do_not() {
        assert_eq!(accession("P23560-2").parent(), Some(accession("P23560")));
        assert_eq!(accession("A0A023GPI8-1").parent(), Some(accession("A0A023GPI8")));
        for text in ["P23560", "P23560-", "P23560-x", "YAL001C-1", "gene-2"] {
            assert_eq!(accession(text).parent(), None, "{text}");
        }
        for text in ["P23560", "A0A023GPI8", "P23560-2"] {
            assert!(accession(text).is_uniprot(), "{text}");
        }
        for text in ["p23560", "P23560[1-9]", "YAL001C", "P2356", "P23560-"] {
            assert!(!accession(text).is_uniprot(), "{text}");
        }
    }

    #[test]
    fn names_of_string_tell_their_taxon() {
        for (text, taxon) in [
            ("9606.ENSP00000000233", Some(9606)),
            ("511145.b0001", Some(511_145)),
            ("4932.YAL001C.x", Some(4932)),
            ("P23560", None),
            ("9606", None),
            ("9606.", None),
            (".ENSP00000000233", None),
            ("+9606.x", None),
            ("ENSP00000000233.2", None),
            ("99999999999.x", None),
        ] {
            assert_eq!(accession(text).taxon(), taxon, "{text}");
            assert!(taxon.is_none() || !accession(text).is_uniprot(), "{text}");
        }
    }

    #[test]
    fn identifiers_are_short_printable_ascii() {
        assert_eq!("".parse::<Accession>(), Err(AccessionError::Empty));
        assert_eq!("P1 2".parse::<Accession>(), Err(AccessionError::Character(' ')));
        assert_eq!("Pé".parse::<Accession>(), Err(AccessionError::Character('é')));
        assert_eq!("P".repeat(65).parse::<Accession>(), Err(AccessionError::TooLong(65)));
    }

    #[test]
    fn sequences_are_upper_cased_and_lose_the_final_stop() {
        let sequence: ProteinSequence = "mkvUOBZJX*".parse().unwrap();
        assert_eq!(sequence.residues(), "MKVUOBZJX");
        assert_eq!(sequence.digest(), Digest::of(b"MKVUOBZJX"));
        let error = "MK*V".parse::<ProteinSequence>().unwrap_err();
        assert_eq!(error, SequenceError::Residue { character: '*', position: 3 });
        assert_eq!("*".parse::<ProteinSequence>(), Err(SequenceError::Empty));
    }

    #[test]
    fn pairs_are_unordered() {
        let pair = ProteinPair::new(accession("Q2"), accession("P1"));
        assert_eq!(pair, ProteinPair::new(accession("P1"), accession("Q2")));
        assert_eq!(pair.first().as_str(), "P1");
    }
}
