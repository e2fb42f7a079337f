//! The file format of `NumPy`, version 1.0, as
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html> describes it.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::CacheError;
use super::export::{Export, Rows, absent};
use super::index::row_bytes;
use crate::embeddings::EmbeddingDtype;
use crate::storage::{self, Context};

/// The data begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Writes `keys.tsv`, `space.json` and `embeddings.npy`.
pub(super) fn write(job: &Export<'_>, rows: &Rows, out: &Path) -> Result<(), CacheError> {
    let path = out.join("embeddings.npy");
    absent(&path)?;
    let space = &job.space.space;
    let header = header(space.stored, rows.len(), space.dimension);
    let width = row_bytes(space) as u64;
    storage::write_stream(&path, |file: &mut File| {
        file.write_all(&header).context("write", &path)?;
        job.each_shard(rows, |shard, wanted| {
            for row in wanted {
                let offset = header.len() as u64 + row.place as u64 * width;
                file.seek(SeekFrom::Start(offset))
                    .and_then(|_| file.write_all(shard.row(row.row)))
                    .context("write", &path)?;
            }
            Ok(())
        })?;
        job.write_keys(rows, &out.join("keys.tsv"))?;
        Ok(storage::write_atomic(&out.join("space.json"), &space.canonical_json())?)
    })
}

fn header(stored: EmbeddingDtype, rows: usize, dimension: usize) -> Vec<u8> {
    let descr = match stored {
        EmbeddingDtype::F32 => "<f4",
        EmbeddingDtype::F16 => "<f2",
    };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {dimension}), }}");
    // Magic, version and length come before, a newline behind.
    let padded = (10 + text.len() + 1).next_multiple_of(ALIGNMENT);
    text.extend(std::iter::repeat_n(' ', padded - 10 - text.len() - 1));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend_from_slice(&(text.len() as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_numpys() {
        // What NumPy 2.4 writes for `np.save(f, np.zeros((3, 5), np.float16))`.
        let expected =
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f2', 'fortran_order': False, 'shape': (3, 5), }";
        let header = header(EmbeddingDtype::F16, 3, 5);
        assert!(header.starts_with(expected), "{:?}", String::from_utf8_lossy(&header));
        assert_eq!(header.len(), 128);
        assert!(header.ends_with(b"  \n"));
    }
}
