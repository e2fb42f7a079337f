//! The FASTA format, one line at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::path::{Path, PathBuf};

use super::{Entry, Error, Place, SequenceSet};
use crate::protein::{Accession, ProteinSequence, SequenceError};
use crate::storage::{Lines, SourceFile};

/// More residues than any protein has; the longest known has 45,212 (PKZILLA-1, Fallon et al. 2024,
/// doi:10.1126/science.ado3290).
pub(super) const LONGEST_PROTEIN: usize = 1_000_000;

/// Collects the records of one file after the other.
#[derive(Default)]
pub(super) struct Reader {
    entries: Vec<Entry>,
    index: HashMap<Accession, usize>,
    /// The header of each entry: the number of its file, and the line.
    headers: Vec<(usize, usize)>,
    duplicates: usize,
    sources: Vec<SourceFile>,
    paths: Vec<PathBuf>,
}

/// A record whose end has not been seen.
struct Record {
    accession: Accession,
    header: usize,
    residues: String,
    /// For each line the residues before it and its number, to find a residue's line again.
    lines: Vec<(usize, usize)>,
}

impl Reader {
    /// Adds the records of a file.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), Error> {
        let (mut lines, source) = Lines::open(path)?;
        self.sources.push(source);
        self.paths.push(path.to_owned());
        let mut open: Option<Record> = None;
        while let Some((number, line)) = lines.next_line()? {
            let line = line.trim();
            match (line.strip_prefix('>'), &mut open) {
                (Some(header), record) => {
                    let accession = identifier(header).parse();
                    let accession = accession
                        .map_err(|source| Error::Header { place: self.place(number), source })?;
                    if let Some(record) = record.replace(Record::new(accession, number)) {
                        self.close(record)?;
                    }
                }
                (None, Some(record)) if record.residues.len() + line.len() > LONGEST_PROTEIN => {
                    let (place, accession) = (self.place(record.header), record.accession.clone());
                    return Err(Error::TooLong { place, accession, limit: LONGEST_PROTEIN });
                }
                (None, Some(record)) => record.add(number, line),
                (None, None) => return Err(Error::NoHeader { place: self.place(number) }),
            }
        }
        match open {
            Some(record) => self.close(record),
            None => Err(Error::Empty { path: path.to_owned() }),
        }
    }

    /// The sequences of all files.
    pub(super) fn finish(self) -> SequenceSet {
        let Self { entries, index, duplicates, sources, .. } = self;
        SequenceSet { entries, index, duplicates, sources }
    }

    fn close(&mut self, record: Record) -> Result<(), Error> {
        let sequence = match record.residues.parse::<ProteinSequence>() {
            Ok(sequence) => sequence,
            Err(source) => {
                let place = self.place(record.line_of(&source));
                return Err(Error::Sequence { place, accession: record.accession, source });
            }
        };
        match self.index.entry(record.accession.clone()) {
            Slot::Vacant(slot) => {
                slot.insert(self.entries.len());
                self.entries.push(Entry { accession: record.accession, sequence });
                self.headers.push((self.paths.len() - 1, record.header));
                Ok(())
            }
            Slot::Occupied(slot) if self.entries[*slot.get()].sequence == sequence => {
                self.duplicates += 1;
                Ok(())
            }
            Slot::Occupied(slot) => {
                let (file, line) = self.headers[*slot.get()];
                let first = Place { path: self.paths[file].clone(), line };
                let second = self.place(record.header);
                Err(Error::Contradiction { accession: record.accession, first, second })
            }
        }
    }

    /// A line of the file that was opened last.
    fn place(&self, line: usize) -> Place {
        Place { path: self.paths.last().cloned().unwrap_or_default(), line }
    }
}

impl Record {
    fn new(accession: Accession, header: usize) -> Self {
        Self { accession, header, residues: String::new(), lines: Vec::new() }
    }

    fn add(&mut self, number: usize, line: &str) {
        self.lines.push((self.residues.len(), number));
        self.residues.push_str(line);
    }

    fn line_of(&self, error: &SequenceError) -> usize {
        let SequenceError::Residue { position, .. } = error else { return self.header };
        let before = |(start, _): &&(usize, usize)| start < position;
        self.lines.iter().rfind(before).map_or(self.header, |(_, number)| *number)
    }
}

/// The identifier in a header: the accession between the bars of `UniProt`'s form, or else
/// everything before the first space.
pub fn identifier(header: &str) -> &str {
    let word = header.split_whitespace().next().unwrap_or("");
    let mut parts = word.split('|');
    match (parts.next(), parts.next()) {
        (Some("sp" | "tr"), Some(accession)) => accession,
        _ => word,
    }
}
