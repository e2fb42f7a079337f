use super::*;

fn labels(axis: &Axis) -> Vec<String> {
    axis.ticks().into_iter().map(|tick| tick.label).collect()
}

#[test]
fn ticks_are_round_and_reach_both_ends() {
    assert_eq!(labels(&Axis::linear("", 0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    assert_eq!(labels(&Axis::linear("", 0.5, 1.0)), ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]);
    assert_eq!(labels(&Axis::counts("", 3)), ["0", "1", "2", "3"]);
    assert_eq!(
        labels(&Axis::counts("", 1234)),
        ["0", "200", "400", "600", "800", "1,000", "1,200", "1,400"]
    );
    assert_eq!(labels(&Axis::whole("", 1, 3)), ["1", "2", "3"]);
    let around = Axis::around("", [0.4567, 0.6876, f64::NAN].into_iter());
    assert_eq!(labels(&around), ["0.45", "0.50", "0.55", "0.60", "0.65", "0.70"]);
}

#[test]
fn an_axis_of_nothing_or_of_one_value_still_spans_something() {
    for axis in [
        Axis::around("", std::iter::empty()),
        Axis::around("", [0.7].into_iter()),
        Axis::counts("", 0),
        Axis::whole("", 1, 1),
    ] {
        assert!(axis.ticks().len() > 1, "{axis:?}");
        assert!((0.0..=1.0).contains(&axis.share(0.7)), "{axis:?}");
    }
}

fn chart(series: Vec<Series>) -> Chart {
    Chart {
        title: "Curve".to_owned(),
        description: "It rises.".to_owned(),
        x: Axis::linear("right", 0.0, 1.0),
        y: Axis::linear("up", 0.0, 1.0),
        series,
    }
}

#[test]
fn points_lie_where_the_axes_say() {
    let points = vec![[0.0, 0.0], [f64::NAN, 0.3], [1.0, 1.0]];
    let drawn = svg(&chart(vec![Series::unnamed(Mark::Line, Tone::Main, points)]), "a");
    // From corner to corner of the plot; what is no number is left out.
    assert!(drawn.contains(r#"<path class="axis" d="M62.0 10.0V240.0H424.0"/>"#), "{drawn}");
    assert!(drawn.contains(r#"<path class="line main" d="M62.0 240.0L424.0 10.0"/>"#), "{drawn}");
}

#[test]
fn bars_begin_where_they_should() {
    let columns = vec![Series::unnamed(Mark::Columns(0.5), Tone::Main, vec![[0.5, 0.5]])];
    let drawn = svg(&chart(columns), "a");
    let column = r#"<rect class="bar main" x="153.0" y="125.0" width="180.0" height="115.0">"#;
    assert!(drawn.contains(column), "{drawn}");

    let mut rows = chart(vec![Series::unnamed(Mark::Rows(0.5), Tone::Muted, vec![[0.25, 1.0]])]);
    rows.y = Axis::names("", vec!["one".to_owned(), "two".to_owned()]);
    let drawn = svg(&rows, "a");
    // A value below the beginning of the bars goes to the left.
    let row = r#"<rect class="bar muted" x="125.3" y="41.0" width="88.9" height="16.0">"#;
    assert!(drawn.contains(row), "{drawn}");
    assert!(drawn.contains(">0.250</text>") && drawn.contains(">two</text>"), "{drawn}");
}

#[test]
fn every_series_with_a_name_is_in_the_legend_which_breaks_its_lines() {
    let long = "a name that takes nearly half of the width";
    let series =
        [long, long, "short"].map(|name| Series::named(name, Mark::Dots, Tone::Third, Vec::new()));
    let drawn = svg(&chart(series.into()), "a");
    assert_eq!(drawn.matches(long).count(), 2);
    assert_eq!(drawn.matches(r#"<circle class="dot third""#).count(), 3);
    // Two lines of legend are above the plot.
    assert!(drawn.contains(r#"<path class="axis" d="M62.0 46.0"#), "{drawn}");
}

#[test]
fn a_chart_says_what_it_shows_and_quotes_foreign_text() {
    let mut chart = chart(Vec::new());
    chart.title = "<b>".to_owned();
    chart.x.label = "a & b".to_owned();
    let drawn = svg(&chart, "figure-1");
    assert!(
        drawn.contains(r#"role="img" aria-labelledby="figure-1-title figure-1-description""#),
        "{drawn}"
    );
    assert!(drawn.contains(r#"<title id="figure-1-title">&lt;b&gt;</title>"#), "{drawn}");
    assert!(drawn.contains(r#"<desc id="figure-1-description">It rises.</desc>"#), "{drawn}");
    assert!(drawn.contains(">a &amp; b</text>"), "{drawn}");
}
