//! Memory-mapped files, for weights that should not be copied before they are converted.
#![expect(unsafe_code, reason = "mapping a file is unsafe: another process could change it")]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use super::{Context, StorageError};

/// The bytes of a file, read on demand.
#[derive(Debug)]
pub struct MappedFile(Mmap);

/// Maps the file at `path`.
///
/// The file must not be changed while the mapping lives. Dyad maps input files that it never
/// writes; the platform makes them read-only.
pub fn map(path: &Path) -> Result<MappedFile, StorageError> {
    let file = File::open(path).context("read", path)?;
    // SAFETY: the mapping is read-only and private, and nothing of ours writes input files. A
    // foreign process that truncates the file ends this one with SIGBUS, never with wrong values
    // that pass: the digest of the file is taken from the same mapping.
    unsafe { Mmap::map(&file) }.map(MappedFile).context("map", path)
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
