//! The index of a shard: what it holds, read from the start of the file alone.

use std::ops::Range;

use safetensors::tensor::{Dtype, Metadata};

use super::row_bytes;
use crate::digest::Digest;
use crate::embeddings::{EmbeddingDtype, EmbeddingSpace};

const SCHEMA: &str = "dyad.shard.v1";
const MAX_HEADER_BYTES: u64 = 16 << 20;
/// Room for the header of every shard that Dyad writes.
const USUAL_HEADER_BYTES: u64 = 64 << 10;
/// Bytes of key, length and checksum of a row.
const INDEX_BYTES: u64 = 32 + 4 + 4;

/// What a shard holds, by row in the order of the keys.
///
/// Where it was read from the start of a file alone, nothing but the order and the checksum of the
/// keys has been verified.
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

/// How much of a shard of `size` bytes holds its index.
pub(super) fn index_bytes(space: &EmbeddingSpace, size: u64) -> u64 {
    let rows = size / (INDEX_BYTES + row_bytes(space) as u64);
    (8 + USUAL_HEADER_BYTES + rows * INDEX_BYTES).min(size)
}

impl ShardIndex {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.keys.len()
    }

    /// The index of a file of `size` bytes that begins with `start`; `None` if some of it lies
    /// behind that.
    pub(super) fn parse(
        start: &[u8],
        size: u64,
        space: &EmbeddingSpace,
    ) -> Result<Option<Self>, String> {
        let Some((length, rest)) = start.split_first_chunk() else {
            return Err("it has fewer than 8 bytes".to_owned());
        };
        let length = u64::from_le_bytes(*length);
        if length > MAX_HEADER_BYTES || length > size {
            return Err(format!("its header claims {length} bytes"));
        }
        let Some((header, data)) = rest.split_at_checked(length as usize) else { return Ok(None) };
        let metadata: Metadata = serde_json::from_slice(header).map_err(|e| e.to_string())?;
        if 8 + length + metadata.data_len() as u64 != size {
            return Err("its size is not that of its tensors".to_owned());
        }
        let text = |key: &str| {
            metadata.metadata().as_ref().and_then(|m| m.get(key)).map_or("", String::as_str)
        };
        if text("schema") != SCHEMA || text("space_id") != space.id() {
            return Err("it is a shard of another format or space".to_owned());
        }
        let n = metadata.info("keys").and_then(|info| info.shape.first().copied()).unwrap_or(0);
        let stored = match space.stored {
            EmbeddingDtype::F32 => Dtype::F32,
            EmbeddingDtype::F16 => Dtype::F16,
        };
        let keys = range(&metadata, "keys", Dtype::U8, &[n, 32])?;
        let lengths = range(&metadata, "len", Dtype::U32, &[n])?;
        let checksums = range(&metadata, "crc", Dtype::U32, &[n])?;
        let values = range(&metadata, "emb", stored, &[n, space.dimension])?;
        let [Some(keys), Some(lengths), Some(checksums)] =
            [keys, lengths, checksums].map(|range| data.get(range))
        else {
            return Ok(None);
        };
        if text("keys_crc32c") != format!("{:08x}", crc32c::crc32c(keys)) {
            return Err("the checksum of its keys does not match".to_owned());
        }
        let keys: Vec<_> = keys.as_chunks().0.iter().map(|key| Digest::from_bytes(*key)).collect();
        if keys.is_empty() || !keys.is_sorted_by(|one, next| one < next) {
            return Err("its keys are not sorted and unique".to_owned());
        }
        let numbers =
            |bytes: &[u8]| bytes.as_chunks().0.iter().map(|n| u32::from_le_bytes(*n)).collect();
        Ok(Some(Self {
            keys,
            residues: numbers(lengths),
            checksums: numbers(checksums),
            engine: text("engine").to_owned(),
            values: 8 + length as usize + values.start,
        }))
    }
}

/// Where a tensor lies behind the header.
fn range(
    metadata: &Metadata,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<Range<usize>, String> {
    match metadata.info(name) {
        Some(info) if info.dtype == dtype && info.shape == shape => {
            Ok(info.data_offsets.0..info.data_offsets.1)
        }
        _ => Err(format!("its tensor `{name}` is missing or not {dtype:?} {shape:?}")),
    }
}
