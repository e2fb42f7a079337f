//! The model beside rules that know nothing about how proteins bind.

use super::sets::{self, result};
use crate::evaluation::{Baseline, BaselineResult, Direction, Evaluation, Metrics, TestSet};
use crate::report::chart::{Axis, Chart, Mark, Series, Tone};
use crate::report::document::{Block, Figure, Kind, Section, Table};
use crate::report::text;

/// What guessing gives.
const CHANCE: f64 = 0.5;

pub(super) fn section(evaluation: &Evaluation) -> Section {
    let mut blocks = vec![Block::text(
        "A classifier of interactions can score well without knowing anything about proteins, from \
         how the pairs were collected. These shortcuts were measured on the same test pairs. What \
         the model has beyond the best of them is what it has learned from sequences. A rule that \
         is reversed ranks better the other way round, and counts so.",
    )];
    blocks.extend(sets::decisive(evaluation).map(|set| Block::figure(bars(set))));
    blocks.push(Block::Table(table("AUROC", evaluation, |model| model.auroc, |rule| rule.auroc)));
    blocks.push(Block::Table(table(
        "Average precision",
        evaluation,
        |model| model.average_precision,
        |rule| rule.average_precision,
    )));
    blocks.push(Block::Terms(used(evaluation).map(explained).collect()));
    Section::new("shortcuts", "The model beside the shortcuts", blocks)
}

/// One metric of the model and of every baseline, on every set.
fn table(
    caption: &str,
    evaluation: &Evaluation,
    of_model: fn(&Metrics) -> Option<f64>,
    of_baseline: fn(&BaselineResult) -> Option<f64>,
) -> Table {
    let sets = &evaluation.sets;
    let heads = sets.iter().map(|set| (sets::name(set.class), Kind::Number));
    let columns: Vec<_> = std::iter::once(("Scored by", Kind::Words)).chain(heads).collect();
    let row = |name: String, values: Vec<Option<f64>>| -> Vec<String> {
        std::iter::once(name).chain(values.into_iter().map(text::metric)).collect()
    };
    let model = sets.iter().map(|set| of_model(&set.metrics)).collect();
    let mut rows = vec![row("Model".to_owned(), model)];
    for baseline in used(evaluation) {
        let values = sets.iter().map(|set| result(set, baseline).and_then(of_baseline)).collect();
        rows.push(row(remarked(baseline, evaluation), values));
    }
    Table::new(caption, &columns, rows)
}

/// The baselines that were measured.
fn used(evaluation: &Evaluation) -> impl Iterator<Item = Baseline> + '_ {
    let is_used =
        |baseline: &Baseline| evaluation.sets.iter().any(|set| result(set, *baseline).is_some());
    Baseline::ALL.into_iter().filter(is_used)
}

/// The name of a baseline, with what must be known of its numbers.
fn remarked(baseline: Baseline, evaluation: &Evaluation) -> String {
    let results = || {
        let sets = evaluation.sets.iter();
        sets.filter_map(|set| Some((sets::name(set.class), result(set, baseline)?)))
    };
    let reversed = results().filter(|(_, result)| result.direction == Direction::Low);
    let reversed: Vec<_> = reversed.map(|(set, _)| set).collect();
    let mut remarks = Vec::new();
    if results().any(|(_, result)| !result.within_reach) {
        remarks.push("out of the model’s reach".to_owned());
    }
    if !reversed.is_empty() {
        remarks.push(format!("reversed in {}", reversed.join(", ")));
    }
    match remarks.is_empty() {
        true => name(baseline),
        false => format!("{} ({})", name(baseline), remarks.join("; ")),
    }
}

fn bars(set: &TestSet) -> Figure {
    let results: Vec<_> = set
        .baselines
        .iter()
        .filter_map(|result| Some((name(result.baseline), result.auroc?)))
        .collect();
    let names =
        std::iter::once("Model".to_owned()).chain(results.iter().map(|(name, _)| name.clone()));
    let model = set.metrics.auroc.map(|auroc| [auroc, 0.0]);
    let numbered = results.iter().enumerate();
    let others: Vec<_> = numbered.map(|(at, (_, auroc))| [*auroc, at as f64 + 1.0]).collect();
    let lowest = set.metrics.auroc.unwrap_or(CHANCE).min(CHANCE);
    let said: Vec<_> = results
        .iter()
        .map(|(name, auroc)| format!("{name} {}", text::decimals(*auroc, 3)))
        .collect();
    let chart = Chart {
        title: format!("AUROC of the model and of the shortcuts ({})", sets::name(set.class)),
        description: format!("Model {}; {}.", text::metric(set.metrics.auroc), said.join(", ")),
        x: Axis::linear("AUROC", (lowest * 10.0).floor() / 10.0, 1.0),
        y: Axis::names("Scored by", names.collect()),
        series: vec![
            Series::unnamed(Mark::Rows(CHANCE), Tone::Main, model.into_iter().collect()),
            Series::unnamed(Mark::Rows(CHANCE), Tone::Muted, others),
        ],
    };
    let rows = std::iter::once(("Model".to_owned(), set.metrics.auroc))
        .chain(results.iter().map(|(name, auroc)| (name.clone(), Some(*auroc))));
    let rows = rows.map(|(name, auroc)| vec![name, text::metric(auroc)]);
    let columns = [("Scored by", Kind::Words), ("AUROC", Kind::Number)];
    Figure {
        chart,
        reading:
            "Bars begin at 0.5, which guessing gives. The model has to reach beyond every bar \
                  of a rule that is within its reach."
                .to_owned(),
        numbers: Table::new(
            &format!("AUROC ({})", sets::name(set.class)),
            &columns,
            rows.collect(),
        ),
    }
}

fn name(baseline: Baseline) -> String {
    text::capitalised(&baseline.to_string())
}

/// A baseline and what it does.
fn explained(baseline: Baseline) -> (String, String) {
    let meaning = match baseline {
        Baseline::Degree => {
            "Scores a pair by how many interacting training pairs its two proteins are in: hubs \
             interact with everything."
        }
        Baseline::Order => {
            "Scores a pair by which accession comes first, after pairs were made unordered. It \
             must give 0.5."
        }
        Baseline::RowOrder => {
            "Scores a pair by whether its row in the file names the smaller accession first. Files \
             of interactions are often sorted and negatives are not. The model does not see the \
             order."
        }
        Baseline::SelfPair => {
            "Says that a protein paired with itself interacts, and nothing else does."
        }
        Baseline::Composition => {
            "Learns from the training pairs how often each amino acid occurs in the two proteins, \
             and how long they are, without any language model."
        }
        Baseline::NearestPair => {
            "Looks for the training pairs with the most similar sequences: is the nearest that \
             interacts nearer than the nearest that does not?"
        }
    };
    (name(baseline), meaning.to_owned())
}
