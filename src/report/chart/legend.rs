//! The legend above the plot: the series that have a name.

use super::element::{self, Anchor};
use super::frame::{CHARACTER, WIDTH};
use super::{Chart, Mark, Series};

/// The height of a line.
const LINE: f64 = 18.0;

/// The height of the legend of `chart`.
pub(super) fn height(chart: &Chart) -> f64 {
    lines(chart).len() as f64 * LINE
}

/// Draws the legend.
pub(super) fn draw(chart: &Chart, svg: &mut String) {
    for (number, line) in lines(chart).into_iter().enumerate() {
        let y = number as f64 * LINE + 12.0;
        let mut x = 8.0;
        for (series, name) in line {
            swatch(series, [x, y], svg);
            element::text(svg, "tick", [x + 28.0, y + 4.0], Anchor::Start, name);
            x += width(name);
        }
    }
}

fn swatch(series: &Series, [x, y]: [f64; 2], svg: &mut String) {
    let tone = series.tone.class();
    match series.mark {
        Mark::Columns(_) | Mark::Rows(_) => {
            element::bar(svg, tone, [x, y - 5.0], [20.0, 10.0], "");
        }
        Mark::Dots => element::dot(svg, tone, [x + 11.0, y], ""),
        Mark::Line | Mark::LineWithDots => {
            element::segment(svg, &format!("line {tone}"), [x, y], [x + 22.0, y]);
        }
        Mark::Span => element::segment(svg, &format!("span {tone}"), [x, y], [x + 22.0, y]),
        Mark::Reference => {
            element::segment(svg, &format!("reference {tone}"), [x, y], [x + 22.0, y]);
        }
    }
}

/// The entries by line.
fn lines(chart: &Chart) -> Vec<Vec<(&Series, &str)>> {
    let mut lines: Vec<Vec<(&Series, &str)>> = Vec::new();
    let mut left = 0.0;
    for series in &chart.series {
        let Some(name) = &series.name else { continue };
        if lines.is_empty() || width(name) > left {
            lines.push(Vec::new());
            left = WIDTH - 8.0;
        }
        left -= width(name);
        lines.last_mut().into_iter().for_each(|line| line.push((series, name)));
    }
    lines
}

/// The width of swatch, name and the space behind it.
fn width(name: &str) -> f64 {
    28.0 + name.chars().count() as f64 * CHARACTER + 16.0
}
