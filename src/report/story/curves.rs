//! Curves over all thresholds: receiver operating characteristic, precision and recall.

use super::sets;
use crate::evaluation::{Evaluation, Metrics, TestSet};
use crate::report::chart::{Axis, Chart, Mark, Series, Tone};
use crate::report::document::{Figure, Kind, Table};
use crate::report::text;

pub(super) fn roc(evaluation: &Evaluation) -> Figure {
    let curve = |set: &TestSet| -> Vec<[f64; 2]> {
        set.roc.iter().map(|point| [point.false_positive_rate, point.true_positive_rate]).collect()
    };
    let mut series =
        vec![Series::named("guessing", Mark::Reference, Tone::Muted, vec![[0.0, 0.0], [1.0, 1.0]])];
    series.extend(lines(evaluation, curve));
    let chart = Chart {
        title: "Receiver operating characteristic (ROC)".to_owned(),
        description: format!(
            "Area under the curve: {}.",
            of_sets(evaluation, |metrics| metrics.auroc)
        ),
        x: Axis::linear("False positive rate", 0.0, 1.0),
        y: Axis::linear("True positive rate", 0.0, 1.0),
        series,
    };
    Figure {
        chart,
        reading: "From strict to lenient thresholds: the share of interacting pairs found against \
                  the share of others called interacting. The more the curve bends to the upper \
                  left, the better."
            .to_owned(),
        numbers: at_levels(evaluation, "False positive rate", "true positive rate", curve),
    }
}

pub(super) fn precision_recall(evaluation: &Evaluation) -> Figure {
    let curve = |set: &TestSet| -> Vec<[f64; 2]> {
        set.precision_recall.iter().map(|point| [point.recall, point.precision]).collect()
    };
    let mut series = Vec::new();
    let decisive = sets::decisive(evaluation);
    if let Some(prevalence) = decisive.and_then(|set| set.metrics.prevalence) {
        let guessing = vec![[0.0, prevalence], [1.0, prevalence]];
        series.push(Series::named("guessing", Mark::Reference, Tone::Muted, guessing));
    }
    series.extend(lines(evaluation, curve));
    let chart = Chart {
        title: "Precision and recall".to_owned(),
        description: format!(
            "Average precision: {}.",
            of_sets(evaluation, |metrics| metrics.average_precision)
        ),
        x: Axis::linear("Recall", 0.0, 1.0),
        y: Axis::linear("Precision", 0.0, 1.0),
        series,
    };
    Figure {
        chart,
        reading: "How pure the pairs called interacting are (height) when so many of all \
                  interacting pairs are found (to the right). It depends on how frequent \
                  interacting pairs are."
            .to_owned(),
        numbers: at_levels(evaluation, "Recall", "precision", curve),
    }
}

/// The curve of every set.
fn lines(
    evaluation: &Evaluation,
    curve: impl Fn(&TestSet) -> Vec<[f64; 2]>,
) -> impl Iterator<Item = Series> {
    let line = move |set: &TestSet| {
        Series::named(sets::name(set.class), Mark::Line, sets::tone(evaluation, set), curve(set))
    };
    evaluation.sets.iter().map(line)
}

/// A metric of every set, in words.
fn of_sets(evaluation: &Evaluation, metric: impl Fn(&Metrics) -> Option<f64>) -> String {
    let said = evaluation
        .sets
        .iter()
        .map(|set| format!("{} {}", sets::name(set.class), text::metric(metric(&set.metrics))));
    said.collect::<Vec<_>>().join(", ")
}

/// Curves at some values of their x axis: the first point from there on.
fn at_levels(
    evaluation: &Evaluation,
    x: &str,
    y: &str,
    curve: impl Fn(&TestSet) -> Vec<[f64; 2]>,
) -> Table {
    const LEVELS: [f64; 8] = [0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0];
    let curves: Vec<_> = evaluation.sets.iter().map(&curve).collect();
    let heads: Vec<_> =
        evaluation.sets.iter().map(|set| format!("{}: {y}", sets::name(set.class))).collect();
    let columns: Vec<_> = std::iter::once((x, Kind::Number))
        .chain(heads.iter().map(|head| (head.as_str(), Kind::Number)))
        .collect();
    let rows = LEVELS.map(|level| {
        let reached = curves.iter().map(|curve| {
            let point = curve.iter().rev().find(|point| point[0] <= level);
            text::metric(point.map(|point| point[1]))
        });
        std::iter::once(text::decimals(level, 2)).chain(reached).collect()
    });
    Table::new("The curve at some of its points", &columns, rows.into())
}
