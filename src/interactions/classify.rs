//! Which pairs stay: conflicts, duplicates, self-pairs and evidence, over all files at once.

use std::collections::HashMap;

use super::evidence::{Lack, Support};
use super::score::Rating;
use super::table::Pair;
use super::{SelfPairs, Settings};

/// A row that names two proteins, and what became of it.
#[derive(Debug)]
pub(super) struct Row {
    /// The number of the file.
    pub(super) file: usize,
    /// The line in it, counted from 1.
    pub(super) line: usize,
    /// Numbers of the proteins, in the order of the row.
    pub(super) proteins: [usize; 2],
    /// The label, in files that have labels.
    pub(super) label: Option<bool>,
    pub(super) fate: Fate,
}

/// What became of a row. Rows are referred to by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The row given labels the same pair differently.
    Conflicting(usize),
    /// The row given holds the same pair.
    Duplicate(usize),
    SelfPair,
    Lacks(Lack),
    OutsideSubset,
    /// Whether each of the two proteins has a sequence.
    WithoutSequence([bool; 2]),
    /// Nothing speaks against it.
    Used,
}

/// Rows of the same unordered pair that nothing of their own rules out.
struct Group {
    first: [Option<usize>; 2],
    /// `None` once a row comes from a file without evidence, where none can be asked for.
    support: Option<Support>,
    /// The best of all rows.
    rating: Rating,
}

/// Decides everything that does not depend on sequences, and counts the conflicting pairs.
pub(super) fn classify(pairs: Vec<Pair>, settings: &Settings) -> (Vec<Row>, usize) {
    let mut groups: HashMap<[usize; 2], Group> = HashMap::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.lack.is_none()) {
        let new = || Group {
            first: [None, None],
            support: Some(Support::default()),
            rating: Rating::Missing,
        };
        let group = groups.entry(unordered(pair.proteins)).or_insert_with(new);
        group.first[usize::from(positive(pair.label))].get_or_insert(index);
        match (&mut group.support, &pair.support) {
            (Some(all), Some(support)) => all.merge(support),
            (all, _) => *all = None,
        }
        group.rating = group.rating.max(pair.rating);
    }
    groups.values_mut().filter_map(|group| group.support.as_mut()).for_each(Support::settle);
    let conflicting = groups.values().filter(|g| matches!(g.first, [Some(_), Some(_)])).count();

    let fate = |index: usize, pair: &Pair| {
        if let Some(lack) = pair.lack {
            return Fate::Lacks(lack);
        }
        let Some(group) = groups.get(&unordered(pair.proteins)) else { return Fate::Used };
        match group.first {
            [Some(negative), Some(other)] => {
                return Fate::Conflicting(if positive(pair.label) { negative } else { other });
            }
            [Some(first), None] | [None, Some(first)] if first != index => {
                return Fate::Duplicate(first);
            }
            _ => {}
        }
        let [one, other] = pair.proteins;
        if one == other && settings.self_pairs == SelfPairs::Exclude {
            return Fate::SelfPair;
        }
        let lack = group.support.as_ref().and_then(|support| support.lacks(settings));
        let too_low = match group.rating {
            Rating::Missing => Some(Lack::Score(None)),
            Rating::TooLow(best) => Some(Lack::Score(Some(best))),
            Rating::Enough => None,
        };
        lack.or(too_low).map_or(Fate::Used, Fate::Lacks)
    };
    let rows = pairs.into_iter().enumerate().map(|(index, pair)| {
        let fate = fate(index, &pair);
        let Pair { file, line, proteins, label, .. } = pair;
        Row { file, line, proteins, label, fate }
    });
    (rows.collect(), conflicting)
}

/// Rows of files without labels are interactions.
pub(super) fn positive(label: Option<bool>) -> bool {
    label.unwrap_or(true)
}

/// The same for both orders.
pub(super) fn unordered([one, other]: [usize; 2]) -> [usize; 2] {
    [one.min(other), one.max(other)]
}
