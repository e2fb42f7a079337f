//! Negatives: pairs that no input names, drawn for each section.

mod matched;
#[cfg(test)]
mod samples;
mod uniform;

use std::collections::BTreeSet;

use super::split::Split;
use super::{
    Catalogue, Error, Example, NegativeRule, Pairs, Parts, Section, SequencePair, Settings,
    SplitRule, Warning, order,
};

/// Draws the negatives of a section that has none of its own, outside `taken`, and takes them.
///
/// A part without negatives is an error, a class of test pairs without them is a warning.
pub(super) fn add(
    catalogue: &Catalogue,
    split: &mut Split,
    section: Section,
    taken: &mut BTreeSet<SequencePair>,
    settings: &Settings,
) -> Result<Option<Warning>, Error> {
    let pairs = split.section_mut(section);
    if pairs.has_negatives {
        let missing = pairs.examples.iter().all(|e| e.label);
        let remedy = "add pairs with label 0, or leave all of them out to have negatives sampled";
        return match section.part() {
            Some(part) if missing => Err(Error::NoNegatives { part, remedy }),
            _ => Ok(None),
        };
    }
    let positives = std::mem::take(&mut pairs.examples);
    let wanted = (settings.negative_ratio * positives.len() as f64).round() as usize;
    let sides = match (section, &split.unseen) {
        (Section::Validation, Some(unseen)) => Sides::AtLeastOne(unseen),
        (Section::C2, _) => Sides::ExactlyOne(&split.held_out.unseen),
        _ => Sides::Any,
    };
    let self_pairs = settings.self_negatives;
    let request = Request { catalogue, positives: &positives, wanted, sides, self_pairs };
    let random = &mut order::negatives(settings.seed, section);
    let drawn = match settings.negatives {
        NegativeRule::DegreeMatched => matched::draw(&request, taken, random),
        NegativeRule::Uniform => {
            let others = other_proteins(split, section, settings.split);
            uniform::draw(&request, others, taken, random)
        }
    };
    let count = drawn.len();
    taken.extend(drawn.iter().map(|e| catalogue.sequence_pair(e)));
    split.section_mut(section).examples = [positives, drawn].concat();
    match (count, section.part()) {
        (0, Some(part)) if wanted == 0 => {
            Err(Error::NoNegatives { part, remedy: "raise `negative_ratio` or add pairs" })
        }
        (0, Some(part)) => {
            let remedy = "the input names every pair of its proteins that no other part drew: \
                          lower `negative_ratio` or add proteins";
            Err(Error::NoNegatives { part, remedy })
        }
        (drawn, _) if drawn < wanted => Ok(Some(match settings.negatives {
            NegativeRule::DegreeMatched => Warning::Unmatched { part: section, wanted, drawn },
            NegativeRule::Uniform => Warning::FewerNegatives { part: section, wanted, drawn },
        })),
        _ => Ok(None),
    }
}

/// Pairs whose proteins may be in the pairs of a section as well as those of its own positives: all
/// where pairs are split, and those of training where it has seen a protein.
fn other_proteins(split: &Split, section: Section, rule: SplitRule) -> Vec<&Example> {
    let Parts { train, validation, test } = &split.parts;
    let others: &[&Pairs] = match (rule, section) {
        (SplitRule::Pairs, _) => &[train, validation, test],
        (_, Section::C1 | Section::C2) => &[train],
        _ => &[],
    };
    others.iter().flat_map(|pairs| &pairs.examples).collect()
}

/// What is drawn.
struct Request<'a> {
    catalogue: &'a Catalogue,
    /// The positives whose proteins are paired.
    positives: &'a [Example],
    /// How many negatives there should be.
    wanted: usize,
    /// Which pairs may be drawn.
    sides: Sides<'a>,
    /// Whether a protein may be paired with itself.
    self_pairs: bool,
}

/// Which sequences may be paired.
#[derive(Clone, Copy)]
enum Sides<'a> {
    /// Any two.
    Any,
    /// At least one of these with any.
    AtLeastOne(&'a BTreeSet<u32>),
    /// One of these with one that is none of them.
    ExactlyOne(&'a BTreeSet<u32>),
}

impl Sides<'_> {
    /// Whether a sequence is one that every pair needs.
    fn is_anchor(&self, sequence: u32) -> bool {
        match self {
            Self::Any => true,
            Self::AtLeastOne(anchors) | Self::ExactlyOne(anchors) => anchors.contains(&sequence),
        }
    }

    /// Whether the two may be paired.
    fn allow(&self, one: u32, other: u32) -> bool {
        let anchors = [one, other].map(|sequence| self.is_anchor(sequence));
        match self {
            Self::Any | Self::AtLeastOne(_) => anchors != [false, false],
            Self::ExactlyOne(_) => anchors[0] != anchors[1],
        }
    }
}
