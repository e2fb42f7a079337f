//! When a result is too weak to mean anything, or too good to be believed.

use super::benchmark::Benchmark;
use super::words::{against, set_name};
use super::{Doubtful, Evaluation, SMALL_LEAD, Settings, TestSet, Warning, WarningKind};

/// What the reader of these sets must know.
pub(super) fn warnings(
    sets: &[TestSet],
    benchmark: Option<&Benchmark>,
    settings: &Settings,
) -> Vec<Warning> {
    let warnings = |set: &TestSet| {
        let small = small_lead(set);
        let known = benchmark.and_then(|benchmark| beyond_benchmark(set, benchmark));
        let expected = beyond_expectation(set, settings.expected_ceiling);
        [small, known, expected]
    };
    sets.iter().flat_map(warnings).flatten().collect()
}

fn small_lead(set: &TestSet) -> Option<Warning> {
    let lead = set.lead.filter(|lead| lead.auroc < SMALL_LEAD)?;
    let model = set.metrics.auroc?;
    let text = format!(
        "the model's AUROC on {}, {model:.4}, is {}; a lead under {SMALL_LEAD} may be that shortcut \
         and no knowledge of interactions",
        set_name(set.class),
        against(&lead, model),
    );
    Some(Warning { kind: WarningKind::SmallLead, text })
}

fn beyond_benchmark(set: &TestSet, benchmark: &Benchmark) -> Option<Warning> {
    let beyond = [
        ("accuracy", set.metrics.accuracy, benchmark.accuracy),
        ("AUROC", set.metrics.auroc, benchmark.auroc),
    ];
    let beyond = beyond.into_iter().filter_map(|(name, value, most)| {
        let value = value.filter(|value| *value > most)?;
        Some(format!("{name} {value:.4} where at most about {most} is known"))
    });
    let beyond: Vec<_> = beyond.collect();
    let text = format!(
        "the test pairs are {}: {}; with frozen mean-pooled embeddings that is a leak or a defect \
         until proven otherwise: look for training pairs or proteins among the test pairs",
        benchmark.name,
        beyond.join(" and "),
    );
    (!beyond.is_empty()).then_some(Warning { kind: WarningKind::TooGood, text })
}

fn beyond_expectation(set: &TestSet, ceiling: f64) -> Option<Warning> {
    let auroc = set.metrics.auroc.filter(|auroc| *auroc > ceiling)?;
    let text = format!(
        "the model's AUROC on {}, {auroc:.4}, is above `expected_ceiling`, {ceiling}: look for a \
         leak before believing it",
        set_name(set.class),
    );
    Some(Warning { kind: WarningKind::TooGood, text })
}

impl Evaluation {
    /// An error with all warnings, if there are some.
    pub fn without_doubt(&self) -> Result<(), Doubtful> {
        match self.warnings.is_empty() {
            true => Ok(()),
            false => Err(Doubtful { warnings: self.warnings.clone() }),
        }
    }
}
