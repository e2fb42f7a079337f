//! The index of a shard: what it holds, read from the start of the file alone.

use std::ops::Range;

use safetensors::tensor::{Dtype, Metadata};

use super::super::shard::{keys_at_start, size_of_stored};
use crate::digest::Digest;
use crate::embeddings::EmbeddingSpace;

/// Room for the header of every shard of ours.
const HEADER_BYTES: u64 = 64 << 10;
/// Bytes of key, length and checksum of a row.
const ROW_INDEX_BYTES: u64 = 32 + 4 + 4;

/// What a shard holds, by row in the order of the keys.
///
/// Where only the start of a file was read, nothing but the keys has been verified, and those only
/// against themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardIndex {
    /// The digest of each sequence.
    pub keys: Vec<Digest>,
    /// The residues of each sequence.
    pub residues: Vec<u32>,
    /// CRC-32C of key and row.
    pub checksums: Vec<u32>,
    /// Backend and device that computed the rows.
    pub engine: String,
    /// Where the rows begin in the file.
    pub(super) values: usize,
}

/// The bytes of a row as stored.
pub(super) fn row_bytes(space: &EmbeddingSpace) -> usize {
    space.dimension * size_of_stored(space)
}

/// How much of a shard of `size` bytes holds its index.
pub(super) fn index_bytes(space: &EmbeddingSpace, size: u64) -> u64 {
    let rows = size / (ROW_INDEX_BYTES + row_bytes(space) as u64);
    (HEADER_BYTES + rows * ROW_INDEX_BYTES).min(size)
}

impl ShardIndex {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.keys.len()
    }

    /// The index of a shard of `total` bytes that begins with `start`.
    pub(super) fn parse(start: &[u8], total: u64, space: &EmbeddingSpace) -> Result<Self, String> {
        let keys = keys_at_start(start, total, space)?;
        let (length, rest) = start.split_first_chunk().unwrap_or((&[0; 8], start));
        let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
        let metadata: Metadata = serde_json::from_slice(header).map_err(|e| e.to_string())?;
        let numbers = |name: &str| {
            let bytes = range(&metadata, name, keys.len()).and_then(|range| data.get(range));
            let bytes =
                bytes.ok_or_else(|| format!("its `{name}` is not among its first bytes"))?;
            Ok::<_, String>(bytes.as_chunks().0.iter().map(|n| u32::from_le_bytes(*n)).collect())
        };
        let values = metadata.info("emb").map_or(0, |info| info.data_offsets.0);
        if 8 + (header.len() + values + keys.len() * row_bytes(space)) as u64 != total {
            return Err("its rows are not at its end".to_owned());
        }
        let engine = metadata.metadata().as_ref().and_then(|metadata| metadata.get("engine"));
        Ok(Self {
            residues: numbers("len")?,
            checksums: numbers("crc")?,
            engine: engine.cloned().unwrap_or_default(),
            values: 8 + header.len() + values,
            keys,
        })
    }
}

/// Where a number for each of `rows` rows lies behind the header.
fn range(metadata: &Metadata, name: &str, rows: usize) -> Option<Range<usize>> {
    let info = metadata.info(name)?;
    let fits = info.dtype == Dtype::U32 && info.shape == [rows];
    fits.then_some(info.data_offsets.0..info.data_offsets.1)
}
