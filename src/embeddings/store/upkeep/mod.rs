//! What people do with a cache of embeddings: look, verify, export, collect garbage.
//!
//! A folder and a bucket are treated alike, through [`ObjectStore`]. Nothing here is called by a
//! job: jobs only add shards.

mod collect;
mod export;
mod index;
mod inventory;
mod npy;
#[cfg(feature = "parquet")]
mod parquet_file;
mod verify;
mod whole;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_name;
use crate::digest::Digest;
use crate::shutdown::Shutdown;
use crate::storage::StorageError;
use crate::storage::remote::{Folder, ObjectStore, Problem, RemoteError};
pub use collect::{
    Discard, Done, Merge, Pins, Plan, Removal, SpacePlan, Survey, Unseen, Why, collect, plan,
    survey,
};
pub use export::{Export, Format, export};
pub use index::ShardIndex;
pub use inventory::{Flaw, Inventory, ShardEntry, SpaceInventory, find_space, inventory};
pub use verify::{Damaged, Verified, quarantine, verify};

/// Where the spaces of a cache lie below its root.
const SPACES: &str = "v1/";
/// Where the cache lies below the prefix of a bucket; a local folder is the cache itself.
const IN_BUCKET: &str = "cache/";
const SHARDS: &str = "shards";

/// Why something could not be done with a cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An object could not be read or written.
    #[error(transparent)]
    Remote(RemoteError),
    /// An object that was there a moment ago.
    #[error("`{0}` is gone: something else changed the cache meanwhile; run again")]
    Gone(String),
    /// There is no such space.
    #[error("no embedding space in `{place}` has an id that begins with `{id}`; {there}")]
    NoSpace {
        /// The cache.
        place: String,
        /// What was asked for.
        id: String,
        /// Which spaces there are.
        there: String,
    },
    /// More than one space is meant.
    #[error("`{id}` begins the ids of several embedding spaces: give more of `{}`", ids.join("` or `"))]
    Ambiguous {
        /// What was asked for.
        id: String,
        /// The ids of the spaces.
        ids: Vec<String>,
    },
    /// A shard that must not be used.
    #[error("`{uri}` is damaged: {problem}; `dyad cache verify` finds all that are and what to do")]
    Damaged {
        /// The shard.
        uri: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A shard that was about to be removed has a row that no other holds as it is.
    #[error("`{0}` holds a row that no other shard holds bit for bit; it stays, nothing was lost")]
    OnlyCopy(String),
    /// A pin that cannot be understood may name any shard.
    #[error(
        "`{uri}` is no pin of a run that this version understands: {problem}; nothing is collected \
         while it is there"
    )]
    Pin {
        /// The pin.
        uri: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The result would replace something.
    #[error("`{}` exists already; give another folder as `--out`", .0.display())]
    Exists(PathBuf),
    /// The program was built without it.
    #[error(
        "this program was built without Parquet; use `--format npy`, or build it with \
         `cargo build --release --features parquet`"
    )]
    NoParquet,
    /// Writing Parquet failed.
    #[cfg(feature = "parquet")]
    #[error("cannot write `{}`: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ::parquet::errors::ParquetError,
    },
    /// A stop was asked for.
    #[error("stopped before the end; what was done stays done")]
    Interrupted,
}

impl From<RemoteError> for CacheError {
    fn from(error: RemoteError) -> Self {
        match error.problem {
            Problem::Absent => Self::Gone(error.uri),
            Problem::Local(error) => Self::Storage(error),
            _ => Self::Remote(error),
        }
    }
}

/// The embeddings of any number of spaces, in a folder or in a bucket.
#[derive(Clone, Debug)]
pub struct Cache {
    objects: Arc<dyn ObjectStore>,
    root: &'static str,
}

impl Cache {
    /// The cache in a folder, which need not exist.
    pub fn local(folder: &Path) -> Self {
        Self { objects: Arc::new(Folder::new(folder)), root: "" }
    }

    /// The cache below the prefix of a bucket.
    pub fn remote(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, root: IN_BUCKET }
    }

    /// The cache as people write it.
    pub fn place(&self) -> String {
        self.uri("")
    }

    /// The key of something in the folder of a space.
    fn key(&self, space: &str, rest: &str) -> String {
        format!("{}{SPACES}{space}/{rest}", self.root)
    }

    fn shard_key(&self, space: &str, name: &Digest) -> String {
        self.key(space, &format!("{SHARDS}/{}", file_name(name)))
    }

    /// A key below the cache's root as people write it.
    fn uri_of(&self, key: &str) -> String {
        format!("{}{key}", self.objects.place())
    }

    fn uri(&self, rest: &str) -> String {
        self.uri_of(&format!("{}{rest}", self.root))
    }
}

fn go_on(shutdown: &Shutdown) -> Result<(), CacheError> {
    match shutdown.requested() {
        true => Err(CacheError::Interrupted),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
