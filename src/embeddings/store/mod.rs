//! The embedding store: immutable, content-addressed shards below one folder per space.
//!
//! ```text
//! v1/<space id>/space.json                   written once; must equal ours byte for byte
//!              /shards/<sha256>.safetensors  see `shard`
//!              /plans/<set digest>-<token budget>-<number>.json
//!                                            unit plans, written once
//!              /plans/<set digest>-<token budget>-memory-<number>.json
//!                                            budgets reduced after out-of-memory, written once
//!              /quarantine/                  shards that failed verification
//! ```
//!
//! Any number of processes may use one store: names are digests of contents, so equal names are
//! equal files and a duplicate row is harmless. Nothing here is ever changed in place. With a
//! bucket, the same layout lies below `cache/` there and the folder is its scratch copy: shards are
//! fetched when their rows are needed, and uploaded when they are sealed.

mod distant;
mod folder;
mod index;
mod pin;
mod shard;
pub mod upkeep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::space::EmbeddingSpace;
use crate::digest::Digest;
use crate::storage::remote::RemoteError;
use crate::storage::sync::{Remote, SharedError, SharedFolder};
use crate::storage::{self, StorageError};
use index::Index;
pub use pin::Pin;
use shard::ShardWriter;

/// A shard is sealed when its rows reach this size,
const SEAL_BYTES: usize = 32 << 20;
/// or this number,
const SEAL_ROWS: usize = 8192;
/// or this age, unless [`EmbeddingStore::seal_after`] says otherwise.
const SEAL_AGE: Duration = Duration::from_secs(30);
/// No shard that Dyad writes is near this size; a larger file is not read.
const MAX_SHARD_BYTES: u64 = 1 << 30;
const MAX_PLAN_BYTES: u64 = 256 << 20;
const SPACE: &str = "space.json";
const MAX_SPACE_BYTES: u64 = 1 << 20;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bucket refuses what a job needs.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A file that machines share could not be had.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// A folder, here or in the bucket, holds another space under this space's name.
    #[error(
        "`{0}` describes another embedding space than its folder name says; move the folder away"
    )]
    ForeignSpace(String),
    /// The run's pin is damaged.
    #[error(
        "{places} cannot be used: {problem}; remove it, and the run is pinned anew to what the \
         cache holds"
    )]
    Pin {
        /// Where it lies.
        places: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A stop was asked for while shards were fetched.
    #[error("stopped while embeddings were fetched")]
    Stopped,
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

/// Where embeddings are kept.
#[derive(Clone, Debug)]
pub struct CacheLocation {
    /// The folder that this process reads and writes.
    pub folder: PathBuf,
    /// A store of an earlier attempt that had no bucket: its shards are taken over, and it stays
    /// as it is.
    pub adopted: Option<PathBuf>,
    /// The bucket that shares them.
    pub remote: Option<Remote>,
}

impl From<&Path> for CacheLocation {
    /// The folder alone.
    fn from(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), adopted: None, remote: None }
    }
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

/// The embeddings of one space.
#[derive(Debug)]
pub struct EmbeddingStore {
    folder: PathBuf,
    space: EmbeddingSpace,
    engine: String,
    remote: Option<Remote>,
    index: Index,
    /// Shards in the folder that were verified.
    local: BTreeSet<Digest>,
    /// Shards that the bucket is known to hold.
    distant: BTreeSet<Digest>,
    /// Shards in the bucket that cannot be used.
    unusable: BTreeSet<Digest>,
    /// When the bucket was last listed.
    listed_at: Instant,
    open: BTreeMap<Digest, Row>,
    opened_at: Instant,
    seal_age: Duration,
}

impl EmbeddingStore {
    /// Opens the store of `space`, verifying every shard of the folder; damaged shards are moved to
    /// quarantine and their rows count as absent. `engine` names what will compute new rows.
    ///
    /// With a bucket this is also the preflight: it lists, creates and reads there.
    pub fn open(
        location: impl Into<CacheLocation>,
        space: EmbeddingSpace,
        engine: &str,
    ) -> Result<Self, StoreError> {
        let location = location.into();
        let adopted = location.adopted.clone().filter(|adopted| *adopted != location.folder);
        let mut store = Self::begin(location, space, engine)?;
        if let Some(adopted) = adopted {
            store.adopt(&adopted)?;
        }
        store.discover()?;
        store.upload_what_is_new();
        Ok(store)
    }

    /// Opens the store as [`Self::open`] does, preflight included, only to see what is there:
    /// nothing is taken over or uploaded.
    pub fn look(
        location: impl Into<CacheLocation>,
        space: EmbeddingSpace,
        engine: &str,
    ) -> Result<Self, StoreError> {
        let mut store = Self::begin(location.into(), space, engine)?;
        store.discover()?;
        Ok(store)
    }

