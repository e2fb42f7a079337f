//! Why embedding stops.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::esm2::EncoderError;
use super::store::StoreError;
use crate::digest::Digest;

/// Why embedding stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The encoder cannot be used.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(StoreError),
    /// The encoder produced a number that is none, or that the stored number format cannot hold.
    #[error(
        "the encoder gives a value that is not finite for the sequence with SHA-256 `{0}`; its \
         weights are damaged, or need `embedding_dtype=f32`"
    )]
    NotFinite(Digest),
    /// A device has not enough memory for the encoder.
    #[error(
        "the encoder does not fit into the memory of the device; use a smaller encoder, or another \
         `device` or `precision`"
    )]
    NoMemoryForEncoder,
    /// Sequences do not fit into a device's memory, each alone; what was computed is in the store.
    #[error(
        "{} sequence(s) do not fit into the memory of the device, each alone: {}; all others are \
         embedded and kept; use a smaller `max_residues`, `long_sequences=window`, or another `device` \
         or `precision`",
        .0.len(),
        named(.0)
    )]
    OutOfMemory(Vec<TooLarge>),
    /// A stop was asked for; what was computed is in the store.
    #[error("embedding was interrupted; what was computed is kept")]
    Interrupted,
}

/// A sequence that does not fit into a device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The digest of the sequence.
    pub digest: Digest,
    /// Its length.
    pub residues: usize,
}

/// The first few sequences, the longest first.
fn named(sequences: &[TooLarge]) -> String {
    const FEW: usize = 3;
    let name = |sequence: &TooLarge| {
        format!("SHA-256 `{}` with {} residues", sequence.digest, sequence.residues)
    };
    let mut names: Vec<_> = sequences.iter().take(FEW).map(name).collect();
    if sequences.len() > FEW {
        names.push("...".to_owned());
    }
    names.join(", ")
}

impl Error {
    /// Of sequences with their lengths.
    pub(super) fn out_of_memory(sequences: BTreeMap<Digest, usize>) -> Self {
        let too_large = |(digest, residues)| TooLarge { digest, residues };
        let mut sequences: Vec<_> = sequences.into_iter().map(too_large).collect();
        sequences.sort_by_key(|sequence| (Reverse(sequence.residues), sequence.digest));
        Self::OutOfMemory(sequences)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stopped => Self::Interrupted,
            error => Self::Store(error),
        }
    }
}
