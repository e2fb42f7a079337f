//! Clusters by `MMseqs2` (Steinegger and Söding 2017, 10.1038/nbt.3988), where it is installed.
//!
//! It finds more distant relatives than shared 5-mers do, by alignments. What it has put together
//! stays together, and that is all it promises: pairs are found by a prefilter, and its later
//! steps compare representatives alone, so that proteins of two clusters may still be similar.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ClusterTableError, Clustering, Clusters, read_clusters};
use crate::process::{self, ProcessError};
use crate::protein::{Accession, ProteinSequence};
use crate::shutdown::Shutdown;
use crate::storage::{self, ScratchFolder, StorageError};

const PROGRAM: &str = "mmseqs";
/// Begins the names that sequences get, followed by their numbers; no name of the input leaves us.
const PREFIX: char = 'S';

/// How `MMseqs2` has found clusters, for the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mmseqs {
    /// What `mmseqs version` says.
    pub version: String,
    /// The sequence identity from which on two proteins are connected, `--min-seq-id`.
    pub min_seq_id: f64,
    /// The share of both proteins that must be aligned, `-c` with `--cov-mode 0`.
    pub coverage: f64,
}

/// Why `MMseqs2` has given no clusters.
#[derive(Debug, thiserror::Error)]
pub enum MmseqsError {
    /// It is not there.
    #[error(
        "`cluster_by` is `mmseqs`, and `mmseqs` is not installed or not in `PATH`; install MMseqs2, \
         give its clusters with `--clusters`, or use `cluster_by=kmers`"
    )]
    Absent,
    /// It failed, or was stopped.
    #[error(transparent)]
    Process(ProcessError),
    /// The files that it reads and writes.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What it has written is no table of clusters.
    #[error("`mmseqs` has written something else than clusters: {0}")]
    Table(#[from] ClusterTableError),
    /// A table of other sequences than it was given.
    #[error(
        "`mmseqs` has put {listed} of {given} sequences into clusters; use another release of MMseqs2, \
         or `cluster_by=kmers`"
    )]
    Incomplete {
        /// The sequences that it lists.
        listed: usize,
        /// Those that it was given.
        given: usize,
    },
}

impl From<ProcessError> for MmseqsError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Absent(_) => Self::Absent,
            error => Self::Process(error),
        }
    }
}

/// Clusters of `sequences`, in the order of [`Catalogue::sequences`](super::Catalogue::sequences),
/// by `mmseqs easy-cluster`: two proteins are connected if an alignment that covers enough of both
/// is identical enough, and what is connected is a cluster.
pub fn mmseqs_clusters(
    sequences: &[&ProteinSequence],
    settings: &Clustering,
    scratch: &ScratchFolder,
    shutdown: &Shutdown,
) -> Result<Clusters, MmseqsError> {
    let version = process::run(PROGRAM, &[OsStr::new("version")], shutdown)?.trim().to_owned();
    let place = |name: &str| scratch.path().join(name);
    let (fasta, found, work) = (place("sequences.fasta"), place("found"), place("work"));
    storage::write_atomic(&fasta, numbered(sequences).as_bytes())?;
    let Clustering { min_seq_id, coverage, .. } = *settings;
    let (identity, share) = (min_seq_id.to_string(), coverage.to_string());
    let settings =
        ["--min-seq-id", &identity, "-c", &share, "--cov-mode", "0", "--cluster-mode", "1"];
    let mut arguments = vec![OsStr::new("easy-cluster")];
    arguments.extend([&fasta, &found, &work].map(|path| path.as_os_str()));
    // Of what it writes, errors are all that is read.
    arguments.extend(settings.into_iter().chain(["-v", "1"]).map(OsStr::new));
    process::run(PROGRAM, &arguments, shutdown)?;
    let links = links(&place("found_cluster.tsv"), sequences.len())?;
    let mmseqs = Mmseqs { version, min_seq_id, coverage };
    Ok(Clusters::by_mmseqs(sequences.len(), &links, mmseqs))
}

