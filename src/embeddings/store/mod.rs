//! The embedding store: immutable, content-addressed shards below one folder per space.
//!
//! ```text
//! v1/<space id>/space.json                   written once; must equal ours byte for byte
//!              /shards/<sha256>.safetensors  see `shard`
//!              /plans/<set digest>-<token budget>-<number>.json
//!                                            unit plans, written once
//!              /quarantine/                  shards that failed verification
//! ```
//!
//! Any number of processes may use one store: names are digests of contents, so equal names are
//! equal files and a duplicate row is harmless. Nothing here is ever changed in place.

mod shard;
pub mod upkeep;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::warn;

use super::space::EmbeddingSpace;
use crate::digest::Digest;
use crate::storage::{self, Created, StorageError};
use shard::{Shard, ShardWriter};

/// A shard is sealed when its rows reach this size,
const SEAL_BYTES: usize = 32 << 20;
/// or this number,
const SEAL_ROWS: usize = 8192;
/// or this age; all as in the format's description.
const SEAL_AGE: Duration = Duration::from_secs(30);
/// No shard that Dyad writes is near this size; a larger file is not read.
const MAX_SHARD_BYTES: u64 = 1 << 30;
const MAX_PLAN_BYTES: u64 = 256 << 20;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder holds another space under this space's name.
    #[error(
        "`{0}` describes another embedding space than its folder name says; move the folder away"
    )]
    ForeignSpace(PathBuf),
    /// A row was asked for that nobody computed.
    #[error("the embedding of sequence `{0}` is not in the store")]
    Absent(Digest),
    /// A shard that was fine when the store was opened is not any more.
    #[error("`{path}` changed while it was in use: {problem}; run again to recompute its rows")]
    Changed {
        /// The shard.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Where a row lies.
#[derive(Clone, Copy, Debug)]
struct Location {
    shard: Digest,
    row: usize,
}

/// An embedding to keep.
#[derive(Clone, Debug)]
pub struct Row {
    /// The digest of the sequence.
    pub key: Digest,
    /// The number of residues of the sequence.
    pub residues: u32,
    /// The embedding.
    pub values: Vec<f32>,
}

/// The embeddings of one space in one folder.
#[derive(Debug)]
pub struct EmbeddingStore {
    folder: PathBuf,
    space: EmbeddingSpace,
    engine: String,
    index: BTreeMap<Digest, Location>,
    open: BTreeMap<Digest, Row>,
    opened_at: Instant,
}

impl EmbeddingStore {
    /// Opens the store of `space` below `root`, verifying every shard; damaged shards are moved to
    /// quarantine and their rows count as absent. `engine` names what will compute new rows.
    pub fn open(root: &Path, space: EmbeddingSpace, engine: &str) -> Result<Self, StoreError> {
        let folder = root.join("v1").join(space.id());
        for part in ["shards", "plans"] {
            storage::create_folder(&folder.join(part))?;
            storage::remove_temporaries(&folder.join(part))?;
        }
        let description = folder.join("space.json");
        let ours = space.canonical_json();
        if storage::create_once(&description, &ours)? == Created::Existed
            && storage::read(&description, 1 << 20)? != ours
        {
            return Err(StoreError::ForeignSpace(description));
        }
        let mut store = Self {
            folder,
            space,
            engine: engine.to_owned(),
            index: BTreeMap::new(),
            open: BTreeMap::new(),
            opened_at: Instant::now(),
        };
        store.scan()?;
        Ok(store)
    }

    /// The space of the embeddings.
    pub fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    /// Whether the embedding of a sequence is there, sealed or not.
    pub fn contains(&self, key: &Digest) -> bool {
        self.index.contains_key(key) || self.open.contains_key(key)
    }

    /// Adds the rows of one unit; those already there are kept as they are. Seals the open shard
    /// when it is large or old enough.
    pub fn append(&mut self, rows: Vec<Row>) -> Result<(), StoreError> {
        if self.open.is_empty() {
            self.opened_at = Instant::now();
        }
        for row in rows {
            if !self.index.contains_key(&row.key) {
                self.open.entry(row.key).or_insert(row);
            }
        }
        let bytes = self.open.len() * self.space.dimension * size_of::<f32>();
        let old = self.opened_at.elapsed() >= SEAL_AGE;
        if bytes >= SEAL_BYTES || self.open.len() >= SEAL_ROWS || old {
            self.seal()?;
        }
        Ok(())
    }

    /// Writes the open shard, so that its rows survive whatever comes.
    pub fn seal(&mut self) -> Result<(), StoreError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let rows: Vec<Row> = std::mem::take(&mut self.open).into_values().collect();
        let bytes = ShardWriter { space: &self.space, engine: &self.engine }.write(&rows);
        let name = Digest::of(&bytes);
        storage::create_once(&self.shard_path(&name), &bytes)?;
        self.add(name, rows.iter().map(|row| row.key));
        Ok(())
    }

    /// The embeddings of `keys` in that order, `[keys, dimension]`; keys must be sealed.
    ///
    /// Shards and rows are verified again.
    pub fn load(&self, keys: &[Digest]) -> Result<Vec<f32>, StoreError> {
        let dimension = self.space.dimension;
        let mut wanted: BTreeMap<Digest, Vec<(usize, usize)>> = BTreeMap::new();
        for (position, key) in keys.iter().enumerate() {
            let location = self.index.get(key).ok_or(StoreError::Absent(*key))?;
            wanted.entry(location.shard).or_default().push((position, location.row));
        }
        let mut table = vec![0.0; keys.len() * dimension];
        for (name, rows) in wanted {
            let path = self.shard_path(&name);
            let changed = |problem| StoreError::Changed { path: path.clone(), problem };
            let bytes = storage::read(&path, MAX_SHARD_BYTES)?;
            let shard = self.verify(&name, &bytes).map_err(changed)?;
            for (position, row) in rows {
                let target = &mut table[position * dimension..][..dimension];
                shard.read_row(row, target).map_err(changed)?;
            }
        }
        Ok(table)
    }

    /// The unit plan of this name: the one written first, whatever it holds.
    pub(super) fn plan_once(&self, name: &str, plan: &[u8]) -> Result<Vec<u8>, StoreError> {
        let path = self.folder.join("plans").join(format!("{name}.json"));
        match storage::create_once(&path, plan)? {
            Created::New => Ok(plan.to_vec()),
            Created::Existed => Ok(storage::read(&path, MAX_PLAN_BYTES)?),
        }
    }

    fn shard_path(&self, name: &Digest) -> PathBuf {
        self.folder.join("shards").join(format!("{name}.safetensors"))
    }

    fn scan(&mut self) -> Result<(), StoreError> {
        for name in storage::list(&self.folder.join("shards"))? {
            let Some(Ok(name)) = name.strip_suffix(".safetensors").map(str::parse::<Digest>) else {
                warn!(file = %name, "a file that is no shard lies among the shards; ignored");
                continue;
            };
            let bytes = match storage::read(&self.shard_path(&name), MAX_SHARD_BYTES) {
                // Another process has moved it to quarantine.
                Err(error) if error.source.kind() == ErrorKind::NotFound => continue,
                Err(error) if error.source.kind() == ErrorKind::InvalidData => {
                    self.quarantine(&name, &error.source.to_string())?;
                    continue;
                }
                bytes => bytes?,
            };
            let verified = self.verify(&name, &bytes);
            match verified.and_then(|shard| shard.check_rows(self.space.dimension).map(|()| shard))
            {
                Ok(shard) => self.add(name, shard.keys()),
                Err(problem) => self.quarantine(&name, &problem)?,
            }
        }
        Ok(())
    }

    /// The shard `name` whose bytes are `bytes`, or what is wrong with them.
    fn verify<'a>(&self, name: &Digest, bytes: &'a [u8]) -> Result<Shard<'a>, String> {
        match Digest::of(bytes) == *name {
            true => Shard::parse(bytes, &self.space),
            false => Err("its SHA-256 is not its name".to_owned()),
        }
    }

    /// Rows that several shards hold are read from the one with the smallest name.
    fn add(&mut self, shard: Digest, keys: impl Iterator<Item = Digest>) {
        for (row, key) in keys.enumerate() {
            let location = self.index.entry(key).or_insert(Location { shard, row });
            if shard < location.shard {
                *location = Location { shard, row };
            }
        }
    }

    fn quarantine(&self, name: &Digest, problem: &str) -> Result<(), StoreError> {
        let folder = self.folder.join("quarantine");
        storage::create_folder(&folder)?;
        let from = self.shard_path(name);
        warn!(shard = %from.display(), problem, "damaged shard moved to quarantine; its rows are recomputed");
        match storage::rename(&from, &folder.join(format!("{name}.safetensors"))) {
            // Another process was faster.
            Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(()),
            moved => Ok(moved?),
        }
    }
}

#[cfg(test)]
mod tests;
