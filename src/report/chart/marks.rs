//! Marks: points drawn as lines, dots and bars.

use std::fmt::Write as _;

use super::element::{self, Anchor};
use super::frame::Frame;
use super::{Chart, Mark, Series};
use crate::report::text;

/// Half the height of a row's bar.
const HALF_ROW: f64 = 8.0;

/// Draws one series.
pub(super) fn draw(chart: &Chart, series: &Series, frame: &Frame, svg: &mut String) {
    match series.mark {
        Mark::Line => line(chart, series, frame, svg, "line"),
        Mark::Span => line(chart, series, frame, svg, "span"),
        Mark::Reference => line(chart, series, frame, svg, "reference"),
        Mark::Dots => dots(chart, series, frame, svg),
        Mark::LineWithDots => {
            line(chart, series, frame, svg, "line");
            dots(chart, series, frame, svg);
        }
        Mark::Columns(width) => columns(chart, series, frame, svg, width),
        Mark::Rows(from) => rows(chart, series, frame, svg, from),
    }
}

fn line(chart: &Chart, series: &Series, frame: &Frame, svg: &mut String, kind: &str) {
    let mut path = String::new();
    for (number, point) in series.drawable().enumerate() {
        let [x, y] = frame.place(chart, point);
        // Writing to a string cannot fail.
        let _ = write!(path, "{}{x:.1} {y:.1}", if number == 0 { 'M' } else { 'L' });
    }
    let _ = write!(svg, r#"<path class="{kind} {}" d="{path}"/>"#, series.tone.class());
}

fn dots(chart: &Chart, series: &Series, frame: &Frame, svg: &mut String) {
    for [x, y] in series.drawable() {
        let tip = format!("{}: {}", text::short(x), text::short(y));
        element::dot(svg, series.tone.class(), frame.place(chart, [x, y]), &tip);
    }
}

fn columns(chart: &Chart, series: &Series, frame: &Frame, svg: &mut String, width: f64) {
    for [x, y] in series.drawable() {
        let [left, top] = frame.place(chart, [x - width / 2.0, y]);
        let [right, _] = frame.place(chart, [x + width / 2.0, y]);
        let size = [(right - left - 1.0).max(1.0), frame.bottom - top];
        element::bar(svg, series.tone.class(), [left + 0.5, top], size, &text::short(y));
    }
}

fn rows(chart: &Chart, series: &Series, frame: &Frame, svg: &mut String, from: f64) {
    for [x, y] in series.drawable() {
        let [start, _] = frame.place(chart, [from, y]);
        let [end, middle] = frame.place(chart, [x, y]);
        let (left, width) = (start.min(end), (end - start).abs().max(1.0));
        let (corner, size) = ([left, middle - HALF_ROW], [width, 2.0 * HALF_ROW]);
        let value = text::decimals(x, 3);
        element::bar(svg, series.tone.class(), corner, size, &value);
        element::text(svg, "value", [left + width + 6.0, middle + 4.0], Anchor::Start, &value);
    }
}
