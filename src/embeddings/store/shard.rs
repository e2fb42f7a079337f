//! One shard: a safetensors file that any reader of the format opens.
//!
//! | tensor | type | content |
//! |---|---|---|
//! | `keys` | U8 `[n, 32]` | SHA-256 of each sequence, sorted, unique |
//! | `len` | U32 `[n]` | residues of each sequence |
//! | `crc` | U32 `[n]` | CRC-32C of key and row |
//! | `emb` | F32 or F16 `[n, d]` | the embeddings |
//!
//! The tensors lie in this order, so that the first `64 KiB + 32 n` bytes hold the whole index;
//! the `safetensors` crate would sort them by type, therefore the writer is ours. Readers accept
//! any contiguous order. Everything read is untrusted: sizes, names, types, shapes, order of keys
//! and checksums are verified before use.

use std::fmt::Write as _;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;
use serde_json::json;

use super::Row;
use crate::digest::Digest;
use crate::embeddings::EmbeddingDtype;
use crate::embeddings::space::EmbeddingSpace;

/// The name and version of the format, in every shard's metadata.
const SCHEMA: &str = "dyad.shard.v1";
const MAX_HEADER_BYTES: u64 = 16 << 20;
const MAX_ROWS: usize = 1_000_000;
const KEY_BYTES: usize = 32;

/// Writes shards of one space.
pub(super) struct ShardWriter<'a> {
    pub(super) space: &'a EmbeddingSpace,
    pub(super) engine: &'a str,
}

impl ShardWriter<'_> {
    /// The bytes of a shard of `rows`, which are sorted by key and unique.
    pub(super) fn write(&self, rows: &[Row]) -> Vec<u8> {
        let n = rows.len();
        let mut keys = Vec::with_capacity(n * KEY_BYTES);
        let (mut lengths, mut checksums, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let encoded = self.encode(&row.values);
            keys.extend_from_slice(row.key.as_bytes());
            lengths.extend_from_slice(&row.residues.to_le_bytes());
            checksums.extend_from_slice(&row_checksum(&row.key, &encoded).to_le_bytes());
            values.extend_from_slice(&encoded);
        }
        let header = self.header(n, &keys);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        [keys, lengths, checksums, values].iter().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }

    fn encode(&self, values: &[f32]) -> Vec<u8> {
        match self.space.stored {
            EmbeddingDtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            EmbeddingDtype::F16 => {
                values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect()
            }
        }
    }

    /// The JSON header, padded with spaces to a multiple of eight bytes.
    fn header(&self, n: usize, keys: &[u8]) -> String {
        let d = self.space.dimension;
        let size = size_of_stored(self.space);
        let dtype = match self.space.stored {
            EmbeddingDtype::F32 => "F32",
            EmbeddingDtype::F16 => "F16",
        };
        let metadata = json!({
            "schema": SCHEMA,
            "space_id": self.space.id(),
            "n": n.to_string(),
            "d": d.to_string(),
            "keys_crc32c": format!("{:08x}", crc32c::crc32c(keys)),
            "engine": self.engine,
            "writer": concat!("dyad ", env!("CARGO_PKG_VERSION")),
        });
        let mut header = format!("{{\"__metadata__\":{metadata}");
        let mut offset = 0;
        let tensors = [
            ("keys", "U8", json!([n, KEY_BYTES]), n * KEY_BYTES),
            ("len", "U32", json!([n]), n * 4),
            ("crc", "U32", json!([n]), n * 4),
            ("emb", dtype, json!([n, d]), n * d * size),
        ];
        for (name, dtype, shape, bytes) in tensors {
            let end = offset + bytes;
            let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [offset, end]});
            // Writing to a string cannot fail.
            let _ = write!(header, ",\"{name}\":{entry}");
            offset = end;
        }
        header.push('}');
        let padding = header.len().next_multiple_of(8) - header.len();
        header.extend(std::iter::repeat_n(' ', padding));
        header
    }
}

/// CRC-32C over the key and the stored bytes of a row.
fn row_checksum(key: &Digest, encoded: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), encoded)
}

/// A shard whose index has been verified.
pub(super) struct Shard<'a> {
    keys: &'a [[u8; KEY_BYTES]],
    checksums: &'a [[u8; 4]],
    values: &'a [u8],
    stored: EmbeddingDtype,
}

