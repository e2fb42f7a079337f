//! What a key accepts, and the reading of every encoding in which launchers send it.
//!
//! The same Python value reaches the program as `2`, `2.0` or `"2"`, as `true` or `True`, as a JSON
//! list or as the text of a Python list. What is meant follows from the key's declared kind alone.

use std::ops::{Bound, RangeBounds};

use figment::value::{Empty, Tag, Value};

use crate::device::DeviceChoice;
use crate::http::BaseUrl;
use crate::interactions::hint::Species;
use crate::storage::remote::S3Uri;

/// What values a key accepts. Ranges include their ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// An integer; `2.0` and `1e3` are integers too.
    Integer {
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
    },
    /// An integer or nothing.
    OptionalInteger {
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
        /// How nothing is written, besides `null`, `None` and the empty text.
        absent: &'static str,
    },
    /// A number between two bounds.
    Float(Bound<f64>, Bound<f64>),
    /// A number between two bounds, or nothing.
    OptionalFloat {
        /// The lower bound.
        from: Bound<f64>,
        /// The upper bound.
        to: Bound<f64>,
        /// How nothing is written, besides `null`, `None` and the empty text.
        absent: &'static str,
    },
    /// `true`, `True`, `1`, or `false`, `False`, `0`.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// At least one integer: a JSON list, a Python list or tuple, or just commas between.
    Integers {
        /// The smallest value of each.
        min: u64,
        /// The largest value of each.
        max: u64,
        /// How many there may be.
        longest: usize,
    },
    /// Any text or nothing.
    OptionalText {
        /// How nothing is written, besides `null`, `None` and the empty text.
        absent: &'static str,
    },
    /// A [`DeviceChoice`].
    Device,
    /// An [`S3Uri`] or nothing.
    OptionalS3Uri {
        /// How nothing is written, besides `null`, `None` and the empty text.
        absent: &'static str,
    },
    /// A [`BaseUrl`].
    Url,
    /// A [`Species`] or nothing.
    OptionalSpecies {
        /// How nothing is written, besides `null`, `None` and the empty text.
        absent: &'static str,
    },
}

impl Kind {
    /// What is expected, for error messages and documentation.
    pub fn expected(&self) -> String {
        match *self {
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::OptionalInteger { min, max, absent } => {
                format!("an integer from {min} to {max}, or `{absent}`")
            }
            Self::Float(from, to) => format!("a number, {}", range(from, to)),
            Self::OptionalFloat { from, to, absent } => {
                format!("a number, {}, or `{absent}`", range(from, to))
            }
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Choice(words) => alternatives(words),
            Self::Integers { min, max, longest } => {
                format!("1 to {longest} integers from {min} to {max}, separated by commas")
            }
            Self::OptionalText { absent } => format!("a text, or `{absent}`"),
            Self::OptionalS3Uri { absent } => format!("`s3://bucket/prefix/`, or `{absent}`"),
            Self::Url => "`https://HOST/PATH`".to_owned(),
            Self::OptionalSpecies { absent } => format!(
                "`hint:SPECIES` as in `hint:HomoSapiens`, or `{absent}`: then the channel or option \
                 `interactions` gives them"
            ),
            Self::Device => alternatives(&["auto", "cpu", "cuda", "cuda:N"]),
        }
    }

    /// The typed value of what a layer holds, if it is one of this kind.
    pub(super) fn read(&self, raw: &Value) -> Option<Value> {
        match (self, raw) {
            (Self::Integers { .. }, Value::Array(_, items)) => {
                let items: Option<Vec<_>> = items.iter().map(text_of).collect();
                self.integers(items?.iter().map(String::as_str))
            }
            _ => self.parse(&unquoted(&text_of(raw)?)),
        }
    }

    /// A typed value as a user would write it.
    pub(super) fn write(&self, value: &Value) -> String {
        match (self, value) {
            (
                Self::OptionalInteger { absent, .. }
                | Self::OptionalFloat { absent, .. }
                | Self::OptionalText { absent }
                | Self::OptionalS3Uri { absent }
                | Self::OptionalSpecies { absent },
                Value::Empty(..),
            ) => (*absent).to_owned(),
            (_, Value::Array(_, items)) => {
                items.iter().filter_map(text_of).collect::<Vec<_>>().join(",")
            }
            _ => text_of(value).unwrap_or_default(),
        }
    }

