//! The unit plan: which sequences are embedded together.
//!
//! The bits of an embedding may depend on its batch. A unit is computed and committed whole, and
//! the plan is written once per set of sequences and token budget, so that a restarted run computes
//! the same batches as one that was never interrupted.

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};

/// A sequence to embed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlannedSequence {
    /// The digest of the sequence.
    pub(super) digest: Digest,
    /// Tokens of all its windows.
    pub(super) tokens: usize,
}

/// Where a unit stands in the plans of a set of sequences and a token budget: their order is that in
/// which one device computes the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of the plan, from 1.
    pub(super) plan: usize,
    /// The number of the unit in it, from 0.
    pub(super) unit: usize,
}

/// Sequences that are computed and committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Where it stands.
    pub(super) place: Place,
    /// Its sequences by digest.
    pub(super) sequences: Vec<Digest>,
}

/// Sequences by unit, in the order in which they are computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnitPlan {
    /// Tokens a unit was allowed.
    pub(super) token_budget: usize,
    /// The sequences of each unit by digest.
    pub(super) units: Vec<Vec<Digest>>,
}

impl UnitPlan {
    /// Cuts `sequences` into units of neighbouring length within `token_budget`, longest first:
    /// if memory does not suffice, the first unit shows it. A sequence over the budget is a unit
    /// of its own.
    pub(super) fn new(mut sequences: Vec<PlannedSequence>, token_budget: usize) -> Self {
        sequences.sort_by(|a, b| b.tokens.cmp(&a.tokens).then(a.digest.cmp(&b.digest)));
        let mut units: Vec<Vec<Digest>> = Vec::new();
        let mut filled = usize::MAX;
        for sequence in sequences {
            filled = filled.saturating_add(sequence.tokens);
            match units.last_mut() {
                Some(unit) if filled <= token_budget => unit.push(sequence.digest),
                _ => {
                    units.push(vec![sequence.digest]);
                    filled = sequence.tokens;
                }
            }
        }
        Self { token_budget, units }
    }

    /// A plan as it was stored, unless it is damaged or of another budget. One that names a
    /// sequence twice is damaged: it would be computed twice, or a million times.
    pub(super) fn parse(stored: &[u8], token_budget: usize) -> Option<Self> {
        let plan: Self = serde_json::from_slice(stored).ok()?;
        let mut named: Vec<&Digest> = plan.units.iter().flatten().collect();
        named.sort_unstable();
        let unique = named.is_sorted_by(|one, next| one < next);
        (unique && plan.token_budget == token_budget).then_some(plan)
    }
}

/// The name of a set of sequences, whatever their order.
pub(super) fn set_digest(digests: impl IntoIterator<Item = Digest>) -> Digest {
    let mut digests: Vec<_> = digests.into_iter().collect();
    digests.sort_unstable();
    let mut hasher = Hasher::default();
    digests.iter().for_each(|digest| hasher.update(digest.as_bytes()));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(tokens: usize) -> PlannedSequence {
        PlannedSequence { digest: Digest::of(&tokens.to_le_bytes()), tokens }
    }

    #[test]
    fn units_hold_neighbouring_lengths_within_the_budget() {
        let tokens = |plan: &UnitPlan| -> Vec<usize> { plan.units.iter().map(Vec::len).collect() };
        let plan = UnitPlan::new([3, 50, 10, 9, 8, 4].map(sequence).to_vec(), 20);
        assert_eq!(tokens(&plan), [1, 2, 3], "50 | 10 + 9 | 8 + 4 + 3");
        assert_eq!(plan.units[0], [sequence(50).digest]);
    }

    #[test]
    fn a_stored_plan_is_of_its_budget_and_names_no_sequence_twice() {
        let plan = UnitPlan::new([3, 50, 10].map(sequence).to_vec(), 20);
        let stored = |plan: &UnitPlan| serde_json::to_vec(plan).unwrap();
        assert_eq!(UnitPlan::parse(&stored(&plan), 20), Some(plan.clone()));
        assert_eq!(UnitPlan::parse(&stored(&plan), 21), None);
        for units in [vec![vec![plan.units[0][0]; 2]], [plan.units.clone(), plan.units].concat()] {
            assert_eq!(UnitPlan::parse(&stored(&UnitPlan { token_budget: 20, units }), 20), None);
        }
    }

    #[test]
    fn the_plan_does_not_depend_on_the_order_of_the_input() {
        let forward: Vec<_> = (1..100).map(sequence).collect();
        let backward: Vec<_> = forward.iter().rev().copied().collect();
        assert_eq!(UnitPlan::new(forward.clone(), 64), UnitPlan::new(backward.clone(), 64));
        let digests = |list: &[PlannedSequence]| set_digest(list.iter().map(|s| s.digest));
        assert_eq!(digests(&forward), digests(&backward));
        assert_ne!(digests(&forward), digests(&forward[1..]));
    }
}
