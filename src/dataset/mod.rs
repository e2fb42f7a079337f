//! Dataset: labelled pairs cut into training, validation and test, with sampled negatives.
//!
//! Everything here is a pure function of the catalogue, the pairs and the settings. Proteins with
//! identical sequences are one unit: they fall into the same part, and a pair counts as known
//! under any of their names. Nothing depends on names: renaming proteins leaves every sequence
//! where it was, in the same order.

mod catalogue;
mod manifest;
mod negatives;
mod order;
mod parts;
mod proof;
mod similarity;
mod split;
#[cfg(test)]
mod tests;
mod warning;

use serde::{Deserialize, Serialize};

use crate::protein::Accession;

pub use catalogue::{Catalogue, SequencePair};
pub use manifest::{Counts, Lost, NegativeSource, Overlap, PartRecord, SplitManifest};
pub use order::epoch_order;
pub use parts::{Example, LabelError, Pairs, Part, Parts, Source};
pub use proof::LeakError;
pub use similarity::{FREQUENT_ABOVE, KmerIndex};
pub use warning::Warning;

/// Below so many positives the validation part also takes pairs with one unseen protein.
pub const WIDEN_VALIDATION_BELOW: usize = 200;
/// Below so many positives a part is used with a warning.
pub const WARN_BELOW: usize = 100;
/// Below so many positives a part is refused.
pub const REFUSE_BELOW: usize = 10;

/// How pairs are split and negatives are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The rule that puts pairs into parts.
    pub split: SplitRule,
    /// The share of proteins (or pairs, as the rule says) that the test part takes.
    pub test_fraction: f64,
    /// The share of proteins (or pairs) that the validation part takes.
    pub validation_fraction: f64,
    /// Sampled negatives per positive, where the input has none of its own.
    pub negative_ratio: f64,
    /// Whether a protein may be paired with itself in a sampled negative.
    pub self_negatives: bool,
    /// Seeds the split and the negatives.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            split: SplitRule::Proteins,
            test_fraction: 0.2,
            validation_fraction: 0.1,
            negative_ratio: 1.0,
            self_negatives: false,
            seed: 42,
        }
    }
}

/// The rule that puts pairs into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// Proteins are split; both proteins of a test pair are unseen in training and validation.
    Proteins,
    /// Pairs are split at random; their proteins are seen in training.
    Pairs,
    /// The user's own parts.
    Given,
}

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
    /// Which pair is where, by which rule and seed.
    pub manifest: SplitManifest,
}

