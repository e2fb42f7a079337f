//! Memory-mapped files, for weights that should not be copied before they are converted.
#![expect(unsafe_code, reason = "mapping a file is unsafe: another process could change it")]

use std::fs::File;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

use super::{Context, StorageError};
use crate::digest::{Digest, Hasher};

/// Bytes that are digested before their memory is given back.
const STRIDE: usize = 16 << 20;

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

impl MappedFile {
    /// The digest of all bytes, of which only a few are in memory at a time.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::default();
        for bytes in self.0.chunks(STRIDE) {
            hasher.update(bytes);
            self.release();
        }
        hasher.finish()
    }

    /// Gives back the memory of what was read: it would count as the program's. The bytes are read
    /// again from the file where they are needed.
    pub fn release(&self) {
        // SAFETY: the mapping is of a file and never written to, so that nothing can be lost.
        // If the system does not do it, memory is all that it costs.
        let _ = unsafe { self.0.unchecked_advise(UncheckedAdvice::DontNeed) };
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
