//! Scores as probabilities: how well calibrated they are, and where they lie.

use super::sets;
use crate::evaluation::{ReliabilityBin, TestSet};
use crate::report::chart::{Axis, Chart, Mark, Series, Tone};
use crate::report::document::{Figure, Kind, Table};
use crate::report::text;

pub(super) fn reliability(set: &TestSet) -> Figure {
    let points = set.reliability.iter().filter_map(|bin| Some([bin.mean_score?, bin.positives?]));
    let chart = Chart {
        title: format!("Calibration ({})", sets::name(set.class)),
        description: format!("Expected calibration error {}.", text::metric(set.metrics.ece)),
        x: Axis::linear("Mean score of the bin", 0.0, 1.0),
        y: Axis::linear("Share of interacting pairs", 0.0, 1.0),
        series: vec![
            Series::named("perfect", Mark::Reference, Tone::Muted, vec![[0.0, 0.0], [1.0, 1.0]]),
            Series::named("model", Mark::LineWithDots, Tone::Main, points.collect()),
        ],
    };
    let rows = set.reliability.iter().map(|bin| {
        vec![
            bin_name(bin),
            text::count(bin.pairs),
            text::metric(bin.mean_score),
            text::metric(bin.positives),
        ]
    });
    let columns = [
        ("Score", Kind::Words),
        ("Pairs", Kind::Number),
        ("Mean score", Kind::Number),
        ("Share interacting", Kind::Number),
    ];
    Figure {
        chart,
        reading: "Of pairs with a score of 0.8, four in five should interact. Dots below the \
                  diagonal: the model is too sure; above it: not sure enough."
            .to_owned(),
        numbers: Table::new("Calibration by bins of the score", &columns, rows.collect()),
    }
}

pub(super) fn scores(set: &TestSet) -> Figure {
    let bins = &set.reliability;
    let middle = |bin: &ReliabilityBin| f64::midpoint(bin.above, bin.up_to);
    let points = bins.iter().map(|bin| [middle(bin), bin.pairs as f64]).collect();
    let most = bins.iter().map(|bin| bin.pairs).max().unwrap_or(0);
    let width = bins.first().map_or(1.0, |bin| bin.up_to - bin.above);
    let threshold = set.metrics.threshold;
    let chart = Chart {
        title: format!("Scores of the test pairs ({})", sets::name(set.class)),
        description: format!(
            "{} of {} score at or above the threshold of {}.",
            text::count(set.metrics.confusion.predicted()),
            text::counted(set.metrics.n, "pair"),
            text::decimals(threshold, 3),
        ),
        x: Axis::linear("Score", 0.0, 1.0),
        y: Axis::counts("Test pairs", most),
        series: vec![
            Series::named("pairs", Mark::Columns(width), Tone::Muted, points),
            Series::named(
                "threshold",
                Mark::Reference,
                Tone::Second,
                vec![[threshold, 0.0], [threshold, most as f64]],
            ),
        ],
    };
    let rows = bins.iter().map(|bin| vec![bin_name(bin), text::count(bin.pairs)]);
    let columns = [("Score", Kind::Words), ("Pairs", Kind::Number)];
    Figure {
        chart,
        reading: "Where the scores lie. Pairs to the right of the line are called interacting."
            .to_owned(),
        numbers: Table::new("Test pairs by score", &columns, rows.collect()),
    }
}

/// The interval of a bin.
fn bin_name(bin: &ReliabilityBin) -> String {
    format!("{}–{}", text::trimmed(bin.above), text::trimmed(bin.up_to))
}
