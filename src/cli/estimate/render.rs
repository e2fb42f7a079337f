//! The report as tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::estimate::{Case, Component, Cost, Estimate, Line, Report, spoken};

/// One table per case with a row per device or, `in_detail`, one per case and device with a row
/// per component; then what the figures rest on.
pub(super) fn text(report: &Report, in_detail: bool) -> String {
    let mut text = String::new();
    for case in &report.cases {
        let of_case = report.estimates.iter().filter(|estimate| estimate.case == case.name);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", capitalized(&case.meaning));
        match in_detail {
            true => of_case.for_each(|estimate| detail(&mut text, estimate)),
            false => overview(&mut text, of_case),
        }
        text.push('\n');
    }
    notes(&mut text, report);
    text
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

fn overview<'a>(text: &mut String, estimates: impl Iterator<Item = &'a Estimate>) {
    let _ = write!(text, "  {:<17}", "instance");
    for part in Component::ALL {
        let _ = write!(text, "{part:>11}");
    }
    let _ = writeln!(text, "{:>11}{:>14}{:>20}  figures", "total", "on demand", "spot");
    for estimate in estimates {
        let _ = write!(text, "  {:<17}", estimate.instance);
        for line in estimate.components.iter().chain([&estimate.total]) {
            let _ = write!(text, "{:>11}", spoken(line.seconds));
        }
        let (on_demand, spot) = money(estimate.total.cost.as_ref());
        let _ = writeln!(text, "{on_demand:>14}{spot:>20}  {}", estimate.basis.name());
    }
}

fn detail(text: &mut String, estimate: &Estimate) {
    let Estimate { instance, device, basis, .. } = estimate;
    let _ = writeln!(text, "  {instance}, {device} ({})", basis.name());
    let _ =
        writeln!(text, "    {:<12}{:>11}{:>14}{:>20}", "component", "time", "on demand", "spot");
    for Line { component, seconds, cost } in estimate.components.iter().chain([&estimate.total]) {
        let (on_demand, spot) = money(cost.as_ref());
        let time = spoken(*seconds);
        let _ = writeln!(text, "    {component:<12}{time:>11}{on_demand:>14}{spot:>20}");
    }
}

fn money(cost: Option<&Cost>) -> (String, String) {
    let Some(cost) = cost else { return ("no price".to_owned(), String::new()) };
    let spot = format!("{:.3} to {:.3}", cost.spot_low, cost.spot_high);
    (format!("{:.3} USD", cost.on_demand), spot)
}

fn notes(text: &mut String, report: &Report) {
    let spot = &report.spot_savings;
    let [least, median, most] = [spot.least, spot.median, spot.most].map(|share| 100.0 * share);
    let _ = writeln!(
        text,
        "Spot: {least:.1} to {most:.1} % below the price on demand, median {median:.1} % ({}).",
        spot.source
    );
    let priced = report.estimates.iter().filter_map(|estimate| estimate.price.as_ref());
    let sources: BTreeSet<_> =
        priced.map(|price| format!("{}, {}: {}", price.region, price.date, price.source)).collect();
    sources.iter().for_each(|source| {
        let _ = writeln!(text, "Prices: {source}.");
    });
    let origins: BTreeSet<_> = report
        .estimates
        .iter()
        .map(|estimate| {
            format!("{} ({}): {}", estimate.device, estimate.basis.name(), estimate.origin)
        })
        .collect();
    origins.iter().for_each(|origin| {
        let _ = writeln!(text, "Figures: {origin}.");
    });
    let remarks = report.estimates.iter().filter_map(|estimate| {
        estimate.note.as_ref().map(|note| format!("{}: {note}", estimate.instance))
    });
    remarks.collect::<BTreeSet<_>>().iter().for_each(|remark| {
        let _ = writeln!(text, "{remark}.");
    });
    report.cases.first().iter().for_each(|case| assumptions(text, case));
    if let Some(reference) = &report.reference {
        let _ = writeln!(text, "{}", reference.sentence(report));
    }
}

fn assumptions(text: &mut String, case: &Case) {
    let work = &case.workload;
    let trainings = match work.learning.trainings {
        1.0 => String::new(),
        trainings => format!("{trainings:.0} trainings of "),
    };
    let residues = work.all.tokens - 2.0 * work.all.pieces;
    let _ = writeln!(
        text,
        "Counted: {:.0} proteins, {:.0} residues seen by {} ({} layers of width {}), {:.0} training \
         pairs, {:.0} for validation, {:.0} for the test, {}{:.0} epochs in steps of {}, no early stop.",
        work.proteins,
        residues,
        work.encoder.name,
        work.encoder.layers,
        work.encoder.width,
        work.pairs.train,
        work.pairs.validation,
        work.pairs.test,
        trainings,
        work.learning.epochs,
        work.learning.batch_size,
    );
    text.push_str(
        "Start-up on an instance: the image in 30 s (CPU) or 120 s (GPU), channels at 100 MB/s; \
         waiting for capacity and uploading the model are not counted.\n",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_price_is_no_price() {
        assert_eq!(money(None), ("no price".to_owned(), String::new()));
        let (on_demand, spot) = money(Some(&Cost::of(3600.0, 1.0)));
        assert_eq!((on_demand.as_str(), spot.as_str()), ("1.000 USD", "0.206 to 0.394"));
    }
}
