//! Sequences: the residues of each protein, from FASTA files.

mod error;
mod fasta;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::protein::{Accession, ProteinSequence};
use crate::storage::{SourceFile, source_files};

pub use error::{Error, Place};
pub use fasta::identifier;

/// The sequences of all files, each accession once.
#[derive(Clone, Debug)]
pub struct SequenceSet {
    entries: Vec<Entry>,
    index: HashMap<Accession, usize>,
    duplicates: usize,
    sources: Vec<SourceFile>,
}

/// One protein of a FASTA file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The identifier in the header.
    pub accession: Accession,
    /// The residues.
    pub sequence: ProteinSequence,
}

/// The sequence that stands for an accession.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'s> {
    /// The protein's own.
    Own(&'s ProteinSequence),
    /// That of the canonical protein, because the isoform asked for is not there.
    Parent(&'s ProteinSequence),
}

/// Reads FASTA files, and all files of folders, as one set of sequences.
///
/// Headers are those of `UniProt` (`>sp|P12345|NAME ...`, `>tr|...`) or start with the bare
/// identifier. Files may be gzip; residues may be lower case and end in `*`.
pub fn read(paths: &[PathBuf]) -> Result<SequenceSet, Error> {
    let mut reader = fasta::Reader::default();
    for path in paths {
        let files = source_files(path)?;
        if files.is_empty() {
            return Err(Error::NoFile { path: path.clone() });
        }
        files.iter().try_for_each(|file| reader.read(file))?;
    }
    Ok(reader.finish())
}

impl SequenceSet {
    /// The sequence of `accession` or, for an isoform that is not there, of its parent.
    pub fn get(&self, accession: &Accession) -> Option<Found<'_>> {
        let own = |accession| self.index.get(accession).map(|at| &self.entries[*at].sequence);
        match own(accession) {
            Some(sequence) => Some(Found::Own(sequence)),
            None => own(&accession.parent()?).map(Found::Parent),
        }
    }

    /// How many of `accessions` are isoforms that fall back to their parent's sequence.
    pub fn isoform_fallbacks<'a>(
        &self,
        accessions: impl IntoIterator<Item = &'a Accession>,
    ) -> usize {
        let parent = |accession: &&Accession| matches!(self.get(accession), Some(Found::Parent(_)));
        accessions.into_iter().filter(parent).count()
    }

    /// All proteins in the order of the files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The number of proteins.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no protein.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Records left out because an earlier one has the same accession and sequence.
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// The files that were read, in order.
    pub fn sources(&self) -> &[SourceFile] {
        &self.sources
    }
}

impl<'s> Found<'s> {
    /// The sequence, whosever it is.
    pub fn sequence(self) -> &'s ProteinSequence {
        match self {
            Self::Own(sequence) | Self::Parent(sequence) => sequence,
        }
    }
}

#[cfg(test)]
mod tests;