impl<'a> Shard<'a> {
    /// Checks everything but the rows; see [`Self::check_rows`] and [`Self::read_row`].
    pub(super) fn parse(bytes: &'a [u8], space: &EmbeddingSpace) -> Result<Self, String> {
        let length = bytes.first_chunk().map(|first| u64::from_le_bytes(*first));
        match length {
            Some(length) if length <= MAX_HEADER_BYTES => {}
            Some(length) => return Err(format!("its header claims {length} bytes")),
            None => return Err("it has fewer than 8 bytes".to_owned()),
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let text = |key: &str| {
            metadata.metadata().as_ref().and_then(|m| m.get(key)).map_or("", String::as_str)
        };
        if text("schema") != SCHEMA || text("space_id") != space.id() {
            return Err("it is a shard of another format or space".to_owned());
        }
        if tensors.len() != 4 {
            return Err(format!("it holds {} tensors, a shard has 4", tensors.len()));
        }
        let shape = tensors.tensor("keys").map(|view| view.shape().to_vec()).unwrap_or_default();
        let n = shape.first().copied().unwrap_or(0);
        if n == 0 || n > MAX_ROWS {
            return Err(format!("it has {n} rows"));
        }
        let stored = match space.stored {
            EmbeddingDtype::F32 => Dtype::F32,
            EmbeddingDtype::F16 => Dtype::F16,
        };
        let keys = expect(&tensors, "keys", Dtype::U8, &[n, KEY_BYTES])?;
        expect(&tensors, "len", Dtype::U32, &[n])?;
        let checksums = expect(&tensors, "crc", Dtype::U32, &[n])?;
        let values = expect(&tensors, "emb", stored, &[n, space.dimension])?;
        if text("keys_crc32c") != format!("{:08x}", crc32c::crc32c(keys)) {
            return Err("the checksum of its keys does not match".to_owned());
        }
        let keys = keys.as_chunks().0;
        if !keys.is_sorted_by(|one, next| one < next) {
            return Err("its keys are not sorted and unique".to_owned());
        }
        let checksums = checksums.as_chunks().0;
        Ok(Self { keys, checksums, values, stored: space.stored })
    }

    /// The sequences it holds, by row.
    pub(super) fn keys(&self) -> impl Iterator<Item = Digest> {
        self.keys.iter().map(|key| Digest::from_bytes(*key))
    }

    /// Checks every row, each of `dimension` values.
    pub(super) fn check_rows(&self, dimension: usize) -> Result<(), String> {
        let mut values = vec![0.0; dimension];
        (0..self.keys.len()).try_for_each(|row| self.read_row(row, &mut values))
    }

    /// Decodes one row into `target`, after comparing its checksum.
    pub(super) fn read_row(&self, row: usize, target: &mut [f32]) -> Result<(), String> {
        let width = self.values.len() / self.keys.len();
        let (Some(key), Some(checksum)) = (self.keys.get(row), self.checksums.get(row)) else {
            return Err(format!("it has no row {row}"));
        };
        let encoded = &self.values[row * width..][..width];
        let key = Digest::from_bytes(*key);
        if row_checksum(&key, encoded) != u32::from_le_bytes(*checksum) {
            return Err(format!("the checksum of row {row} does not match"));
        }
        match self.stored {
            EmbeddingDtype::F32 => {
                for (value, bytes) in target.iter_mut().zip(encoded.as_chunks().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            EmbeddingDtype::F16 => {
                for (value, bytes) in target.iter_mut().zip(encoded.as_chunks().0) {
                    *value = half::f16::from_le_bytes(*bytes).to_f32();
                }
            }
        }
        match target.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(format!("row {row} holds a value that is not finite")),
        }
    }
}

/// The keys of a shard of `total` bytes by its first bytes, checked against themselves: enough to
/// know what a shard claims to hold, not to use it.
pub(super) fn keys_at_start(
    start: &[u8],
    total: u64,
    space: &EmbeddingSpace,
) -> Result<Vec<Digest>, String> {
    let ends_early = || "its header ends early".to_owned();
    let length = start.first_chunk().map(|first| u64::from_le_bytes(*first));
    let data = length
        .and_then(|length| length.checked_add(8))
        .filter(|data| *data <= MAX_HEADER_BYTES.min(start.len() as u64))
        .ok_or_else(ends_early)?;
    let (header, data) = (&start[8..data as usize], &start[data as usize..]);
    let header: IndexHeader = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let IndexHeader { metadata, keys: IndexTensor { shape, data_offsets } } = header;
    if metadata.schema != SCHEMA || metadata.space_id != space.id() {
        return Err("it is a shard of another format or space".to_owned());
    }
    let end = shape[0].checked_mul(KEY_BYTES).filter(|_| shape[0] <= MAX_ROWS);
    if shape[1] != KEY_BYTES || data_offsets[0] != 0 || end != Some(data_offsets[1]) {
        return Err("its keys are not where a shard has them".to_owned());
    }
    let values = (space.dimension * size_of_stored(space) + 8) as u64 * shape[0] as u64;
    let keys = data.get(..data_offsets[1]).ok_or("its keys are not among its first bytes")?;
    if total != (start.len() - data.len() + keys.len()) as u64 + values {
        return Err("its size is not that of its rows".to_owned());
    }
    if metadata.keys_crc32c != format!("{:08x}", crc32c::crc32c(keys)) {
        return Err("the checksum of its keys does not match".to_owned());
    }
    let keys: &[[u8; KEY_BYTES]] = keys.as_chunks().0;
    match keys.is_sorted_by(|one, next| one < next) {
        true => Ok(keys.iter().map(|key| Digest::from_bytes(*key)).collect()),
        false => Err("its keys are not sorted and unique".to_owned()),
    }
}

/// What the header of a shard says about its keys.
#[derive(Deserialize)]
struct IndexHeader {
    #[serde(rename = "__metadata__")]
    metadata: IndexMetadata,
    keys: IndexTensor,
}

#[derive(Deserialize)]
struct IndexMetadata {
    schema: String,
    space_id: String,
    keys_crc32c: String,
}

#[derive(Deserialize)]
struct IndexTensor {
    shape: [usize; 2],
    data_offsets: [usize; 2],
}

pub(super) fn size_of_stored(space: &EmbeddingSpace) -> usize {
    match space.stored {
        EmbeddingDtype::F32 => 4,
        EmbeddingDtype::F16 => 2,
    }
}

fn expect<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<&'a [u8], String> {
    let fits = |view: &TensorView<'_>| view.dtype() == dtype && view.shape() == shape;
    match tensors.tensor(name) {
        Ok(view) if fits(&view) => Ok(view.data()),
        _ => Err(format!("its tensor `{name}` is missing or not {dtype:?} {shape:?}")),
    }
}