    fn parse(&self, text: &str) -> Option<Value> {
        let nothing = |absent| matches!(text, "" | "null" | "None") || text == absent;
        match *self {
            Self::OptionalInteger { absent, .. }
            | Self::OptionalFloat { absent, .. }
            | Self::OptionalText { absent }
            | Self::OptionalS3Uri { absent }
            | Self::OptionalSpecies { absent }
                if nothing(absent) =>
            {
                Some(Value::Empty(Tag::Default, Empty::None))
            }
            Self::Integer { min, max } | Self::OptionalInteger { min, max, .. } => {
                integer(text).filter(|n| (min..=max).contains(n)).map(Value::from)
            }
            Self::Float(from, to) | Self::OptionalFloat { from, to, .. } => {
                let number: f64 = text.parse().ok()?;
                let fits = number.is_finite() && (from, to).contains(&number);
                // The sum turns a negative zero into the positive one, which hashes differently.
                fits.then(|| Value::from(number + 0.0))
            }
            Self::Bool => match text {
                "true" | "True" | "1" => Some(Value::from(true)),
                "false" | "False" | "0" => Some(Value::from(false)),
                _ => None,
            },
            Self::Choice(words) => words.contains(&text).then(|| Value::from(text)),
            Self::Integers { .. } => self.integers(items(text)),
            Self::OptionalText { .. } => Some(Value::from(text)),
            Self::OptionalS3Uri { .. } => {
                text.parse::<S3Uri>().ok().map(|uri| Value::from(uri.to_string()))
            }
            Self::Url => text.parse::<BaseUrl>().ok().map(|url| Value::from(url.to_string())),
            Self::OptionalSpecies { .. } => {
                text.parse::<Species>().ok().map(|species| Value::from(species.to_string()))
            }
            Self::Device => {
                text.parse::<DeviceChoice>().ok().map(|device| Value::from(device.to_string()))
            }
        }
    }

    fn integers<'a>(&self, items: impl Iterator<Item = &'a str>) -> Option<Value> {
        let Self::Integers { min, max, longest } = *self else { return None };
        let numbers: Option<Vec<u64>> = items
            .map(|item| integer(&unquoted(item)).filter(|n| (min..=max).contains(n)))
            .collect();
        numbers.filter(|n| (1..=longest).contains(&n.len())).map(Value::from)
    }
}

/// The text of a scalar; lists and tables have none.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, character) => Some(character.to_string()),
        Value::Bool(_, bool) => Some(bool.to_string()),
        Value::Num(_, number) => {
            let unsigned = number.to_u128().map(|n| n.to_string());
            let signed = || number.to_i128().map(|n| n.to_string());
            unsigned.or_else(signed).or_else(|| number.to_f64().map(|n| n.to_string()))
        }
        Value::Empty(..) => Some("null".to_owned()),
        Value::Dict(..) | Value::Array(..) => None,
    }
}

/// The text without spaces around it and, where it is a JSON string, without its quotes: the SDK's
/// framework estimators and the tuner send strings that way.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    match text.starts_with('"').then(|| serde_json::from_str::<String>(text)) {
        Some(Ok(content)) => content.trim().to_owned(),
        _ => text.to_owned(),
    }
}

/// The items of `[1, 2]`, `(1, 2)`, `(1,)`, `['1', '2']` or `1,2`.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let between = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    let inner = between('[', ']').or_else(|| between('(', ')')).unwrap_or(text).trim_end();
    inner.strip_suffix(',').unwrap_or(inner).split(',').map(|item| {
        let item = item.trim();
        item.strip_prefix('\'').and_then(|item| item.strip_suffix('\'')).unwrap_or(item)
    })
}

/// An integer, also from a float that is exactly one.
fn integer(text: &str) -> Option<u64> {
    // Above 2^53 a float no longer tells neighbouring integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let exact = |x: &f64| x.fract() == 0.0 && (0.0..=EXACT).contains(x);
    let from_float = || text.parse().ok().filter(exact).map(|x| x as u64);
    text.parse().ok().or_else(from_float)
}

fn range(from: Bound<f64>, to: Bound<f64>) -> String {
    let word = |bound, included, excluded| match bound {
        Bound::Included(number) => Some(format!("{included} {number}")),
        Bound::Excluded(number) => Some(format!("{excluded} {number}")),
        Bound::Unbounded => None,
    };
    let bounds = [word(from, "at least", "above"), word(to, "at most", "below")];
    bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
