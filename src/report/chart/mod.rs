//! Charts as inline SVG: a few kinds of marks on two axes, without script or font.
//!
//! Colours are variables of the page's style sheet, so that light, dark and paper share a drawing.
//! Every [`Tone`] also has a dash pattern, which tells lines apart without colours.

mod axis;
mod element;
mod frame;
mod legend;
mod marks;
mod svg;
#[cfg(test)]
mod tests;

pub(super) use axis::Axis;
pub(super) use svg::svg;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    /// What it shows, as a short title.
    pub(super) title: String,
    /// What is to be seen in it, for those who do not see it.
    pub(super) description: String,
    /// The axis from left to right.
    pub(super) x: Axis,
    /// The axis from bottom to top; names run from top to bottom.
    pub(super) y: Axis,
    /// What is drawn, the later above the earlier.
    pub(super) series: Vec<Series>,
}

/// Points that are drawn alike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// The name in the legend, where there is one.
    pub(super) name: Option<String>,
    /// How points become marks.
    pub(super) mark: Mark,
    /// Its colour and dash pattern.
    pub(super) tone: Tone,
    /// Values on the two axes; names of an axis are numbered from 0. Values that are no numbers are
    /// left out.
    pub(super) points: Vec<[f64; 2]>,
}

/// How points become marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    /// A line through the points.
    Line,
    /// A dot on each point.
    Dots,
    /// A line through the points with a dot on each.
    LineWithDots,
    /// A bar upwards from the axis, so many units of the x axis wide.
    Columns(f64),
    /// A bar from this value of the x axis to the right, its value beside it.
    Rows(f64),
    /// A thick band through the points.
    Span,
    /// A thin line that other marks are compared with.
    Reference,
}

/// What a series is, as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// The model.
    Main,
    /// What it is compared with first,
    Second,
    /// and then.
    Third,
    /// What stands in the background.
    Muted,
}

impl Tone {
    /// The class in the style sheet.
    fn class(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Second => "second",
            Self::Third => "third",
            Self::Muted => "muted",
        }
    }
}

impl Series {
    /// A series with an entry in the legend.
    pub(super) fn named(name: &str, mark: Mark, tone: Tone, points: Vec<[f64; 2]>) -> Self {
        Self { name: Some(name.to_owned()), mark, tone, points }
    }

    /// A series that the legend leaves out.
    pub(super) fn unnamed(mark: Mark, tone: Tone, points: Vec<[f64; 2]>) -> Self {
        Self { name: None, mark, tone, points }
    }

    /// The points that can be drawn.
    fn drawable(&self) -> impl Iterator<Item = [f64; 2]> + '_ {
        self.points.iter().copied().filter(|point| point.iter().all(|value| value.is_finite()))
    }
}
