//! Damage to JSON: one value replaced by another that no writer of ours would put there.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

/// A change of one value of a document.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Replace(Index, Value),
    Remove(Index),
    /// One element of a list again, so often.
    Repeat(Index, usize),
    /// A key that nobody knows.
    Add(Index, String, Value),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), 1..300_usize).prop_map(|(at, times)| Change::Repeat(at, times)),
        1 => (at(), text(), value()).prop_map(|(at, key, value)| Change::Add(at, key, value)),
    ]
}

/// A value that is seldom where it should be.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let simple = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(-1e308),
        json!(1e-320),
        json!(65_537),
        json!(1_u64 << 32),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!([[]]),
        json!([0]),
        json!({"a": {"b": [1]}}),
        json!(vec![0; 3000]),
    ];
    let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
    prop_oneof![
        8 => proptest::sample::select(simple.to_vec()),
        3 => text().prop_map(Value::String),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => (1..120_usize).prop_map(nested),
    ]
}

/// A text that is seldom right.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let words = [
        "",
        " ",
        "\0",
        "\u{1b}[31m",
        "é",
        "../../etc/passwd",
        "/etc/passwd",
        "s3://bucket/key",
        "NaN",
        "Infinity",
        "1e999",
        "-1",
        "null",
        "None",
        "[1, 2",
        "\"quoted\"",
        "'1'",
        "a\nb",
        "x",
    ];
    prop_oneof![
        6 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        2 => "[ -~]{0,12}",
        1 => (1..5000_usize).prop_map(|length| "a".repeat(length)),
    ]
}

/// Changes one value of `document`, wherever it lies.
pub(crate) fn changed(mut document: Value, change: &Change) -> Value {
    let mut paths = Vec::new();
    collect(&document, &mut Vec::new(), &mut paths);
    let pick = |at: &Index| paths[at.index(paths.len())].clone();
    match change {
        Change::Replace(at, value) => *find(&mut document, &pick(at)) = value.clone(),
        Change::Remove(at) => {
            let path = pick(at);
            if let Some((last, above)) = path.split_last() {
                match find(&mut document, above) {
                    Value::Object(map) => drop(map.remove(last)),
                    Value::Array(items) => drop(items.remove(last.parse().unwrap())),
                    _ => {}
                }
            }
        }
        Change::Repeat(at, times) => {
            let path = pick(at);
            if let Some((last, above)) = path.split_last()
                && let Value::Array(items) = find(&mut document, above)
            {
                let item = items[last.parse::<usize>().unwrap()].clone();
                items.extend(std::iter::repeat_n(item, *times));
            }
        }
        Change::Add(at, key, value) => {
            if let Value::Object(map) = find(&mut document, &pick(at)) {
                map.insert(key.clone(), value.clone());
            }
        }
    }
    document
}

fn collect(value: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    paths.push(path.clone());
    let mut enter = |key: String, value: &Value| {
        path.push(key);
        collect(value, path, paths);
        path.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| enter(key.clone(), value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| enter(index.to_string(), value));
        }
        _ => {}
    }
}

fn find<'v>(value: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(value, |value, key| match value {
        Value::Object(map) => map.get_mut(key).unwrap(),
        Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
        other => other,
    })
}

/// An object as text, in the order given and with keys as often as they come.
pub(crate) fn object<'a>(entries: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let entry = |(key, value): (&str, String)| format!("{}: {value}", Value::from(key));
    let entries: Vec<String> = entries.into_iter().map(entry).collect();
    format!("{{{}}}", entries.join(", "))
}

/// The entries of an object, or none.
pub(crate) fn entries(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}
