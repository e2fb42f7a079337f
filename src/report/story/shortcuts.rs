//! The model beside rules that know nothing about how proteins bind.

use super::sets;
use crate::evaluation::{Baseline, BaselineResult, Direction, Evaluation, TestSet};
use crate::report::chart::{Axis, Chart, Mark, Series, Tone};
use crate::report::document::{Block, Figure, Kind, Section, Table};
use crate::report::text;

/// What guessing gives.
const CHANCE: f64 = 0.5;

pub(super) fn section(evaluation: &Evaluation) -> Section {
    let mut blocks = vec![
        Block::text(
            "A classifier of interactions can score well without knowing anything about proteins, \
             from how the pairs were collected. These shortcuts were measured on the same test \
             pairs. What the model has beyond the best of them is what it has learned from \
             sequences.",
        ),
        Block::Table(table(evaluation)),
    ];
    blocks.extend(sets::decisive(evaluation).map(|set| Block::Figure(bars(set))));
    let used = Baseline::ALL
        .into_iter()
        .filter(|baseline| evaluation.sets.iter().any(|set| result(set, *baseline).is_some()));
    blocks.push(Block::Terms(used.map(explained).collect()));
    Section::new("shortcuts", "The model beside the shortcuts", blocks)
}

fn result(set: &TestSet, baseline: Baseline) -> Option<&BaselineResult> {
    set.baselines.iter().find(|result| result.baseline == baseline)
}

fn table(evaluation: &Evaluation) -> Table {
    let heads: Vec<_> = evaluation
        .sets
        .iter()
        .flat_map(|set| {
            let set = sets::name(set.class);
            [format!("{set}: AUROC"), format!("{set}: average precision")]
        })
        .collect();
    let mut columns = vec![("Scored by", Kind::Words), ("Within the model’s reach", Kind::Words)];
    columns.extend(heads.iter().map(|head| (head.as_str(), Kind::Number)));
    let mut model = vec!["Model".to_owned(), String::new()];
    for set in &evaluation.sets {
        model.extend([set.metrics.auroc, set.metrics.average_precision].map(text::metric));
    }
    let mut rows = vec![model];
    for baseline in Baseline::ALL {
        let results: Vec<_> = evaluation.sets.iter().map(|set| result(set, baseline)).collect();
        let Some(known) = results.iter().flatten().next() else { continue };
        let reach = if known.within_reach { "yes" } else { "no" };
        let mut row = vec![name(baseline), reach.to_owned()];
        for result in results {
            row.push(result.map_or_else(|| text::UNDEFINED.to_owned(), auroc));
            row.push(text::metric(result.and_then(|result| result.average_precision)));
        }
        rows.push(row);
    }
    Table::new("The model and the shortcuts on the same pairs", &columns, rows)
}

/// An AUROC, and whether it is that of the reversed rule.
fn auroc(result: &BaselineResult) -> String {
    match result.direction {
        Direction::High => text::metric(result.auroc),
        Direction::Low => format!("{} (reversed)", text::metric(result.auroc)),
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
        reading: "Bars begin at 0.5, which guessing gives. The model has to reach beyond every \
                  other bar."
            .to_owned(),
        numbers: Table::new("AUROC", &columns, rows.collect()),
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
            "Gives a pair the label of the training pairs with the most similar sequences."
        }
    };
    (name(baseline), meaning.to_owned())
}
