//! Sequences: the residues of each protein, from FASTA files and from `UniProt`.

mod error;
mod fasta;
pub mod uniprot;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::protein::{Accession, ProteinSequence};
use crate::storage::{SourceFile, source_files};

pub use error::{Error, Place};
pub use fasta::identifier;

/// Where sequences come from besides the user's files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What becomes of proteins that the files do not cover.
    pub missing: MissingSequences,
    /// How they are fetched.
    pub uniprot: uniprot::Settings,
}

/// What becomes of proteins without sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingSequences {
    /// Their pairs are left out, and counted.
    Drop,
    /// `UniProt` is asked.
    Fetch,
}

/// The sequences of all files and fetches, each accession once.
#[derive(Clone, Debug, Default)]
pub struct SequenceSet {
    entries: Vec<Entry>,
    index: HashMap<Accession, usize>,
    duplicates: usize,
    sources: Vec<SourceFile>,
}

/// One protein.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identifier.
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

    /// Whether `accession` has a sequence of its own.
    pub fn has_own(&self, accession: &Accession) -> bool {
        self.index.contains_key(accession)
    }

    /// How many of `accessions` are isoforms that fall back to their parent's sequence.
    pub fn isoform_fallbacks<'a>(
        &self,
        accessions: impl IntoIterator<Item = &'a Accession>,
    ) -> usize {
        let parent = |accession: &&Accession| matches!(self.get(accession), Some(Found::Parent(_)));
        accessions.into_iter().filter(parent).count()
    }

    /// Adds proteins; what is there stays as it is.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            if let Slot::Vacant(slot) = self.index.entry(entry.accession.clone()) {
                slot.insert(self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    /// All proteins in the order of the files, and behind them those that were added.
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
