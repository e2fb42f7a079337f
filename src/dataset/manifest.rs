//! The record of a split: which pair is where, by which rule and seed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::proof::overlaps;
use super::split::Split;
use super::{Catalogue, Example, Part, Parts, Settings, SplitRule, Warning};
use crate::digest::Digest;
use crate::protein::Accession;

/// Which pair is where, by which rule and seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitManifest {
    /// The rule, fractions, ratio and seed.
    pub settings: Settings,
    /// Whether validation was carved from the user's training part, by proteins.
    pub carved_validation: bool,
    /// Whether validation took pairs with one protein that training has seen.
    pub widened_validation: bool,
    /// Pairs of the input whose proteins fell into different parts.
    pub lost: Lost,
    /// What each two parts share.
    pub overlaps: Vec<Overlap>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// All proteins, sorted by accession, with the digests of their sequences.
    pub proteins: Vec<(Accession, Digest)>,
    /// What each part holds; the pairs are indices of `proteins`.
    pub parts: Parts<PartRecord>,
}

/// Pairs that the split could not use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// With label 1.
    pub positives: usize,
    /// With label 0.
    pub negatives: usize,
}

/// What two parts share, with proteins of identical sequences taken as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// The two parts.
    pub parts: [Part; 2],
    /// Distinct sequences in both.
    pub proteins: usize,
    /// Distinct pairs of sequences in both.
    pub pairs: usize,
}

/// The pairs of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Where the negatives come from.
    pub negatives: NegativeSource,
    /// How much there is.
    pub counts: Counts,
    /// The pairs as `[left, right, label]`.
    pub pairs: Vec<Example>,
}

/// Where negatives come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeSource {
    /// The input.
    Given,
    /// Uniform over pairs that the input does not name.
    Sampled,
}

/// The size of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pairs with label 1.
    pub positives: usize,
    /// Pairs with label 0.
    pub negatives: usize,
    /// Proteins, by accession.
    pub proteins: usize,
    /// Proteins in negatives only: a model may learn them by heart.
    pub only_in_negatives: usize,
    /// Proteins in positives only.
    pub only_in_positives: usize,
}

impl SplitManifest {
    /// The record of a finished split.
    pub(super) fn new(
        catalogue: &Catalogue,
        settings: &Settings,
        split: &Split,
        mut warnings: Vec<Warning>,
    ) -> Self {
        let parts = split.parts.map(|pairs| PartRecord {
            negatives: if pairs.has_negatives {
                NegativeSource::Given
            } else {
                NegativeSource::Sampled
            },
            counts: Counts::of(&pairs.examples),
            pairs: pairs.examples.clone(),
        });
        let overlaps = overlaps(catalogue, &parts);
        if settings.split == SplitRule::Given {
            let shared = overlaps.iter().filter(|o| o.proteins > 0);
            let shared = shared.filter(|o| !(split.carved && o.parts[1] == Part::Validation));
            warnings.extend(shared.map(|overlap| Warning::Overlap(*overlap)));
        }
        let positives = split.lost.iter().filter(|e| e.label).count();
        Self {
            settings: settings.clone(),
            carved_validation: split.carved,
            widened_validation: split.unseen.is_some(),
            lost: Lost { positives, negatives: split.lost.len() - positives },
            overlaps,
            warnings,
            proteins: catalogue.proteins().to_vec(),
            parts,
        }
    }
}

impl fmt::Display for SplitManifest {
    /// One line per part, then what the split lost, without a final line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<10} {:>10} {:>10} {:>10}", "part", "positives", "negatives", "proteins")?;
        for (part, record) in self.parts.each() {
            let Counts { positives, negatives, proteins, .. } = record.counts;
            let name = part.to_string();
            writeln!(f, "{name:<10} {positives:>10} {negatives:>10} {proteins:>10}")?;
        }
        let Lost { positives, negatives } = self.lost;
        write!(f, "{:<10} {positives:>10} {negatives:>10}", "lost")?;
        if self.widened_validation {
            write!(f, "\nvalidation also takes pairs with one protein that training has seen")?;
        }
        Ok(())
    }
}

impl Counts {
    /// The counts of `pairs`.
    pub(super) fn of(pairs: &[Example]) -> Self {
        // For each protein, whether it occurs in negatives and in positives.
        let mut seen: BTreeMap<u32, [bool; 2]> = BTreeMap::new();
        for example in pairs {
            for protein in [example.left, example.right] {
                seen.entry(protein).or_default()[usize::from(example.label)] = true;
            }
        }
        let only = |label: [bool; 2]| seen.values().filter(|seen| **seen == label).count();
        let positives = pairs.iter().filter(|e| e.label).count();
        Self {
            positives,
            negatives: pairs.len() - positives,
            proteins: seen.len(),
            only_in_negatives: only([true, false]),
            only_in_positives: only([false, true]),
        }
    }
}
