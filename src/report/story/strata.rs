//! For which pairs the result holds: by similarity to training, by degree, and protein by protein.

use super::sets;
use crate::evaluation::{Evaluation, Quantiles, SimilarityBin, TestSet};
use crate::report::chart::{Axis, Chart, Mark, Series, Tone};
use crate::report::document::{Block, Figure, Kind, Section, Table};
use crate::report::text;

pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let set = sets::decisive(evaluation)?;
    let mut blocks = vec![Block::text(per_protein(set))];
    blocks.extend(by_similarity(set).map(Block::figure));
    let rows = degree_rows(evaluation);
    match rows.iter().any(|(_, quantiles)| quantiles.upper_quartile > 0.0) {
        true => blocks.push(Block::figure(degrees(&rows))),
        false => blocks.push(Block::text(
            "Three quarters of the test proteins, or all of them, occur in no interacting \
             training pair: counting the partners of a protein cannot help there.",
        )),
    }
    Some(Section::new("strata", "For which pairs it holds", blocks))
}

/// The interval of a bin.
pub(super) fn bin_name(bin: &SimilarityBin) -> String {
    format!("{}–{}", text::trimmed(bin.from), text::trimmed(bin.below))
}

fn per_protein(set: &TestSet) -> String {
    let per_protein = &set.per_protein;
    let (least, proteins) =
        (text::count(per_protein.at_least), text::counted(per_protein.proteins, "protein"));
    match per_protein.median_auroc {
        Some(median) => format!(
            "Asked for the partners of one protein, the model ranks with an AUROC of {} in the \
             median over {proteins} that have at least {least} pairs of each kind. Where this is \
             much lower than the AUROC over all pairs, the model tells proteins apart rather than \
             pairs.",
            text::decimals(median, 3),
        ),
        None => format!(
            "No protein has {least} test pairs of each kind, so that ranking within the pairs of \
             one protein cannot be measured."
        ),
    }
}

fn by_similarity(set: &TestSet) -> Option<Figure> {
    let bins = &set.by_similarity;
    let numbered = bins.iter().enumerate();
    let points: Vec<_> = numbered.filter_map(|(at, bin)| Some([at as f64, bin.auroc?])).collect();
    if points.is_empty() {
        return None;
    }
    let measured = bins.iter().filter_map(|bin| Some((bin_name(bin), bin.auroc?)));
    let said: Vec<_> =
        measured.map(|(name, auroc)| format!("{name}: {}", text::decimals(auroc, 3))).collect();
    let chance = (0..bins.len()).map(|at| [at as f64, 0.5]).collect();
    let chart = Chart {
        title: format!("AUROC by similarity to training ({})", sets::name(set.class)),
        description: format!("AUROC by similarity: {}.", said.join(", ")),
        x: Axis::names(
            "Similarity to the nearest training protein",
            bins.iter().map(bin_name).collect(),
        ),
        y: Axis::around("AUROC", points.iter().map(|point| point[1]).chain([0.5, 1.0])),
        series: vec![
            Series::named("guessing", Mark::Reference, Tone::Muted, chance),
            Series::named("model", Mark::LineWithDots, Tone::Main, points),
        ],
    };
    let rows = bins.iter().map(|bin| {
        vec![
            bin_name(bin),
            text::count(bin.pairs),
            text::count(bin.positives),
            text::metric(bin.auroc),
            text::metric(bin.average_precision),
        ]
    });
    let columns = [
        ("Similarity", Kind::Words),
        ("Pairs", Kind::Number),
        ("Interacting", Kind::Number),
        ("AUROC", Kind::Number),
        ("Average precision", Kind::Number),
    ];
    Some(Figure {
        chart,
        reading: "A line that rises to the right is a model that recognises relatives of what it \
                  has seen. Bins with few pairs scatter."
            .to_owned(),
        numbers: Table::new("Metrics by similarity to training", &columns, rows.collect()),
    })
}

/// Every set's degrees, of interacting pairs and of others.
fn degree_rows(evaluation: &Evaluation) -> Vec<(String, Quantiles)> {
    let of_set = |set: &TestSet| {
        let (name, degrees) = (sets::name(set.class), set.degrees);
        let named = [("interacting", degrees.positives), ("others", degrees.negatives)];
        named
            .into_iter()
            .filter_map(move |(kind, quantiles)| Some((format!("{name}, {kind}"), quantiles?)))
    };
    evaluation.sets.iter().flat_map(of_set).collect()
}

fn degrees(rows: &[(String, Quantiles)]) -> Figure {
    let mut series = Vec::new();
    for (at, (_, quantiles)) in rows.iter().enumerate() {
        let row = at as f64;
        let tone = if at % 2 == 0 { Tone::Main } else { Tone::Second };
        let middle = vec![[quantiles.lower_quartile, row], [quantiles.upper_quartile, row]];
        series.push(Series::unnamed(Mark::Span, tone, middle));
        series.push(Series::unnamed(Mark::Dots, tone, vec![[quantiles.median, row]]));
    }
    let widest = rows.iter().map(|(_, quantiles)| quantiles.upper_quartile).chain([0.0]);
    let said: Vec<_> = rows
        .iter()
        .map(|(name, quantiles)| format!("{name} {}", text::decimals(quantiles.median, 1)))
        .collect();
    let chart = Chart {
        title: "Partners of test proteins in training".to_owned(),
        description: format!("Median degree: {}.", said.join("; ")),
        x: Axis::around("Interacting training pairs of a protein (degree)", widest),
        y: Axis::names("Test pairs", rows.iter().map(|(name, _)| name.clone()).collect()),
        series,
    };
    let lines = rows.iter().map(|(name, quantiles)| {
        let Quantiles { minimum, lower_quartile, median, upper_quartile, maximum } = *quantiles;
        let numbers = [minimum, lower_quartile, median, upper_quartile, maximum];
        let mut line = vec![name.clone()];
        line.extend(numbers.map(|number| text::decimals(number, 1)));
        line
    });
    let columns = [
        ("Test pairs", Kind::Words),
        ("Least", Kind::Number),
        ("Lower quartile", Kind::Number),
        ("Median", Kind::Number),
        ("Upper quartile", Kind::Number),
        ("Most", Kind::Number),
    ];
    Figure {
        chart,
        reading: "The band holds the middle half of the proteins, the dot the median. Where the \
                  bands of interacting pairs and of others lie apart, counting partners is enough \
                  to tell them apart."
            .to_owned(),
        numbers: Table::new("Degrees of test proteins", &columns, lines.collect()),
    }
}
