//! The leakage card: where pairs come from, and what that means for the numbers.

use super::{sets, strata};
use crate::dataset::{Counts, Lost, NegativeSource, PartRecord};
use crate::evaluation::{Evaluation, TestSet};
use crate::report::Report;
use crate::report::chart::{self, Axis, Chart, Mark, Series};
use crate::report::document::{Block, Figure, Kind, Section, Table, Tone};
use crate::report::text;

pub(super) fn section(report: &Report<'_>) -> Section {
    let mut blocks = vec![Block::text(
        "Leakage is whatever makes a test easier than the use of the model will be. This card says \
         what was done against it, and what is left.",
    )];
    let evaluation = report.evaluation;
    if let Some(evaluation) = evaluation {
        let warnings = evaluation.warnings.iter().map(|warning| text::sentence(&warning.text));
        blocks.extend(warnings.map(|text| Block::Note(Tone::Bad, text)));
    }
    let warnings = report.split.warnings.iter().map(|warning| text::sentence(&warning.to_string()));
    blocks.extend(warnings.map(|text| Block::Note(Tone::Doubtful, text)));
    if let Some(evaluation) = evaluation {
        blocks.push(Block::List(evaluation.card.statements.clone()));
        blocks.push(Block::Table(classes(report, evaluation)));
        blocks.extend(sets::decisive(evaluation).and_then(nearest).map(Block::figure));
    }
    blocks.push(Block::Table(parts(report)));
    blocks.push(Block::Table(overlaps(report)));
    Section::new("card", "Leakage card", blocks)
}

fn classes(report: &Report<'_>, evaluation: &Evaluation) -> Table {
    let rows = evaluation.sets.iter().map(|set| {
        let lead = set.lead.as_ref();
        let or_undefined =
            |text: Option<String>| text.unwrap_or_else(|| text::UNDEFINED.to_owned());
        vec![
            sets::name(set.class).to_owned(),
            text::count(set.metrics.n),
            text::count(set.metrics.positives),
            text::count(set.proteins),
            text::metric(set.metrics.auroc),
            or_undefined(lead.map(|lead| lead.baseline.to_string())),
            or_undefined(lead.map(|lead| text::decimals(lead.auroc, 3))),
            or_undefined(lead.map(sets::interval)),
            text::capitalised(sets::meaning(set.class, report.split)),
        ]
    });
    let columns = [
        ("Test pairs", Kind::Words),
        ("Pairs", Kind::Number),
        ("Interacting", Kind::Number),
        ("Proteins", Kind::Number),
        ("AUROC", Kind::Number),
        ("Best shortcut", Kind::Words),
        ("Lead", Kind::Number),
        ("95 % interval", Kind::Number),
        ("What they are", Kind::Words),
    ];
    Table::new("Test pairs and the lead over the best shortcut", &columns, rows.collect())
}

/// How similar test pairs are to training, as a histogram.
fn nearest(set: &TestSet) -> Option<Figure> {
    let bins = &set.by_similarity;
    let most = bins.iter().map(|bin| bin.pairs).max().filter(|most| *most > 0)?;
    let points = bins.iter().enumerate().map(|(at, bin)| [at as f64, bin.pairs as f64]).collect();
    let dissimilar = bins.first().map_or(0, |bin| bin.pairs);
    let total = bins.iter().map(|bin| bin.pairs).sum();
    let chart = Chart {
        title: format!("Similarity of test pairs to training ({})", sets::name(set.class)),
        description: format!(
            "{} of {} are in the least similar bin.",
            text::count(dissimilar),
            text::counted(total, "test pair"),
        ),
        x: Axis::names(
            "Similarity to the nearest training protein",
            bins.iter().map(strata::bin_name).collect(),
        ),
        y: Axis::counts("Test pairs", most),
        series: vec![Series::unnamed(Mark::Columns(0.8), chart::Tone::Main, points)],
    };
    let rows = bins.iter().map(|bin| {
        vec![strata::bin_name(bin), text::count(bin.pairs), text::percent_of(bin.pairs, total)]
    });
    let columns = [("Similarity", Kind::Words), ("Pairs", Kind::Number), ("Share", Kind::Number)];
    Some(Figure {
        chart,
        reading: "A pair counts with the more similar of its two proteins. Pairs on the left are \
                  unlike anything that training has seen; a result that rests on pairs on the \
                  right is recognition of relatives."
            .to_owned(),
        numbers: Table::new("Test pairs by similarity to training", &columns, rows.collect()),
    })
}

fn parts(report: &Report<'_>) -> Table {
    let row = |name: String, record: &PartRecord| {
        let Counts { positives, negatives, proteins, only_in_negatives, only_in_positives } =
            record.counts;
        let source = match record.negatives {
            NegativeSource::Given => "given",
            NegativeSource::Sampled => "drawn",
        };
        let counts = [positives, negatives, proteins, only_in_positives, only_in_negatives];
        let counts = counts.map(text::count).into_iter();
        std::iter::once(name).chain(counts).chain([source.to_owned()]).collect()
    };
    let split = report.split;
    let parts = split.parts.each().map(|(part, record)| row(part.to_string(), record));
    let held_out = (split.held_out.counts.positives > 0)
        .then(|| row("tested as C1 and C2".to_owned(), &split.held_out));
    let Lost { positives, negatives } = split.lost;
    let mut lost = vec!["in none".to_owned(), text::count(positives), text::count(negatives)];
    lost.resize(7, String::new());
    let rows = parts.into_iter().chain(held_out).chain([lost]).collect();
    let columns = [
        ("Part", Kind::Words),
        ("Interacting", Kind::Number),
        ("Not interacting", Kind::Number),
        ("Proteins", Kind::Number),
        ("Only in interacting pairs", Kind::Number),
        ("Only in other pairs", Kind::Number),
        ("Pairs that do not interact were", Kind::Words),
    ];
    let caption = "What each part holds. Proteins with one label only can be learned by heart; \
                   pairs in none had proteins of different parts";
    Table::new(caption, &columns, rows)
}

fn overlaps(report: &Report<'_>) -> Table {
    let rows = report.split.overlaps.iter().map(|overlap| {
        let [one, other] = overlap.parts;
        vec![
            format!("{one} and {other}"),
            text::count(overlap.proteins),
            text::count(overlap.pairs),
        ]
    });
    let columns = [
        ("Parts", Kind::Words),
        ("Sequences in both", Kind::Number),
        ("Pairs in both", Kind::Number),
    ];
    Table::new("What parts share", &columns, rows.collect())
}
