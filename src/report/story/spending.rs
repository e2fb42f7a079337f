//! What the run took, of time and money.

use crate::estimate::{self, Component, Cost, Instance, SPOT_SAVINGS};
use crate::report::Spending;
use crate::report::document::{Block, Kind, Section, Table};
use crate::report::text;

pub(super) fn section(spending: &Spending) -> Section {
    let parts = Component::ALL.map(|part| {
        row(text::capitalised(part.name()), spending.predicted.of(part), spending.actual.of(part))
    });
    let total = row("Total".to_owned(), spending.predicted.total(), spending.actual.total());
    let columns = [("Part", Kind::Words), ("Predicted", Kind::Number), ("Actual", Kind::Number)];
    let rows = parts.into_iter().chain([total]).collect();
    let words = format!(
        "This attempt ran on {} and took {}. Parts that an earlier attempt had done, and \
         embeddings that were stored before, cost nothing here. What the platform does before the \
         program starts is not in it.",
        spending.device,
        estimate::spoken(spending.actual.total()),
    );
    let blocks = vec![
        Block::text(words),
        Block::text(cost(spending)),
        Block::Table(Table::new("Time by part of the run", &columns, rows)),
    ];
    Section::new("spending", "Time and cost", blocks)
}

fn row(name: String, predicted: f64, actual: f64) -> Vec<String> {
    vec![name, estimate::spoken(predicted), estimate::spoken(actual)]
}

fn cost(spending: &Spending) -> String {
    let Some(Instance { name, price, .. }) = &spending.instance else {
        return "The type of this machine is not known, so that there is no cost to tell."
            .to_owned();
    };
    let Some(price) = price else {
        return format!("No price of {name} is known, so that there is no cost to tell.");
    };
    let Cost { on_demand, spot_low, spot_high, .. } =
        Cost::of(spending.actual.total(), price.usd_per_hour);
    format!(
        "On {name} this is {} USD on demand ({} USD per hour in {}, {}), or about {} to {} USD as \
         spot training ({}).",
        text::decimals(on_demand, 3),
        text::decimals(price.usd_per_hour, 3),
        price.region,
        price.date,
        text::decimals(spot_low, 3),
        text::decimals(spot_high, 3),
        SPOT_SAVINGS.source,
    )
}
