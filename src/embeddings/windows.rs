//! Long sequences: what part of a sequence the encoder sees at once.

use std::ops::Range;

use super::{LongSequences, Settings};

/// Neighbouring windows share a quarter of their residues, so that each residue away from the ends
/// is seen with context on both sides at least once.
const OVERLAP_DIVISOR: usize = 4;

/// Residues that neighbouring windows share; 0 where sequences are truncated.
pub(super) fn overlap(settings: &Settings) -> usize {
    match settings.long_sequences {
        LongSequences::Truncate => 0,
        LongSequences::Window => settings.max_residues / OVERLAP_DIVISOR,
    }
}

/// The parts of a sequence of `length` residues that are embedded.
///
/// Windows have equal strides and the last one ends with the sequence.
pub(super) fn windows(length: usize, settings: &Settings) -> Vec<Range<usize>> {
    let limit = settings.max_residues;
    if length <= limit || settings.long_sequences == LongSequences::Truncate {
        return std::iter::once(0..length.min(limit)).collect();
    }
    let stride = limit - overlap(settings);
    let last = length - limit;
    let starts = (0..last).step_by(stride).chain([last]);
    starts.map(|start| start..start + limit).collect()
}

/// The mean of window embeddings, each weighted with its number of residues.
pub(super) fn average(parts: &[(usize, &[f32])]) -> Vec<f32> {
    let residues: usize = parts.iter().map(|(length, _)| length).sum();
    let dimension = parts.first().map_or(0, |(_, row)| row.len());
    let weighted = |column: usize| -> f64 {
        parts.iter().map(|(length, row)| *length as f64 * f64::from(row[column])).sum()
    };
    (0..dimension).map(|column| (weighted(column) / residues as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::EmbeddingDtype;
    use super::*;
    use crate::device::PrecisionChoice;

    fn settings(long_sequences: LongSequences) -> Settings {
        Settings {
            max_residues: 8,
            long_sequences,
            precision: PrecisionChoice::F32,
            embedding_dtype: EmbeddingDtype::F32,
            token_budget: None,
        }
    }

    fn only(window: Range<usize>) -> Vec<Range<usize>> {
        std::iter::once(window).collect()
    }

    #[test]
    fn truncation_keeps_the_first_residues() {
        let settings = settings(LongSequences::Truncate);
        assert_eq!(windows(5, &settings), only(0..5));
        assert_eq!(windows(30, &settings), only(0..8));
    }

    #[test]
    fn windows_cover_every_residue_and_end_with_the_sequence() {
        let settings = settings(LongSequences::Window);
        assert_eq!(windows(8, &settings), only(0..8));
        assert_eq!(windows(9, &settings), [0..8, 1..9]);
        assert_eq!(windows(20, &settings), [0..8, 6..14, 12..20]);
        assert_eq!(windows(21, &settings), [0..8, 6..14, 12..20, 13..21]);
    }

    #[test]
    fn averages_weigh_by_residues() {
        assert_eq!(average(&[(3, &[1.0, 0.0]), (1, &[5.0, 4.0])]), [2.0, 1.0]);
    }
}
