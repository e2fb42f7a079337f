//! Forged safetensors files: nearly right, and written without the library that reads them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::json::{self, Change};
use crate::mutation::{Mutations, mutated, mutations};

/// A file in its two parts.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The header with all tensors and `__metadata__`.
    pub(crate) header: Value,
    /// What the offsets point into.
    pub(crate) data: Vec<u8>,
}

/// One change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// What the first eight bytes claim, from the true length.
    Length(Claim),
    /// Any value of the header.
    Header(Change),
    Dtype(Index, &'static str),
    Shape(Index, Vec<u64>),
    Rename(Index, String),
    /// Two tensors in one place.
    Overlap(Index, Index),
    /// Offsets moved by so much.
    Shift(Index, i64),
    /// A tensor without values.
    Empty(String),
    /// So many of them.
    Many(usize),
    /// A tensor twice, under one name.
    Twice(Index),
    /// A value of the metadata, inside of it where it is JSON itself.
    Metadata(Index, Change),
    /// Spaces behind the header.
    Pad(usize),
    /// A byte of the header that is no UTF-8.
    NotText(Index),
    Data(Mutations),
    /// A 32-bit value of the data.
    Value(Index, f32),
}

#[derive(Clone, Debug)]
pub(crate) enum Claim {
    Exactly(u64),
    Off(i64),
}

/// One to three changes.
pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec(edit(), 1..=3)
}

/// One to three changes of what the metadata say.
pub(crate) fn metadata_edits() -> impl Strategy<Value = Vec<Edit>> {
    vec((any::<Index>(), json::change()).prop_map(|(at, change)| Edit::Metadata(at, change)), 1..=3)
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    let claims = [0, 1, 7, u64::MAX, u64::MAX - 7, 1 << 63, 1 << 32, 100_000_001, 17 << 20];
    let dtypes = [
        "F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "F4", "f32", "", "C64",
    ];
    let sizes = [0, 1, 2, 3, 1 << 32, 1 << 62, u64::MAX];
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, 1e-45, 0.0, -1.0];
    let formats = prop_oneof![
        select(claims.to_vec()).prop_map(|length| Edit::Length(Claim::Exactly(length))),
        (-9..10_i64).prop_map(|off| Edit::Length(Claim::Off(off))),
        json::change().prop_map(Edit::Header),
        (at(), select(dtypes.to_vec())).prop_map(|(at, dtype)| Edit::Dtype(at, dtype)),
        (at(), vec(select(sizes.to_vec()), 0..4)).prop_map(|(at, shape)| Edit::Shape(at, shape)),
        (at(), json::text()).prop_map(|(at, name)| Edit::Rename(at, name)),
        (at(), at()).prop_map(|(one, other)| Edit::Overlap(one, other)),
        (at(), -8..9_i64).prop_map(|(at, by)| Edit::Shift(at, by)),
        json::text().prop_map(Edit::Empty),
        at().prop_map(Edit::Twice),
        at().prop_map(Edit::NotText),
        (0..64_usize).prop_map(Edit::Pad),
        (2..50_usize).prop_map(Edit::Many),
    ];
    prop_oneof![
        12 => formats,
        4 => (at(), json::change()).prop_map(|(at, change)| Edit::Metadata(at, change)),
        2 => mutations().prop_map(Edit::Data),
        4 => (at(), select(values.to_vec())).prop_map(|(at, value)| Edit::Value(at, value)),
    ]
}

