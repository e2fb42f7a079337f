//! A shard in memory, verified in full.

use super::super::MAX_SHARD_BYTES;
use super::super::shard::Shard;
use super::index::{ShardIndex, row_bytes};
use super::inventory::SpaceInventory;
use super::{Cache, CacheError};
use crate::digest::Digest;
use crate::embeddings::EmbeddingSpace;

/// A shard whose name, format, checksums and values have all been verified.
pub(super) struct WholeShard {
    bytes: Vec<u8>,
    pub(super) index: ShardIndex,
    width: usize,
}

impl WholeShard {
    /// Reads and verifies a shard.
    pub(super) fn read(
        cache: &Cache,
        space: &SpaceInventory,
        name: &Digest,
    ) -> Result<Self, CacheError> {
        let key = cache.shard_key(&space.id, name);
        let damaged = |problem| CacheError::Damaged { uri: cache.uri_of(&key), problem };
        let bytes = match cache.objects.read(&key, MAX_SHARD_BYTES) {
            Err(error) if error.is_too_large() => return Err(damaged(error.problem.to_string())),
            bytes => bytes?,
        };
        let index = check(&bytes, name, &space.space).map_err(damaged)?;
        Ok(Self { bytes, index, width: row_bytes(&space.space) })
    }

    /// Its size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// A row as it is stored.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.bytes[self.index.values + row * self.width..][..self.width]
    }

    /// The row of a sequence as it is stored, if it is there.
    pub(super) fn row_of(&self, key: &Digest) -> Option<&[u8]> {
        self.index.keys.binary_search(key).ok().map(|row| self.row(row))
    }
}

/// Verifies that `bytes` are the shard `name` of `space`, down to every value.
pub(super) fn check(
    bytes: &[u8],
    name: &Digest,
    space: &EmbeddingSpace,
) -> Result<ShardIndex, String> {
    if Digest::of(bytes) != *name {
        return Err("its SHA-256 is not its name".to_owned());
    }
    Shard::parse(bytes, space)?.check_rows(space.dimension)?;
    ShardIndex::parse(bytes, bytes.len() as u64, space)
}

/// The values of a row as stored.
pub(super) fn decode(space: &EmbeddingSpace, row: &[u8]) -> Vec<f32> {
    use crate::embeddings::EmbeddingDtype::{F16, F32};
    match space.stored {
        F32 => row.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect(),
        F16 => {
            let values = row.as_chunks().0.iter();
            values.map(|value| half::f16::from_le_bytes(*value).to_f32()).collect()
        }
    }
}
