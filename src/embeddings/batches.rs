//! A unit cut into batches, and its rows put together again.

use std::ops::Range;

use super::esm2::{self, PackedBatch};
use super::{EmbeddingDtype, Error, Row, Settings, windows};
use crate::device::OutOfMemory;
use crate::protein::ProteinSequence;

/// What the encoder sees of a sequence at once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    /// The position of the sequence in its unit.
    member: usize,
    /// Its residues.
    window: Range<usize>,
}

impl Piece {
    /// With `<cls>` and `<eos>`.
    fn tokens(&self) -> usize {
        self.window.len() + 2
    }
}

/// The batches in which the sequences of a unit, its members, are embedded.
///
/// They depend on the unit and on the token budget alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Batches(Vec<Vec<Piece>>);

impl Batches {
    /// Fills batches up to `token_budget`, piece after piece. A piece over the budget is a batch of
    /// its own.
    pub(super) fn cut(
        members: &[&ProteinSequence],
        settings: &Settings,
        token_budget: usize,
    ) -> Self {
        let mut batches: Vec<Vec<Piece>> = Vec::new();
        let mut filled = usize::MAX;
        for (member, sequence) in members.iter().enumerate() {
            for window in windows::windows(sequence.len(), settings) {
                let piece = Piece { member, window };
                let tokens = piece.tokens();
                filled = filled.saturating_add(tokens);
                match batches.last_mut() {
                    Some(batch) if filled <= token_budget => batch.push(piece),
                    _ => {
                        batches.push(vec![piece]);
                        filled = tokens;
                    }
                }
            }
        }
        Self(batches)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The tokens of a batch, if it can be made smaller.
    pub(super) fn divisible_tokens(&self, batch: usize) -> Option<usize> {
        let pieces = &self.0[batch];
        (pieces.len() > 1).then(|| pieces.iter().map(Piece::tokens).sum())
    }

    /// A batch as the encoder takes it.
    pub(super) fn pack(&self, members: &[&ProteinSequence], batch: usize) -> PackedBatch {
        let mut packed = PackedBatch::default();
        for Piece { member, window } in &self.0[batch] {
            packed.push(&esm2::tokenize(&members[*member].residues()[window.clone()]));
        }
        packed
    }

    /// The rows of the members by what became of each batch, `[pieces, dimension]`, and the members
    /// of which a piece did not fit.
    pub(super) fn rows<'a>(
        &self,
        members: &[&'a ProteinSequence],
        outcomes: &[Option<Result<Vec<f32>, OutOfMemory>>],
        dimension: usize,
        stored: EmbeddingDtype,
    ) -> Result<(Vec<Row>, Vec<&'a ProteinSequence>), Error> {
        let mut parts: Vec<Vec<(usize, &[f32])>> = vec![Vec::new(); members.len()];
        let mut incomplete = vec![false; members.len()];
        for (pieces, outcome) in self.0.iter().zip(outcomes) {
            let values = outcome.as_ref().and_then(|outcome| outcome.as_deref().ok());
            let mut rows = values.unwrap_or_default().chunks_exact(dimension);
            for piece in pieces {
                match rows.next() {
                    Some(row) => parts[piece.member].push((piece.window.len(), row)),
                    None => incomplete[piece.member] = true,
                }
            }
        }
        let (mut rows, mut missing) = (Vec::with_capacity(members.len()), Vec::new());
        for ((sequence, parts), incomplete) in members.iter().zip(parts).zip(incomplete) {
            if incomplete {
                missing.push(*sequence);
                continue;
            }
            let values = match parts.as_slice() {
                [(_, only)] => only.to_vec(),
                several => windows::average(several),
            };
            if !values.iter().all(|value| is_storable(*value, stored)) {
                return Err(Error::NotFinite(sequence.digest()));
            }
            let residues = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
            rows.push(Row { key: sequence.digest(), residues, values });
        }
        Ok((rows, missing))
    }
}

/// Whether `value` is a number, and stays one when it is stored.
fn is_storable(value: f32, stored: EmbeddingDtype) -> bool {
    match stored {
        EmbeddingDtype::F32 => value.is_finite(),
        EmbeddingDtype::F16 => half::f16::from_f32(value).is_finite(),
    }
}
