//! The record of a split: which pair is where, by which rule and seed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::classes::classes;
use super::clusters::is_giant;
use super::proof::overlaps;
use super::split::Split;
use super::{
    Background, Catalogue, Classes, Clusters, Example, Mmseqs, ONE_LABEL_SHARE, Part, Parts,
    Section, Settings, SplitRule, Warning, sort_by_sequence,
};
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
    /// The clusters that were split.
    pub clusters: Option<ClusterRecord>,
    /// Distinct pairs that were known besides the pairs of the parts, so as not to be drawn.
    pub known: usize,
    /// Pairs of the input whose proteins fell into different parts and that are not held out.
    pub lost: Lost,
    /// What each two parts share.
    pub overlaps: Vec<Overlap>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// All proteins, sorted by accession, with the digests of their sequences.
    pub proteins: Vec<(Accession, Digest)>,
    /// What each part holds; the pairs are indices of `proteins`.
    pub parts: Parts<PartRecord>,
    /// What is tested beside the test part.
    pub held_out: PartRecord,
    /// The size of each class of tested pairs, those of the test part and those held out.
    pub test_classes: Classes<Counts>,
}

/// Which proteins a split has kept together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// How many there are, with those of one protein.
    pub clusters: usize,
    /// Proteins that are in one with another; identical sequences count as one protein here.
    pub clustered: usize,
    /// The proteins of the largest.
    pub largest: usize,
    /// Proteins that the user's table of clusters does not list.
    pub unlisted: usize,
    /// How `MMseqs2` has found them, where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mmseqs: Option<Mmseqs>,
    /// The cluster of each of the manifest's proteins, named by the first of these in it.
    pub of: Vec<u32>,
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
    /// Drawn by the rule of the settings, from pairs that are not known.
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
    /// The record of a finished split and of all that it holds out.
    pub(super) fn new(
        catalogue: &Catalogue,
        background: &Background,
        settings: &Settings,
        split: &Split,
        mut warnings: Vec<Warning>,
    ) -> Self {
        let parts = split.parts.map(|pairs| PartRecord::new(&pairs.examples, pairs.has_negatives));
        let mut held_out: Vec<Example> = split.held_out.examples().copied().collect();
        sort_by_sequence(catalogue, &mut held_out);
        let held_out = PartRecord::new(&held_out, split.held_out.c1.has_negatives);
        let overlaps = overlaps(catalogue, &parts);
        if settings.split == SplitRule::Given {
            let shared = overlaps.iter().filter(|o| o.proteins > 0);
            let shared = shared.filter(|o| !(split.carved && o.parts[1] == Part::Validation));
            warnings.extend(shared.map(|overlap| Warning::Overlap(*overlap)));
        }
        let clusters = (settings.split == SplitRule::Clusters)
            .then(|| ClusterRecord::new(catalogue, &background.clusters));
        warnings.extend(clusters.iter().filter_map(|record| record.warning(catalogue)));
        let sections = [Section::Train, Section::Validation, Section::Test];
        for (section, (_, record)) in sections.into_iter().zip(parts.each()) {
            warnings.extend(record.counts.one_label(section));
        }
        let positives = split.lost.iter().filter(|e| e.label).count();
        Self {
            settings: settings.clone(),
            carved_validation: split.carved,
            widened_validation: split.unseen.is_some(),
            clusters,
            known: background.known.len(),
            lost: Lost { positives, negatives: split.lost.len() - positives },
            overlaps,
            warnings,
            proteins: catalogue.proteins().to_vec(),
            test_classes: class_counts(catalogue, &parts, &held_out),
            parts,
            held_out,
        }
    }
}

/// The size of each class of what is tested.
pub(super) fn class_counts(
    catalogue: &Catalogue,
    parts: &Parts<PartRecord>,
    held_out: &PartRecord,
) -> Classes<Counts> {
    let tested = parts.test.pairs.iter().chain(&held_out.pairs);
    let classes = classes(|protein| catalogue.sequence_of(protein), &parts.train.pairs, tested);
    classes.map(|pairs| Counts::of(pairs))
}

impl PartRecord {
    fn new(pairs: &[Example], has_negatives: bool) -> Self {
        let negatives = match has_negatives {
            true => NegativeSource::Given,
            false => NegativeSource::Sampled,
        };
        Self { negatives, counts: Counts::of(pairs), pairs: pairs.to_vec() }
    }
}

impl ClusterRecord {
    fn new(catalogue: &Catalogue, clusters: &Clusters) -> Self {
        let groups = clusters.groups(0..catalogue.sequences().len() as u32);
        let mut first: BTreeMap<u32, u32> = BTreeMap::new();
        let of = (0..catalogue.len() as u32).map(|protein| {
            *first.entry(clusters.of(catalogue.sequence_of(protein))).or_insert(protein)
        });
        Self {
            of: of.collect(),
            clusters: groups.len(),
            clustered: groups.iter().map(Vec::len).filter(|&size| size > 1).sum(),
            largest: groups.iter().map(Vec::len).max().unwrap_or_default(),
            unlisted: clusters.unlisted(),
            mmseqs: clusters.mmseqs().cloned(),
        }
    }

    /// What to know of a cluster that is too large to be tested.
    fn warning(&self, catalogue: &Catalogue) -> Option<Warning> {
        let (largest, proteins) = (self.largest, catalogue.sequences().len());
        is_giant(largest, proteins).then_some(Warning::GiantCluster { largest, proteins })
    }
}

impl fmt::Display for SplitManifest {
    /// One line per part and class of tested pairs, then what the split lost, without a final line
    /// break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<10} {:>10} {:>10} {:>10}", "part", "positives", "negatives", "proteins")?;
        for (part, record) in self.parts.each() {
            let Counts { positives, negatives, proteins, .. } = record.counts;
            let name = part.to_string();
            writeln!(f, "{name:<10} {positives:>10} {negatives:>10} {proteins:>10}")?;
        }
        for (class, counts) in self.test_classes.each() {
            let Counts { positives, negatives, proteins, .. } = counts;
            let name = format!("tested {class}");
            writeln!(f, "{name:<10} {positives:>10} {negatives:>10} {proteins:>10}")?;
        }
        let Lost { positives, negatives } = self.lost;
        write!(f, "{:<10} {positives:>10} {negatives:>10}", "lost")?;
        if let Some(ClusterRecord { clusters, clustered, largest, mmseqs, .. }) = &self.clusters {
            write!(
                f,
                "\n{clusters} clusters, {clustered} proteins in one with another, {largest} in the \
                 largest"
            )?;
            if let Some(Mmseqs { version, min_seq_id, coverage }) = mmseqs {
                write!(f, ", by MMseqs2 {version} (--min-seq-id {min_seq_id} -c {coverage})")?;
            }
        }
        if self.known > 0 {
            write!(f, "\n{} other pairs are known and no negatives", self.known)?;
        }
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

    /// A warning if too many proteins of `part` occur with one label only.
    fn one_label(&self, part: Section) -> Option<Warning> {
        let Self { proteins, only_in_positives, only_in_negatives, .. } = *self;
        let one_label = only_in_positives + only_in_negatives;
        let warning = Warning::OneLabel { part, proteins, only_in_positives, only_in_negatives };
        (one_label as f64 > ONE_LABEL_SHARE * proteins as f64).then_some(warning)
    }
}