/// The sequences as FASTA, named by their numbers.
fn numbered(sequences: &[&ProteinSequence]) -> String {
    let mut text = String::new();
    for (number, sequence) in sequences.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, ">{PREFIX}{number}\n{}", sequence.residues());
    }
    text
}

/// The rows of a table of `given` numbered sequences, which must list them all.
fn links(path: &Path, given: usize) -> Result<Vec<(usize, usize)>, MmseqsError> {
    let number = |name: &Accession| {
        let number = name.as_str().strip_prefix(PREFIX)?.parse().ok();
        number.filter(|number| *number < given)
    };
    let table = read_clusters(path)?;
    let links = table.links.iter().map(|(one, other)| Some((number(one)?, number(other)?)));
    let links: Vec<_> = links.flatten().collect();
    let mut is_listed = vec![false; given];
    links.iter().for_each(|(_, member)| is_listed[*member] = true);
    let listed = is_listed.into_iter().filter(|listed| *listed).count();
    match listed == given {
        true => Ok(links),
        false => Err(MmseqsError::Incomplete { listed, given }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ClusterMethod;
    use super::*;

    fn read(content: &str, given: usize) -> Result<Vec<(usize, usize)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("found_cluster.tsv");
        storage::write_atomic(&path, content.as_bytes()).unwrap();
        let hide = |error: MmseqsError| {
            error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
        };
        links(&path, given).map_err(hide)
    }

    #[test]
    fn every_sequence_has_a_row_by_its_number() {
        assert_eq!(read("S1\tS1\nS1\tS0\nS2\tS2\n", 3), Ok(vec![(1, 1), (1, 0), (2, 2)]));
    }

    #[test]
    fn a_table_of_other_sequences_is_refused() {
        insta::assert_snapshot!(read("S1\tS1\nS7\tS0\n", 2).unwrap_err(), @"`mmseqs` has put 1 of 2 sequences into clusters; use another release of MMseqs2, or `cluster_by=kmers`");
        insta::assert_snapshot!(read("", 2).unwrap_err(), @"`mmseqs` has written something else than clusters: `FOLDER/found_cluster.tsv` lists no cluster: expected a representative, a tab and a member per line");
    }

    #[test]
    fn the_installed_program_puts_relatives_together() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = ScratchFolder::new(folder.path()).unwrap();
        let mut state: u32 = 1;
        let mut residue = || {
            // Numerical Recipes' generator, whose upper bits will do.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b"ACDEFGHIKLMNPQRSTVWY"[(state >> 16) as usize % 20])
        };
        let mut texts: Vec<String> =
            (0..3).map(|_| (0..200).map(|_| residue()).collect()).collect();
        // Every fourth residue is another one: no 5-mer is left, and more than two thirds are equal.
        let relative = |(at, residue)| if at % 4 == 0 { 'W' } else { residue };
        texts.push(texts[1].chars().enumerate().map(relative).collect());
        let sequences: Vec<ProteinSequence> = texts.iter().map(|t| t.parse().unwrap()).collect();
        let sequences: Vec<_> = sequences.iter().collect();
        let settings = Clustering { by: ClusterMethod::Mmseqs, min_seq_id: 0.3, coverage: 0.5 };
        let clusters = match mmseqs_clusters(&sequences, &settings, &scratch, &Shutdown::default())
        {
            Err(MmseqsError::Absent) => {
                return eprintln!(
                    "skipped: the_installed_program_puts_relatives_together: no mmseqs"
                );
            }
            clusters => clusters.unwrap(),
        };
        assert_eq!([0, 1, 2, 3].map(|sequence| clusters.of(sequence)), [0, 1, 2, 1]);
        assert!(!clusters.mmseqs().unwrap().version.is_empty());
    }

    #[test]
    fn names_of_the_input_do_not_leave() {
        let sequences = ["ACDEF", "MKV"].map(|text| text.parse::<ProteinSequence>().unwrap());
        let sequences: Vec<_> = sequences.iter().collect();
        assert_eq!(numbered(&sequences), ">S0\nACDEF\n>S1\nMKV\n");
    }
}
