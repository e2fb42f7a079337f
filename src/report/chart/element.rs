//! SVG elements: places with one decimal, classes instead of colours, all text escaped.

use std::fmt::Write as _;

use crate::report::text;

/// Which part of a text its place is.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text whose base line is at `y`.
pub(super) fn text(svg: &mut String, class: &str, [x, y]: [f64; 2], anchor: Anchor, content: &str) {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let content = text::escaped(content);
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{content}</text>"#
    );
}

/// A text around `middle` that is read from below.
pub(super) fn upright_text(svg: &mut String, class: &str, [x, y]: [f64; 2], content: &str) {
    let _ = write!(svg, r#"<g transform="translate({x:.1} {y:.1}) rotate(-90)">"#);
    text(svg, class, [0.0, 0.0], Anchor::Middle, content);
    svg.push_str("</g>");
}

/// A straight line.
pub(super) fn segment(svg: &mut String, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
    let _ = write!(svg, r#"<path class="{class}" d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}"/>"#);
}

/// A bar, with a tooltip unless that is empty.
pub(super) fn bar(svg: &mut String, tone: &str, [x, y]: [f64; 2], size: [f64; 2], tip: &str) {
    let ([width, height], tip) = (size, tooltip(tip));
    let _ = write!(
        svg,
        r#"<rect class="bar {tone}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}">"#
    );
    let _ = write!(svg, "{tip}</rect>");
}

/// A dot, with a tooltip unless that is empty.
pub(super) fn dot(svg: &mut String, tone: &str, [x, y]: [f64; 2], tip: &str) {
    let tip = tooltip(tip);
    let _ =
        write!(svg, r#"<circle class="dot {tone}" cx="{x:.1}" cy="{y:.1}" r="3.5">{tip}</circle>"#);
}

fn tooltip(tip: &str) -> String {
    match tip.is_empty() {
        true => String::new(),
        false => format!("<title>{}</title>", text::escaped(tip)),
    }
}