    /// The store with what is in the folder.
    fn begin(
        location: CacheLocation,
        space: EmbeddingSpace,
        engine: &str,
    ) -> Result<Self, StoreError> {
        let CacheLocation { folder: root, remote, .. } = location;
        let folder = root.join("v1").join(space.id());
        for part in ["shards", "plans"] {
            storage::create_folder(&folder.join(part))?;
            storage::remove_temporaries(&folder.join(part))?;
        }
        storage::remove_temporaries(&folder)?;
        let mut store = Self {
            folder,
            space,
            engine: engine.to_owned(),
            remote,
            index: Index::default(),
            local: BTreeSet::new(),
            distant: BTreeSet::new(),
            unusable: BTreeSet::new(),
            listed_at: Instant::now(),
            open: BTreeMap::new(),
            opened_at: Instant::now(),
            seal_age: SEAL_AGE,
        };
        store.describe()?;
        store.scan()?;
        Ok(store)
    }

    /// The space of the embeddings.
    pub fn space(&self) -> &EmbeddingSpace {
        &self.space
    }

    /// Sets the age at which the open shard is sealed, 30 seconds before the first call. Zero seals
    /// every unit.
    pub fn seal_after(&mut self, age: Duration) {
        self.seal_age = age;
    }

    /// Whether the embedding of a sequence is there, sealed or not.
    pub fn contains(&self, key: &Digest) -> bool {
        self.index.get(key).is_some() || self.open.contains_key(key)
    }

    /// Adds the rows of one unit; those already there are kept as they are. Seals the open shard
    /// when it is large or old enough.
    pub fn append(&mut self, rows: Vec<Row>) -> Result<(), StoreError> {
        if self.open.is_empty() {
            self.opened_at = Instant::now();
        }
        for row in rows {
            if self.index.get(&row.key).is_none() {
                self.open.entry(row.key).or_insert(row);
            }
        }
        let bytes = self.open.len() * self.space.dimension * size_of::<f32>();
        let old = self.opened_at.elapsed() >= self.seal_age;
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
        self.create_shard(&name, &bytes)?;
        self.add(name, rows.iter().map(|row| row.key));
        self.upload(name, bytes.len() as u64);
        Ok(())
    }

    /// The embeddings of `keys` in that order, `[keys, dimension]`; keys must be sealed and in the
    /// folder.
    ///
    /// Shards and rows are verified again.
    pub fn load(&self, keys: &[Digest]) -> Result<Vec<f32>, StoreError> {
        let dimension = self.space.dimension;
        let mut wanted: BTreeMap<Digest, Vec<(usize, usize)>> = BTreeMap::new();
        for (position, key) in keys.iter().enumerate() {
            let (shard, row) = self.index.get(key).ok_or(StoreError::Absent(*key))?;
            wanted.entry(shard).or_default().push((position, row));
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

    /// Finds out anew which shards there are: garbage collection may have removed some, whose rows
    /// lie in others.
    pub fn look_again(&mut self) -> Result<(), StoreError> {
        self.index.clear();
        self.local.clear();
        self.scan()?;
        self.discover().map(drop)
    }

    /// The unit plan of this name: the one written first, whatever it holds.
    pub(super) fn plan_once(&self, name: &str, plan: &[u8]) -> Result<Vec<u8>, StoreError> {
        let plans = self.shared("plans");
        Ok(plans.create_once(&format!("{name}.json"), plan, MAX_PLAN_BYTES)?.1)
    }

    /// The file beside the unit plans of this name, if there is one.
    pub(super) fn plan(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.shared("plans").read(&format!("{name}.json"), MAX_PLAN_BYTES)?)
    }

    /// Writes the description of the space, or compares it with the one that is there.
    fn describe(&self) -> Result<(), StoreError> {
        let ours = self.space.canonical_json();
        let path = self.folder.join(SPACE);
        storage::create_once(&path, &ours)?;
        if storage::read(&path, MAX_SPACE_BYTES)? != ours {
            return Err(StoreError::ForeignSpace(path.display().to_string()));
        }
        self.describe_distant(&ours)
    }

    /// A part of the store that all machines share.
    fn shared(&self, part: &str) -> SharedFolder {
        let remote = self.remote.clone().map(|remote| (remote, self.key(part)));
        SharedFolder::new(self.folder.join(part), remote)
    }

    fn shard_path(&self, name: &Digest) -> PathBuf {
        self.folder.join("shards").join(file_name(name))
    }

    fn add(&mut self, shard: Digest, keys: impl Iterator<Item = Digest>) {
        self.local.insert(shard);
        self.index.add(shard, keys);
    }
}

/// The file name of a shard.
fn file_name(shard: &Digest) -> String {
    format!("{shard}.safetensors")
}

/// The shard that a file name stands for.
fn shard_name(file: &str) -> Option<Digest> {
    file.strip_suffix(".safetensors")?.parse().ok()
}

#[cfg(test)]
mod tests;