impl File {
    /// The parts of a valid file.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let (length, rest) = bytes.split_first_chunk().unwrap();
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
        let (header, data) = rest.split_at(length);
        Self { header: serde_json::from_slice(header).unwrap(), data: data.to_vec() }
    }

    /// The bytes of the file as it is.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.forged(&[])
    }

    /// The bytes after all changes.
    pub(crate) fn forged(&self, edits: &[Edit]) -> Vec<u8> {
        let mut file = self.clone();
        edits.iter().for_each(|edit| file.apply(edit));
        let mut header = file.header.to_string().into_bytes();
        for edit in edits {
            match edit {
                Edit::Twice(at) if file.header.is_object() => {
                    let entry = json!({ file.name(*at): file.header[file.name(*at)] }).to_string();
                    let repeated = format!(",{}", entry.trim_start_matches('{'));
                    header.pop();
                    header.extend_from_slice(repeated.as_bytes());
                }
                Edit::Pad(spaces) => header.extend(std::iter::repeat_n(b' ', *spaces)),
                Edit::NotText(at) => {
                    let at = at.index(header.len());
                    header[at] = 0xff;
                }
                _ => {}
            }
        }
        let length = header.len() as u64;
        let claimed = edits.iter().rev().find_map(|edit| match edit {
            Edit::Length(Claim::Exactly(claimed)) => Some(*claimed),
            Edit::Length(Claim::Off(off)) => Some(length.saturating_add_signed(*off)),
            _ => None,
        });
        [&claimed.unwrap_or(length).to_le_bytes(), header.as_slice(), &file.data].concat()
    }

    fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Header(change) => self.header = json::changed(self.header.take(), change),
            Edit::Metadata(at, change) => self.change_metadata(*at, change),
            Edit::Data(mutations) => self.data = mutated(&self.data, mutations),
            Edit::Value(at, value) if self.data.len() >= 4 => {
                let at = 4 * at.index(self.data.len() / 4);
                self.data[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            _ if self.header.is_object() => self.change_tensors(edit),
            _ => {}
        }
    }

    fn change_tensors(&mut self, edit: &Edit) {
        let end = self.data.len();
        let empty = json!({"dtype": "F32", "shape": [0], "data_offsets": [end, end]});
        let name = |at: &Index| self.name(*at);
        let set = |tensor: &mut Value, key: &str, value: Value| {
            if tensor.is_object() {
                tensor[key] = value;
            }
        };
        match edit {
            Edit::Dtype(at, dtype) => {
                let name = name(at);
                set(&mut self.header[name], "dtype", json!(dtype));
            }
            Edit::Shape(at, shape) => {
                let name = name(at);
                set(&mut self.header[name], "shape", json!(shape));
            }
            Edit::Rename(at, to) => {
                let name = name(at);
                let tensor = json::entries(&mut self.header).remove(&name).unwrap_or_default();
                self.header[to] = tensor;
            }
            Edit::Overlap(one, other) => {
                let (one, other) = (name(one), name(other));
                let offsets = self.header[other].get("data_offsets").cloned().unwrap_or_default();
                set(&mut self.header[one], "data_offsets", offsets);
            }
            Edit::Shift(at, by) => {
                let name = name(at);
                let offsets = self.header[&name].get("data_offsets").cloned().unwrap_or_default();
                let offsets: Vec<u64> = serde_json::from_value(offsets).unwrap_or_default();
                let moved: Vec<_> = offsets.iter().map(|o| o.saturating_add_signed(*by)).collect();
                set(&mut self.header[name], "data_offsets", json!(moved));
            }
            Edit::Empty(name) => self.header[name] = empty,
            Edit::Many(number) => {
                for number in 0..*number {
                    self.header[format!("many.{number}")] = empty.clone();
                }
            }
            _ => {}
        }
    }

    fn change_metadata(&mut self, at: Index, change: &Change) {
        let Some(Value::Object(metadata)) = self.header.get_mut("__metadata__") else { return };
        if metadata.is_empty() {
            return;
        }
        let at = at.index(metadata.len());
        let (_, value) = metadata.iter_mut().nth(at).unwrap();
        let inner: Option<Value> = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        *value = match inner.filter(Value::is_object) {
            Some(inner) => Value::String(json::changed(inner, change).to_string()),
            None => json::changed(value.take(), change),
        };
    }

    /// The name of a tensor, or of the metadata.
    fn name(&self, at: Index) -> String {
        let names: Vec<&String> = self.header.as_object().unwrap().keys().collect();
        names.get(at.index(names.len().max(1))).map_or_else(String::new, |name| (*name).clone())
    }
}
