//! What is left to compute, by the plans that were written first.

use std::collections::{BTreeMap, BTreeSet};

use tracing::warn;

use super::plan::{self, Place, PlannedSequence, Unit, UnitPlan};
use super::reductions::Budgets;
use super::{EmbeddingStore, Error, Job, token_lengths};
use crate::digest::Digest;
use crate::protein::ProteinSequence;

/// The units that hold something missing, whole, from the plans written first, and what has reduced
/// their budget since.
///
/// The first plan of a set of sequences and a budget covers what was missing when it was written.
/// Rows that it took for granted and that were lost since get a plan of their own, and so on; a
/// damaged plan covers nothing and is followed by another.
pub(super) fn units(
    job: &Job<'_>,
    store: &EmbeddingStore,
    sequences: &BTreeMap<Digest, &ProteinSequence>,
    missing: &BTreeSet<Digest>,
) -> Result<(Vec<Unit>, Budgets), Error> {
    let budget = job.token_budget();
    let cut = |digests: &BTreeSet<Digest>| {
        let planned = digests.iter().filter_map(|digest| sequences.get(digest)).map(|sequence| {
            let tokens = token_lengths(sequence.len(), job.settings).into_iter().sum();
            PlannedSequence { digest: sequence.digest(), tokens }
        });
        UnitPlan::new(planned.collect(), budget)
    };
    let set = plan::set_digest(sequences.keys().copied());
    let mut units = Vec::new();
    let mut uncovered = missing.clone();
    for number in 1_usize.. {
        if uncovered.is_empty() {
            break;
        }
        // Numbers and digests always serialise.
        let ours = serde_json::to_vec(&cut(&uncovered)).unwrap_or_default();
        let stored = store.plan_once(&format!("{set}-{budget}-{number}"), &ours)?;
        let Some(plan) = UnitPlan::parse(&stored, budget) else {
            warn!(plan = %set, number, "a damaged unit plan; another takes its place");
            continue;
        };
        for (unit, sequences) in plan.units.into_iter().enumerate() {
            if sequences.iter().any(|digest| uncovered.contains(digest)) {
                for digest in &sequences {
                    uncovered.remove(digest);
                }
                units.push(Unit { place: Place { plan: number, unit }, sequences });
            }
        }
    }
    Ok((units, Budgets::read(store, format!("{set}-{budget}"), budget)?))
}
