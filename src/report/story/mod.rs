//! What the report says, section by section: the answer first, then what it rests on.

mod card;
mod curves;
mod data;
mod numbers;
mod probabilities;
mod provenance;
mod seeds;
mod sets;
mod shortcuts;
mod spending;
mod strata;
mod training;
mod verdict;
mod words;

use super::Report;
use super::document::{Document, Section};
use super::text;

/// The report as a document.
pub(super) fn tell(report: &Report<'_>) -> Document {
    let sections: [Option<Section>; 10] = [
        report.evaluation.map(shortcuts::section),
        Some(card::section(report)),
        report.evaluation.map(|evaluation| numbers::section(report, evaluation)),
        report.evaluation.and_then(strata::section),
        report.seeds.map(|seeds| seeds::section(report, seeds)),
        training::section(report),
        Some(data::section(report)),
        report.spending.map(spending::section),
        Some(provenance::section(report)),
        Some(words::section()),
    ];
    Document {
        title: "Protein interaction classifier: training report".to_owned(),
        subtitle: subtitle(report),
        verdict: verdict::verdict(report),
        sections: sections.into_iter().flatten().collect(),
    }
}

fn subtitle(report: &Report<'_>) -> String {
    let parts = report.split.parts.each().map(|(_, part)| part.counts);
    let pairs = parts.iter().map(|counts| counts.positives + counts.negatives).sum();
    format!(
        "Run {}: {} of {} in all three parts, encoder {}",
        report.provenance.run_id,
        text::counted(pairs, "pair"),
        text::counted(report.split.proteins.len(), "protein"),
        report.encoder.name,
    )
}