/// Why there is no dataset.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A setting outside its range.
    #[error("`{name}` is {value}, expected {expected}")]
    Setting {
        /// The name of the setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The range.
        expected: &'static str,
    },
    /// `split=given` for a single set of pairs.
    #[error(
        "`split` is `given`, but no test pairs are given: give them as channel `test` or with \
         `--test`, or use `split=proteins`"
    )]
    NoTestPart,
    /// Another rule for pairs that come in parts.
    #[error("test pairs are given, but `split` is not `given`: leave out the one or the other")]
    UnusedTestPart,
    /// One name for two sequences.
    #[error("`{accession}` has two different sequences: keep one of them")]
    TwoSequences {
        /// The name.
        accession: Accession,
    },
    /// A pair of proteins that the catalogue does not list.
    #[error("a pair names protein number {index} of a catalogue of {proteins}")]
    UnknownProtein {
        /// The index in the pair.
        index: u32,
        /// The size of the catalogue.
        proteins: usize,
    },
    /// A part under [`REFUSE_BELOW`] positives.
    #[error(
        "the {part} part has too few positive pairs, {positives} where at least {REFUSE_BELOW} are \
         needed: {remedy}"
    )]
    FewPositives {
        /// The part.
        part: Part,
        /// What it has.
        positives: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// A part with a single class.
    #[error("the {part} part has no negative pairs: {remedy}")]
    NoNegatives {
        /// The part.
        part: Part,
        /// What to do.
        remedy: &'static str,
    },
    /// The parts break the promise of their rule.
    #[error(transparent)]
    Leak(#[from] LeakError),
}

/// Splits the pairs, draws negatives for every part that has none of its own, and proves that the
/// result keeps the promise of its rule.
///
/// Negatives are uniform over the unordered pairs of distinct sequences in the part's positives
/// (in a widened validation part, at least one of the two unseen in training). A pair that the
/// input names anywhere, with whatever label, or that another part drew, is never drawn.
pub fn build(catalogue: &Catalogue, source: Source, settings: &Settings) -> Result<Dataset, Error> {
    check_settings(settings)?;
    check_source(catalogue, &source, settings.split)?;
    let mut taken = source.examples().map(|e| catalogue.sequence_pair(e)).collect();
    let mut split = split::split(catalogue, source, settings);
    let contradicted = split.contradicted_negatives(catalogue);
    let mut warnings = split.warnings();
    for part in [Part::Test, Part::Validation, Part::Train] {
        let remedy = few_positives_remedy(part, settings.split, split.carved);
        warnings.extend(check_positives(part, split.parts.get(part), remedy)?);
        warnings.extend(negatives::add(catalogue, &mut split, part, &mut taken, settings)?);
    }
    warnings.extend(contradicted);
    for (_, pairs) in split.parts.each_mut() {
        sort_by_sequence(catalogue, &mut pairs.examples);
    }
    let manifest = SplitManifest::new(catalogue, settings, &split, warnings);
    manifest.verify()?;
    let Parts { train, validation, test } = split.parts;
    let (train, validation, test) = (train.examples, validation.examples, test.examples);
    Ok(Dataset { train, validation, test, manifest })
}

fn check_settings(settings: &Settings) -> Result<(), Error> {
    let Settings { test_fraction, validation_fraction, negative_ratio, .. } = *settings;
    let check = |name, value, valid, expected| {
        if valid { Ok(()) } else { Err(Error::Setting { name, value, expected }) }
    };
    let share = "a number from 0 to below 1";
    check("test_fraction", test_fraction, (0.0..1.0).contains(&test_fraction), share)?;
    let valid = (0.0..1.0).contains(&validation_fraction);
    check("validation_fraction", validation_fraction, valid, share)?;
    let sum = test_fraction + validation_fraction;
    check("test_fraction + validation_fraction", sum, sum < 1.0, "less than 1")?;
    let valid = negative_ratio.is_finite() && negative_ratio > 0.0;
    check("negative_ratio", negative_ratio, valid, "a number above 0")
}

fn check_source(catalogue: &Catalogue, source: &Source, rule: SplitRule) -> Result<(), Error> {
    match (source, rule) {
        (Source::Whole(_), SplitRule::Given) => return Err(Error::NoTestPart),
        (Source::Given { .. }, SplitRule::Proteins | SplitRule::Pairs) => {
            return Err(Error::UnusedTestPart);
        }
        _ => {}
    }
    let proteins = catalogue.len();
    let mut indices = source.examples().flat_map(|e| [e.left, e.right]);
    match indices.find(|&index| index as usize >= proteins) {
        Some(index) => Err(Error::UnknownProtein { index, proteins }),
        None => Ok(()),
    }
}

fn check_positives(
    part: Part,
    pairs: &Pairs,
    remedy: &'static str,
) -> Result<Option<Warning>, Error> {
    match pairs.positives() {
        positives if positives < REFUSE_BELOW => {
            Err(Error::FewPositives { part, positives, remedy })
        }
        positives if positives < WARN_BELOW => Ok(Some(Warning::FewPositives { part, positives })),
        _ => Ok(None),
    }
}

fn few_positives_remedy(part: Part, rule: SplitRule, carved: bool) -> &'static str {
    match (part, rule, carved) {
        (Part::Validation, SplitRule::Given, true) => {
            "add pairs, raise `validation_fraction` or provide a validation part"
        }
        (_, SplitRule::Given, _) => "add pairs to this part",
        (Part::Train, ..) => {
            "use more pairs (mind `max_proteins` and `max_pairs`) or lower `test_fraction` and \
             `validation_fraction`"
        }
        (Part::Validation, ..) => {
            "use more pairs (mind `max_proteins` and `max_pairs`) or raise `validation_fraction`"
        }
        (Part::Test, ..) => {
            "use more pairs (mind `max_proteins` and `max_pairs`) or raise `test_fraction`"
        }
    }
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
