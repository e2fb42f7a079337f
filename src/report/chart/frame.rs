//! The frame: where on the drawing the axes lie, with grid, ticks and labels.

use std::fmt::Write as _;

use super::axis::Scale;
use super::element::{self, Anchor};
use super::{Chart, Mark, legend};
use crate::report::text;

/// The width of a drawing, about that of a phone in pixels, so that its text stays legible there.
pub(super) const WIDTH: f64 = 440.0;
/// About the width of a character.
pub(super) const CHARACTER: f64 = 6.8;
/// The height of the plot of axes without names.
const PLOT_HEIGHT: f64 = 230.0;
/// The height of a name's row.
const ROW_HEIGHT: f64 = 26.0;
/// Names are cut after so many characters.
const LONGEST_NAME: usize = 26;

/// Where the plot lies on the drawing.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// The height of the drawing.
    pub(super) height: f64,
}

impl Frame {
    /// The frame that `chart` needs.
    pub(super) fn of(chart: &Chart) -> Self {
        let (left, plot) = match &chart.y.scale {
            Scale::Names(names) => {
                let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
                let left = longest.min(LONGEST_NAME) as f64 * CHARACTER + 16.0;
                (left, names.len() as f64 * ROW_HEIGHT)
            }
            Scale::Linear { .. } => (62.0, PLOT_HEIGHT),
        };
        let right = match chart.series.iter().any(|series| matches!(series.mark, Mark::Rows(_))) {
            // Values stand beside the bars.
            true => WIDTH - 48.0,
            false => WIDTH - 16.0,
        };
        let top = legend::height(chart) + 10.0;
        let bottom = top + plot;
        Self { left, right, top, bottom, height: bottom + 46.0 }
    }

    /// The place of values of both axes: numbers grow upwards, names run downwards.
    pub(super) fn place(&self, chart: &Chart, [x, y]: [f64; 2]) -> [f64; 2] {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        let down = match chart.y.scale {
            Scale::Linear { .. } => 1.0 - chart.y.share(y),
            Scale::Names(_) => chart.y.share(y),
        };
        [self.left + chart.x.share(x) * width, self.top + down * height]
    }

    /// Draws grid, ticks, axes and labels.
    pub(super) fn draw(&self, chart: &Chart, svg: &mut String) {
        let Self { left, right, top, bottom, height } = *self;
        let has_grid = |scale: &Scale| matches!(scale, Scale::Linear { .. });
        for tick in chart.x.ticks() {
            let [x, _] = self.place(chart, [tick.value, 0.0]);
            if has_grid(&chart.x.scale) {
                element::segment(svg, "grid", [x, top], [x, bottom]);
            }
            let label = text::shortened(&tick.label, LONGEST_NAME);
            element::text(svg, "tick", [x, bottom + 16.0], Anchor::Middle, &label);
        }
        for tick in chart.y.ticks() {
            let [_, y] = self.place(chart, [0.0, tick.value]);
            if has_grid(&chart.y.scale) {
                element::segment(svg, "grid", [left, y], [right, y]);
            }
            let label = text::shortened(&tick.label, LONGEST_NAME);
            element::text(svg, "tick", [left - 8.0, y + 4.0], Anchor::End, &label);
        }
        // Writing to a string cannot fail.
        let _ =
            write!(svg, r#"<path class="axis" d="M{left:.1} {top:.1}V{bottom:.1}H{right:.1}"/>"#);
        let middle = f64::midpoint(left, right);
        element::text(svg, "label", [middle, height - 8.0], Anchor::Middle, &chart.x.label);
        if has_grid(&chart.y.scale) {
            let middle = f64::midpoint(top, bottom);
            element::upright_text(svg, "label", [14.0, middle], &chart.y.label);
        }
    }
}
