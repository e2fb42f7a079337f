//! How training went, epoch by epoch.

use crate::report::Report;
use crate::report::chart::{Axis, Chart, Mark, Series, Tone};
use crate::report::document::{Block, Figure, Kind, Section, Table};
use crate::report::text;
use crate::training::EpochRecord;

pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let epochs = report.epochs;
    let last = epochs.last()?;
    let kept = match report.best_epoch {
        Some(best) => format!("the parameters after epoch {best} were kept, which rank it best"),
        None => "no epoch could be told from the others".to_owned(),
    };
    let words = format!(
        "Training passed over its pairs {} times, in {} steps. After each pass the validation part \
         was scored; {kept}. The test part took no part in this choice.",
        text::count(epochs.len()),
        text::count(usize::try_from(last.step).unwrap_or(usize::MAX)),
    );
    let blocks = vec![
        Block::text(words),
        Block::figure(loss(epochs)),
        Block::figure(ranking(epochs, report.best_epoch)),
    ];
    Some(Section::new("training", "How training went", blocks))
}

/// One value of every epoch.
fn values(epochs: &[EpochRecord], value: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<[f64; 2]> {
    epochs.iter().filter_map(|record| Some([record.epoch as f64, value(record)?])).collect()
}

/// One dot says more than a line of one point.
fn mark(epochs: &[EpochRecord]) -> Mark {
    if epochs.len() > 40 { Mark::Line } else { Mark::LineWithDots }
}

fn axis(epochs: &[EpochRecord]) -> Axis {
    let ends = |record: Option<&EpochRecord>| record.map_or(1, |record| record.epoch);
    Axis::whole("Epoch", ends(epochs.first()), ends(epochs.last()))
}

fn loss(epochs: &[EpochRecord]) -> Figure {
    let (train, validation) =
        (values(epochs, |record| Some(record.train_loss)), values(epochs, |r| r.val_loss));
    let ends = |name: &str, points: &[[f64; 2]]| match (points.first(), points.last()) {
        (Some(first), Some(last)) => {
            format!("{name} from {} to {}", text::decimals(first[1], 3), text::decimals(last[1], 3))
        }
        _ => format!("{name} undefined"),
    };
    let description = format!(
        "Loss over epochs: {}, {}.",
        ends("training", &train),
        ends("validation", &validation)
    );
    let all = train.iter().chain(&validation).map(|point| point[1]);
    let y = Axis::around("Loss (nats per pair)", all);
    let chart = Chart {
        title: "Loss".to_owned(),
        description,
        x: axis(epochs),
        y,
        series: vec![
            Series::named("training", mark(epochs), Tone::Second, train),
            Series::named("validation", mark(epochs), Tone::Main, validation),
        ],
    };
    let rows = epochs.iter().map(|record| {
        vec![
            record.epoch.to_string(),
            text::decimals(record.train_loss, 4),
            record
                .val_loss
                .map_or_else(|| text::UNDEFINED.to_owned(), |loss| text::decimals(loss, 4)),
            format!("{:e}", record.learning_rate),
        ]
    });
    let columns = [
        ("Epoch", Kind::Number),
        ("Training loss", Kind::Number),
        ("Validation loss", Kind::Number),
        ("Learning rate", Kind::Number),
    ];
    Figure {
        chart,
        reading:
            "Lower is better. Where the training line goes on falling and the validation line \
             rises, the model learns its pairs by heart."
                .to_owned(),
        numbers: Table::new("Loss by epoch", &columns, rows.collect()),
    }
}

fn ranking(epochs: &[EpochRecord], best: Option<usize>) -> Figure {
    let series = [
        ("AUROC", Tone::Main, values(epochs, |record| record.val_auroc)),
        ("average precision", Tone::Second, values(epochs, |record| record.val_ap)),
        ("MCC", Tone::Third, values(epochs, |record| record.val_mcc)),
    ];
    let best_auroc =
        best.and_then(|best| epochs.iter().find(|record| record.epoch == best)?.val_auroc);
    let description = match (best, best_auroc) {
        (Some(best), Some(auroc)) => format!(
            "Validation metrics over epochs; AUROC is highest in epoch {best}, with {}.",
            text::decimals(auroc, 3)
        ),
        _ => "Validation metrics over epochs.".to_owned(),
    };
    let y = Axis::around(
        "Metric on validation",
        series.iter().flat_map(|(_, _, points)| points).map(|p| p[1]),
    );
    let chart = Chart {
        title: "Ranking of the validation pairs".to_owned(),
        description,
        x: axis(epochs),
        y,
        series: series
            .into_iter()
            .map(|(name, tone, points)| Series::named(name, mark(epochs), tone, points))
            .collect(),
    };
    let rows = epochs.iter().map(|record| {
        vec![
            record.epoch.to_string(),
            text::metric(record.val_auroc),
            text::metric(record.val_ap),
            text::metric(record.val_mcc),
        ]
    });
    let columns = [
        ("Epoch", Kind::Number),
        ("AUROC", Kind::Number),
        ("Average precision", Kind::Number),
        ("MCC", Kind::Number),
    ];
    Figure {
        chart,
        reading: "Higher is better. A line that still rises at its end asks for more epochs."
            .to_owned(),
        numbers: Table::new("Validation metrics by epoch", &columns, rows.collect()),
    }
}
