//! Dataset: labelled pairs cut into training, validation and test, with drawn negatives.
//!
//! Everything but the reader of clusters, and what has `MMseqs2` find them, is a pure function of the
//! catalogue, the pairs, what else is known of them, and the settings. Proteins with identical sequences are one unit: they fall
//! into the same part, and a pair counts as known under any of their names. Nothing depends on
//! names: renaming proteins leaves every sequence where it was, in the same order.

mod catalogue;
mod classes;
mod cluster_table;
mod clusters;
mod error;
mod held_out;
mod manifest;
mod mmseqs;
mod negatives;
mod order;
mod parts;
mod proof;
mod settings;
mod similarity;
mod split;
#[cfg(test)]
mod tests;
mod warning;

use std::collections::BTreeSet;

pub use catalogue::{Catalogue, SequencePair};
pub use classes::{Classes, Section, TestClass};
pub use cluster_table::{ClusterTable, ClusterTableError, read_clusters};
pub use clusters::Clusters;
pub use error::{Error, LeakError};
pub use held_out::TRAINING_PER_C1;
pub use manifest::{
    ClusterRecord, Counts, Lost, NegativeSource, Overlap, PartRecord, SplitManifest,
};
pub use mmseqs::{Mmseqs, MmseqsError, mmseqs_clusters};
pub use order::epoch_order;
pub use parts::{Example, LabelError, Pairs, Part, Parts, Source, labels};
pub use settings::{ClusterMethod, Clustering, NegativeRule, Settings, SplitRule};
pub use similarity::{FREQUENT_ABOVE, KmerIndex};
pub use warning::Warning;

/// Below so many positives the validation part also takes pairs with one unseen protein.
pub const WIDEN_VALIDATION_BELOW: usize = 200;
/// Below so many positives a part is used with a warning.
pub const WARN_BELOW: usize = 100;
/// Below so many positives a part is refused.
pub const REFUSE_BELOW: usize = 10;
/// A cluster with more than this share of the proteins trains, with a warning: it would make up
/// half of a test part.
pub const GIANT_SHARE: f64 = 0.1;
/// More proteins than this share of a part's that occur with one label only are a warning.
pub const ONE_LABEL_SHARE: f64 = 0.01;

/// The three parts, ready for training, and the record of how they came about.
///
/// Examples are sorted by their sequences; training shuffles them with [`epoch_order`].
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What the classifier learns from.
    pub train: Vec<Example>,
    /// What selects the epoch and the threshold.
    pub validation: Vec<Example>,
    /// What the final metrics are measured on.
    pub test: Vec<Example>,
    /// What is tested beside the test part where that has unseen proteins alone: see
    /// [`Self::test_classes`].
    pub held_out: Vec<Example>,
    /// Which pair is where, by which rule and seed.
    pub manifest: SplitManifest,
}

/// What is known of proteins and pairs besides the pairs to split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// Which proteins must not fall into different parts; counts with [`SplitRule::Clusters`].
    pub clusters: Clusters,
    /// Pairs that are never drawn as negatives, and used for nothing else.
    pub known: BTreeSet<SequencePair>,
}

/// Splits the pairs, draws negatives for every part that has none of its own, and proves that the
/// result keeps the promise of its rule.
///
/// Where clusters or proteins are split, pairs of training, and pairs between a training and a test
/// protein, are held out to be tested as C1 and C2 beside the test part, which is C3. Each of the
/// five sets gets negatives by [`NegativeRule`]; in a widened validation part at least one of the two
/// proteins is unseen in training, in C2 exactly one. A pair that the input names anywhere, with
/// whatever label, that is known, or that another set drew, is never drawn.
pub fn build(
    catalogue: &Catalogue,
    source: Source,
    background: &Background,
    settings: &Settings,
) -> Result<Dataset, Error> {
    settings.check()?;
    check_source(catalogue, &source, settings.split)?;
    let mut taken: BTreeSet<_> = source.examples().map(|e| catalogue.sequence_pair(e)).collect();
    taken.extend(&background.known);
    let mut split = split::split(catalogue, source, &background.clusters, settings);
    let contradicted = split.contradicted_negatives(catalogue);
    let mut warnings = split.warnings();
    let sections = [Section::Test, Section::Validation, Section::Train, Section::C2, Section::C1];
    for section in sections {
        if let Some(part) = section.part() {
            let positives = split.parts.get(part).positives();
            warnings.extend(few_positives(part, positives, settings.split, split.carved)?);
        }
        warnings.extend(negatives::add(catalogue, &mut split, section, &mut taken, settings)?);
    }
    warnings.extend(contradicted);
    for (_, pairs) in split.parts.each_mut() {
        sort_by_sequence(catalogue, &mut pairs.examples);
    }
    let manifest = SplitManifest::new(catalogue, background, settings, &split, warnings);
    manifest.verify()?;
    let held_out = manifest.held_out.pairs.clone();
    let Parts { train, validation, test } = split.parts;
    let (train, validation, test) = (train.examples, validation.examples, test.examples);
    Ok(Dataset { train, validation, test, held_out, manifest })
}

fn check_source(catalogue: &Catalogue, source: &Source, rule: SplitRule) -> Result<(), Error> {
    match (source, rule) {
        (Source::Whole(_), SplitRule::Given) => return Err(Error::NoTestPart),
        (Source::Given { .. }, SplitRule::Given) | (Source::Whole(_), _) => {}
        (Source::Given { .. }, _) => return Err(Error::UnusedTestPart),
    }
    let proteins = catalogue.len();
    let mut indices = source.examples().flat_map(|e| [e.left, e.right]);
    match indices.find(|&index| index as usize >= proteins) {
        Some(index) => Err(Error::UnknownProtein { index, proteins }),
        None => Ok(()),
    }
}

fn few_positives(
    part: Part,
    positives: usize,
    rule: SplitRule,
    carved: bool,
) -> Result<Option<Warning>, Error> {
    if positives < REFUSE_BELOW {
        return Err(Error::few(part, positives, rule, carved));
    }
    Ok((positives < WARN_BELOW).then_some(Warning::FewPositives { part, positives }))
}

/// Sorts by digests of sequences, so that the order says nothing about names.
fn sort_by_sequence(catalogue: &Catalogue, examples: &mut [Example]) {
    let place = |protein| (catalogue.sequence_of(protein), protein);
    for example in &mut *examples {
        if place(example.left) > place(example.right) {
            std::mem::swap(&mut example.left, &mut example.right);
        }
    }
    examples.sort_by_key(|e| (catalogue.sequence_pair(e), e.label, e.left, e.right));
}
