//! Verification of every shard, down to every value.

use std::path::{Path, PathBuf};

use super::inventory::{Flaw, Inventory};
use super::whole::WholeShard;
use super::{Cache, CacheError, go_on};
use crate::digest::Digest;
use crate::shutdown::Shutdown;
use crate::storage;

/// What verification found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Shards that were looked at.
    pub shards: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Those that are damaged, in order of spaces and names.
    pub damaged: Vec<Damaged>,
}

/// A damaged shard.
#[derive(Clone, Debug)]
pub struct Damaged {
    /// The space it lies in.
    pub space: String,
    /// Its name, which is not the digest of its content any more.
    pub name: Digest,
    /// Where it is and what is wrong.
    pub flaw: Flaw,
}

/// Reads every shard of `inventory` and compares name, format, checksums and values.
pub fn verify(
    cache: &Cache,
    inventory: &Inventory,
    shutdown: &Shutdown,
) -> Result<Verified, CacheError> {
    let mut verified = Verified::default();
    for space in &inventory.spaces {
        for name in space.names() {
            go_on(shutdown)?;
            verified.shards += 1;
            match WholeShard::read(cache, space, &name) {
                Ok(shard) => verified.bytes += shard.bytes(),
                // Removed since it was listed.
                Err(CacheError::Gone(_)) => verified.shards -= 1,
                Err(CacheError::Damaged { uri, problem }) => {
                    let flaw = Flaw { uri, problem };
                    verified.damaged.push(Damaged { space: space.id.clone(), name, flaw });
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(verified)
}

/// Moves a damaged shard of the cache in `folder` aside, where no job looks; says where to.
pub fn quarantine(folder: &Path, damaged: &Damaged) -> Result<PathBuf, CacheError> {
    let space = folder.join("v1").join(&damaged.space);
    let file = format!("{}.safetensors", damaged.name);
    let to = space.join("quarantine").join(&file);
    storage::create_folder(&space.join("quarantine"))?;
    storage::rename(&space.join("shards").join(&file), &to)?;
    Ok(to)
}
