//! A chart as an SVG element.

use std::fmt::Write as _;

use super::frame::{Frame, WIDTH};
use super::{Chart, legend, marks};
use crate::report::text;

/// The chart as an `svg` element that screen readers announce by its title and description; `id`
/// must occur once in a page.
pub(in crate::report) fn svg(chart: &Chart, id: &str) -> String {
    let frame = Frame::of(chart);
    let (title, description) = (text::escaped(&chart.title), text::escaped(&chart.description));
    let (height, names) = (frame.height, format!("{id}-title {id}-description"));
    let mut svg =
        format!(r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-labelledby="{names}">"#);
    // Writing to a string cannot fail.
    let _ = write!(svg, r#"<title id="{id}-title">{title}</title>"#);
    let _ = write!(svg, r#"<desc id="{id}-description">{description}</desc>"#);
    legend::draw(chart, &mut svg);
    frame.draw(chart, &mut svg);
    chart.series.iter().for_each(|series| marks::draw(chart, series, &frame, &mut svg));
    svg.push_str("</svg>");
    svg
}
