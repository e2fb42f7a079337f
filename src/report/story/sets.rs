//! Test sets and baselines by the names that the report gives them.

use crate::dataset::{Overlap, Part, REFUSE_BELOW, SplitManifest, TestClass};
use crate::evaluation::{Baseline, BaselineResult, Evaluation, Lead, TestPairs, TestSet};
use crate::report::chart::Tone;
use crate::report::text;

/// The set that the verdict rests on: the strictest with enough interacting pairs, else the
/// largest.
pub(super) fn decisive(evaluation: &Evaluation) -> Option<&TestSet> {
    let enough = |set: &&TestSet| set.metrics.positives >= REFUSE_BELOW;
    let strictest = evaluation.sets.iter().filter(enough).max_by_key(|set| set.class);
    strictest.or_else(|| evaluation.sets.iter().max_by_key(|set| set.metrics.n))
}

/// The name of a set, for heads of columns.
pub(super) fn name(class: TestPairs) -> &'static str {
    match class {
        TestPairs::Test => "Test",
        TestPairs::Class(TestClass::C1) => "C1",
        TestPairs::Class(TestClass::C2) => "C2",
        TestPairs::Class(TestClass::C3) => "C3",
    }
}

/// What the pairs of a set are.
pub(super) fn meaning(class: TestPairs, split: &SplitManifest) -> &'static str {
    match class {
        TestPairs::Class(TestClass::C1) => "new pairs of proteins that training has seen",
        TestPairs::Class(TestClass::C2) => "pairs with one protein that training has never seen",
        TestPairs::Test if !is_of_new_proteins(class, split) => {
            "test pairs some of whose proteins training has seen"
        }
        TestPairs::Class(TestClass::C3) | TestPairs::Test => {
            "pairs of two proteins that training has never seen"
        }
    }
}

/// Whether a result on a set holds for new proteins.
pub(super) fn is_of_new_proteins(class: TestPairs, split: &SplitManifest) -> bool {
    let train_and_test = |overlap: &&Overlap| overlap.parts == [Part::Train, Part::Test];
    let shared = split.overlaps.iter().find(train_and_test);
    match class {
        TestPairs::Class(TestClass::C3) => true,
        TestPairs::Test => shared.is_some_and(|overlap| overlap.proteins == 0),
        TestPairs::Class(TestClass::C1 | TestClass::C2) => false,
    }
}

/// The colour of a set in charts that show all of them: the decisive one stands out.
pub(super) fn tone(evaluation: &Evaluation, set: &TestSet) -> Tone {
    let decisive = decisive(evaluation).map(|set| set.class);
    let others = evaluation.sets.iter().filter(|other| Some(other.class) != decisive);
    match others.into_iter().position(|other| other.class == set.class) {
        None => Tone::Main,
        Some(0) => Tone::Second,
        Some(1) => Tone::Third,
        Some(_) => Tone::Muted,
    }
}

/// What a baseline does, as an activity.
pub(super) fn activity(baseline: Baseline) -> &'static str {
    match baseline {
        Baseline::Degree => "counting the partners of each protein",
        Baseline::Order => "comparing the two accessions",
        Baseline::RowOrder => "looking at the order within the row of the file",
        Baseline::SelfPair => "telling self-pairs from others",
        Baseline::Composition => "counting amino acids",
        Baseline::NearestPair => "looking up the most similar training pairs",
    }
}

/// What a baseline reaches on a set, if it was measured.
pub(super) fn result(set: &TestSet, baseline: Baseline) -> Option<&BaselineResult> {
    set.baselines.iter().find(|result| result.baseline == baseline)
}

/// The 95 % interval of a lead.
pub(super) fn interval(lead: &Lead) -> String {
    match (lead.low, lead.high) {
        (Some(low), Some(high)) => {
            format!("{} to {}", text::decimals(low, 3), text::decimals(high, 3))
        }
        _ => "not known".to_owned(),
    }
}
