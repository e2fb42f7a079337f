use std::ops::Bound::{Excluded, Included};

use super::*;

const COUNT: Kind = Kind::Integer { min: 1, max: 1000 };
const SHARE: Kind = Kind::Float(Included(0.0), Excluded(1.0));
const SIZES: Kind = Kind::Integers { min: 1, max: 1000, longest: 3 };
const BUDGET: Kind = Kind::OptionalInteger { min: 1, max: 1000, absent: "auto" };
const LEAST: Kind = Kind::OptionalFloat { from: Included(0.0), to: Included(1.0), absent: "auto" };
const COLUMN: Kind = Kind::OptionalText { absent: "auto" };
const WORD: Kind = Kind::Choice(&["esm2", "none"]);

const PLACE: Kind = Kind::OptionalS3Uri { absent: "none" };

#[test]
fn places_in_s3_are_completed_and_others_are_refused() {
    accepts(PLACE, &[("s3://lab-data/ppi", "s3://lab-data/ppi/"), ("", "none"), ("none", "none")]);
    refuses(PLACE, &["lab-data/ppi", "s3://lab-data/../x", "https://lab-data"]);
}

/// What a text is read as, written back; `None` where it is refused.
fn read(kind: Kind, text: &str) -> Option<String> {
    kind.read(&Value::from(text)).map(|value| kind.write(&value))
}

fn accepts(kind: Kind, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(read(kind, text).as_deref(), Some(*expected), "{text:?} as {kind:?}");
    }
}

fn refuses(kind: Kind, texts: &[&str]) {
    for text in texts {
        assert_eq!(read(kind, text), None, "{text:?} as {kind:?}");
    }
}

#[test]
fn integers_come_plain_quoted_and_as_exact_floats() {
    accepts(COUNT, &[("2", "2"), (" 2 ", "2"), ("\"256\"", "256"), ("2.0", "2"), ("1e3", "1000")]);
    refuses(COUNT, &["ten", "2.5", "", "null", "-1", "0", "1001", "True", "nan", "0x10", "[2]"]);
    refuses(COUNT, &["\"\\\"2\\\"\"", "'2'"]);
    let seed = Kind::Integer { min: 0, max: u64::MAX };
    accepts(seed, &[("18446744073709551615", "18446744073709551615"), ("-0.0", "0")]);
    refuses(seed, &["1e18", "18446744073709551616"]);
}

#[test]
fn floats_come_in_any_notation_and_stay_in_range() {
    accepts(SHARE, &[("1e-3", "0.001"), ("\"0.2\"", "0.2"), ("0", "0"), ("-0.0", "0")]);
    refuses(SHARE, &["1", "1.0", "-0.1", "nan", "inf", "0,2", "20%", ""]);
}

#[test]
fn bools_come_as_json_python_and_digits() {
    accepts(Kind::Bool, &[("true", "true"), ("True", "true"), ("1", "true"), ("\"True\"", "true")]);
    accepts(Kind::Bool, &[("false", "false"), ("False", "false"), ("0", "false")]);
    refuses(Kind::Bool, &["yes", "2", "", "None", "on"]);
}

#[test]
fn lists_come_as_json_python_and_commas() {
    let texts = ["1, 2", "1,2", "[1, 2]", "[1,2]", "(1, 2)", "['1', '2']", "[\"1\", \"2\"]"];
    for text in texts.iter().copied().chain(["\"[1, 2]\"", "[1, 2.0]", "1,2,", " [ 1 , 2 ] "]) {
        assert_eq!(read(SIZES, text).as_deref(), Some("1,2"), "{text:?}");
    }
    accepts(SIZES, &[("7", "7"), ("(7,)", "7")]);
    refuses(SIZES, &["", "[]", "[1, x]", "1,,2", "[[1, 2]]", "[1, 2", "1 2", "0", "1,2,3,4"]);
}

#[test]
fn optional_values_can_be_absent() {
    accepts(BUDGET, &[("", "auto"), ("null", "auto"), ("None", "auto"), ("auto", "auto")]);
    accepts(BUDGET, &[("\"null\"", "auto"), ("512", "512")]);
    refuses(BUDGET, &["none", "0", "x"]);
    accepts(COLUMN, &[("null", "auto"), ("\"interacts\"", "interacts"), ("is it", "is it")]);
}

#[test]
fn words_lose_their_quotes_once_and_match_exactly() {
    accepts(WORD, &[("esm2", "esm2"), ("\"esm2\"", "esm2")]);
    refuses(WORD, &["ESM2", "\"\\\"esm2\\\"\"", "\"esm2", "esm"]);
    accepts(Kind::Device, &[("cuda", "cuda"), ("cuda:0", "cuda:0"), ("\"cpu\"", "cpu")]);
    refuses(Kind::Device, &["gpu", "null"]);
}

#[test]
fn typed_values_of_files_are_read_by_the_same_rules() {
    let read = |kind: Kind, raw: Value| kind.read(&raw).map(|value| kind.write(&value));
    assert_eq!(read(COUNT, Value::from(2.0)).as_deref(), Some("2"));
    assert_eq!(read(COUNT, Value::from(true)), None);
    assert_eq!(read(COUNT, Value::from(-2)), None);
    assert_eq!(read(SHARE, Value::from(0)).as_deref(), Some("0"));
    assert_eq!(read(Kind::Bool, Value::from(1)).as_deref(), Some("true"));
    assert_eq!(read(SIZES, Value::from(vec![1, 2])).as_deref(), Some("1,2"));
    assert_eq!(read(SIZES, Value::from(vec!["1", "2"])).as_deref(), Some("1,2"));
    assert_eq!(read(SIZES, Value::from(vec!["1,2"])), None, "lists do not nest");
    assert_eq!(read(COLUMN, Value::from(vec!["a"])), None);
    let null = Value::Empty(Tag::Default, Empty::Unit);
    assert_eq!(read(BUDGET, null).as_deref(), Some("auto"));
}

#[test]
fn expectations_read_as_english() {
    let texts = [COUNT, BUDGET, SHARE, LEAST, SIZES, WORD, Kind::Choice(&["f32"]), COLUMN]
        .map(|kind| kind.expected())
        .join("\n");
    insta::assert_snapshot!(texts, @"
    an integer from 1 to 1000
    an integer from 1 to 1000, or `auto`
    a number, at least 0 and below 1
    a number, at least 0 and at most 1, or `auto`
    1 to 3 integers from 1 to 1000, separated by commas
    `esm2` or `none`
    `f32`
    a text, or `auto`
    ");
}
