//! The rows of a space for other programs, one shard in memory at a time.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::inventory::SpaceInventory;
use super::npy;
use super::whole::WholeShard;
use super::{Cache, CacheError, go_on};
use crate::digest::Digest;
use crate::protein::Accession;
use crate::shutdown::Shutdown;
use crate::storage::{self, Context};

/// What an export is made of.
pub struct Export<'a> {
    /// Where the shards are.
    pub cache: &'a Cache,
    /// Which of them.
    pub space: &'a SpaceInventory,
    /// The names of sequences; without it they are called by their digests alone.
    pub names: Option<&'a HashMap<Digest, Vec<Accession>>>,
    /// Read between shards.
    pub shutdown: &'a Shutdown,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `embeddings.npy`, `[n, d]` in the number format of the store, and `keys.tsv`, its rows. Rows
    /// are sorted by the digest of the sequence, so that the files do not depend on the shards.
    Npy,
    /// `embeddings.parquet` with the columns `sha256`, `residues`, `accessions` and `embedding`.
    Parquet,
}

/// A row of a shard that is wanted, and its place in the order of all keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) row: usize,
    pub(super) place: usize,
}

/// Writes every sequence of a space into the folder `out`; gives their number.
///
/// A sequence that several shards hold is written as readers see it. The embeddings come last: where
/// they are, everything is.
pub fn export(job: &Export<'_>, format: Format, out: &Path) -> Result<usize, CacheError> {
    let write = match format {
        Format::Npy => npy::write,
        #[cfg(feature = "parquet")]
        Format::Parquet => super::parquet_file::write,
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => return Err(CacheError::NoParquet),
    };
    storage::create_folder(out)?;
    let rows = job.space.view();
    write(job, &rows, out)?;
    Ok(rows.len())
}

/// Sequences with shard and row, sorted by sequence.
pub(super) type Rows = [(Digest, u32, u32)];

impl Export<'_> {
    /// Calls `take` with every shard that has rows to write, in order of their names.
    pub(super) fn each_shard(
        &self,
        rows: &Rows,
        mut take: impl FnMut(&WholeShard, &[Wanted]) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        let mut by_shard: Vec<_> =
            rows.iter().zip(0..).map(|((_, shard, row), place)| (*shard, *row, place)).collect();
        by_shard.sort_unstable();
        for part in by_shard.chunk_by(|one, next| one.0 == next.0) {
            go_on(self.shutdown)?;
            let entry = &self.space.shards[part[0].0 as usize];
            let shard = WholeShard::read(self.cache, self.space, &entry.name)?;
            if shard.index != entry.index {
                // The index came without a checksum of the whole.
                let uri = self.cache.uri_of(&self.cache.shard_key(&self.space.id, &entry.name));
                let problem = "it reads differently the second time".to_owned();
                return Err(CacheError::Damaged { uri, problem });
            }
            let wanted: Vec<_> = part
                .iter()
                .map(|(_, row, place)| Wanted { row: *row as usize, place: *place })
                .collect();
            take(&shard, &wanted)?;
        }
        Ok(())
    }

    /// The names of a sequence between commas; empty if nobody names it.
    pub(super) fn accessions(&self, key: &Digest) -> String {
        let names = self.names.and_then(|names| names.get(key)).map_or(&[][..], Vec::as_slice);
        names.iter().map(Accession::as_str).collect::<Vec<_>>().join(",")
    }

    /// Writes `keys.tsv` beside the embeddings.
    pub(super) fn write_keys(&self, rows: &Rows, path: &Path) -> Result<(), CacheError> {
        let named = self.names.is_some();
        storage::write_stream(path, |file: &mut File| {
            let mut file = BufWriter::new(file);
            let mut line =
                format!("row\tsha256\tresidues{}\n", if named { "\taccessions" } else { "" });
            for (place, (key, shard, row)) in rows.iter().enumerate() {
                let residues = self.space.shards[*shard as usize].index.residues[*row as usize];
                // Writing to a string cannot fail.
                let _ = write!(line, "{place}\t{key}\t{residues}");
                if named {
                    let _ = write!(line, "\t{}", self.accessions(key));
                }
                line.push('\n');
                file.write_all(line.as_bytes()).context("write", path)?;
                line.clear();
            }
            file.write_all(line.as_bytes()).and_then(|()| file.flush()).context("write", path)?;
            Ok(())
        })
    }
}

/// Refuses to replace a result.
pub(super) fn absent(path: &Path) -> Result<(), CacheError> {
    match path.exists() {
        true => Err(CacheError::Exists(path.to_owned())),
        false => Ok(()),
    }
}
