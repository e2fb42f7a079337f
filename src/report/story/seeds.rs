//! How far the result depends on the seed of training.

use super::sets;
use crate::evaluation::{OfSet, SeedResult, Seeds, Spread};
use crate::report::Report;
use crate::report::document::{Block, Kind, Section, Table};
use crate::report::text;

pub(super) fn section(report: &Report<'_>, seeds: &Seeds) -> Section {
    let mut blocks = vec![Block::text(words(report, seeds)), Block::Table(spread(seeds))];
    blocks.push(Block::Table(trainings(seeds)));
    Section::new("seeds", "How much is chance", blocks)
}

fn words(report: &Report<'_>, seeds: &Seeds) -> String {
    let decisive = report.evaluation.and_then(sets::decisive).map(|set| set.class);
    let of_set = |set: &&OfSet<Spread>| Some(set.class) == decisive;
    let auroc = seeds.spread.iter().find(of_set).and_then(|set| {
        let spread = set.metrics.auroc?;
        Some(format!(
            " On {}, the AUROC is {} on average, with a standard deviation of {} ({} to {}).",
            sets::meaning(set.class, report.split),
            text::decimals(spread.mean, 3),
            text::metric(spread.standard_deviation),
            text::decimals(spread.minimum, 3),
            text::decimals(spread.maximum, 3),
        ))
    });
    let (found, first) = (seeds.trainings.len(), seeds.trainings.first());
    let stopped = match seeds.is_complete() {
        true => String::new(),
        false => format!(
            " The run was stopped after {} of {}; run it again for the others.",
            text::count(found),
            text::counted(seeds.asked, "training"),
        ),
    };
    format!(
        "The same pairs were learned {}, each time from other initial weights, in another order and \
         with other dropout.{}{stopped} The model, and every other number of this report, are those of \
         the first seed, {}: to choose the best one by its test result would spoil that result.",
        text::counted(found, "time"),
        auroc.unwrap_or_default(),
        first.map_or_else(String::new, |training| training.seed.to_string()),
    )
}

fn spread(seeds: &Seeds) -> Table {
    let columns = [
        ("Test pairs", Kind::Words),
        ("Metric", Kind::Words),
        ("Mean", Kind::Number),
        ("Standard deviation", Kind::Number),
        ("Lowest", Kind::Number),
        ("Highest", Kind::Number),
    ];
    let rows = seeds.spread.iter().flat_map(|set| {
        set.metrics.named().map(|(name, spread)| {
            let value = |value: fn(&Spread) -> f64| text::metric(spread.as_ref().map(value));
            vec![
                sets::name(set.class).to_owned(),
                name.to_owned(),
                value(|spread| spread.mean),
                text::metric(spread.and_then(|spread| spread.standard_deviation)),
                value(|spread| spread.minimum),
                value(|spread| spread.maximum),
            ]
        })
    });
    Table::new("Metrics over seeds", &columns, rows.collect())
}

fn trainings(seeds: &Seeds) -> Table {
    let sets = seeds.spread.iter().map(|set| sets::name(set.class));
    let heads: Vec<_> = sets.map(|name| format!("AUROC on {name}")).collect();
    let columns: Vec<_> = ["Seed", "Kept epoch", "AUROC on validation"]
        .into_iter()
        .chain(heads.iter().map(String::as_str))
        .map(|name| (name, Kind::Number))
        .collect();
    let row = |training: &SeedResult| {
        let epoch = training.best_epoch;
        let of_sets = training.sets.iter().map(|set| text::metric(set.metrics.auroc));
        [
            training.seed.to_string(),
            epoch.map_or_else(|| text::UNDEFINED.to_owned(), |epoch| epoch.to_string()),
            text::metric(training.validation.auroc),
        ]
        .into_iter()
        .chain(of_sets)
        .collect()
    };
    Table::new("AUROC by seed", &columns, seeds.trainings.iter().map(row).collect())
}
