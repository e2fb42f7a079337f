//! All numbers of the test.

use super::{curves, probabilities, sets};
use crate::evaluation::{Evaluation, Metrics, TestSet};
use crate::report::Report;
use crate::report::document::{Block, Kind, Section, Table};
use crate::report::text;

pub(super) fn section(report: &Report<'_>, evaluation: &Evaluation) -> Section {
    let mut blocks = vec![
        Block::text(
            "Epoch and threshold were chosen on the validation part, before the test pairs were \
             scored, once.",
        ),
        Block::Table(metrics(report.validation, evaluation)),
        Block::figure(curves::roc(evaluation)),
        Block::figure(curves::precision_recall(evaluation)),
    ];
    if let Some(set) = sets::decisive(evaluation) {
        blocks.push(Block::figure(probabilities::reliability(set)));
        blocks.push(Block::figure(probabilities::scores(set)));
        blocks.push(Block::text(calibration(evaluation)));
        blocks.push(Block::text(
            "Among all pairs of a proteome interactions are far rarer than among test pairs, \
             perhaps one in some hundred. The same scores are worth less there:",
        ));
        blocks.push(Block::Table(prevalence(set)));
    }
    Section::new("test", "The test in numbers", blocks)
}

fn metrics(validation: &Metrics, evaluation: &Evaluation) -> Table {
    type Row = (&'static str, fn(&Metrics) -> String);
    const ROWS: [Row; 17] = [
        ("Pairs", |m| text::count(m.n)),
        ("Interacting", |m| text::count(m.positives)),
        ("AUROC", |m| text::metric(m.auroc)),
        ("Average precision", |m| text::metric(m.average_precision)),
        ("Share of interacting pairs", |m| text::metric(m.prevalence)),
        ("Threshold", |m| text::decimals(m.threshold, 3)),
        ("MCC", |m| text::metric(m.mcc)),
        ("F1", |m| text::metric(m.f1)),
        ("Precision", |m| text::metric(m.precision)),
        ("Recall", |m| text::metric(m.recall)),
        ("Accuracy", |m| text::metric(m.accuracy)),
        ("Brier score", |m| text::metric(m.brier)),
        ("Log loss", |m| text::metric(m.log_loss)),
        ("ECE", |m| text::metric(m.ece)),
        ("Called interacting, rightly", |m| text::count(m.confusion.true_positives)),
        ("Called interacting, wrongly", |m| text::count(m.confusion.false_positives)),
        ("Missed", |m| text::count(m.confusion.false_negatives)),
    ];
    let columns: Vec<_> = [("Metric", Kind::Words), ("Validation", Kind::Number)]
        .into_iter()
        .chain(evaluation.sets.iter().map(|set| (sets::name(set.class), Kind::Number)))
        .collect();
    let rows = ROWS.map(|(name, value)| {
        let measured = evaluation.sets.iter().map(|set| &set.metrics);
        let values = std::iter::once(validation).chain(measured).map(value);
        std::iter::once(name.to_owned()).chain(values).collect()
    });
    Table::new("Metrics of validation and test", &columns, rows.into())
}

fn calibration(evaluation: &Evaluation) -> String {
    let calibration = &evaluation.calibration;
    let verdict = match calibration.temperature {
        temperature if temperature > 1.0 => "the network was too sure of itself",
        temperature if temperature < 1.0 => "the network was not sure enough of itself",
        _ => "nothing was changed",
    };
    let loss = match (calibration.log_loss_before, calibration.log_loss_after) {
        (Some(before), Some(after)) => format!(
            " The log loss there went from {} to {}.",
            text::decimals(before, 4),
            text::decimals(after, 4)
        ),
        _ => String::new(),
    };
    format!(
        "Scores are probabilities after temperature scaling: with a temperature of {}, fitted on \
         {} of the validation part, {verdict}.{loss}",
        text::decimals(calibration.temperature, 3),
        text::counted(calibration.pairs, "pair"),
    )
}

fn prevalence(set: &TestSet) -> Table {
    let rows = set.at_prevalence.iter().map(|rate| {
        let guessing = 1.0 / (rate.negatives_per_positive + 1) as f64;
        vec![
            format!("1 : {}", text::count(rate.negatives_per_positive)),
            text::metric(rate.precision),
            text::metric(rate.average_precision),
            text::decimals(guessing, 3),
            text::metric(rate.mcc),
        ]
    });
    let columns = [
        ("Interacting : others", Kind::Words),
        ("Precision", Kind::Number),
        ("Average precision", Kind::Number),
        ("Guessing", Kind::Number),
        ("MCC", Kind::Number),
    ];
    let caption = format!("What the scores are worth at other shares ({})", sets::name(set.class));
    Table::new(&caption, &columns, rows.collect())
}
