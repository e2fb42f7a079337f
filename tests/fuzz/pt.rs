//! fair-esm's `.pt` files: the archive, and the pickle behind its checksums.

use std::fs;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tempfile::TempDir;

use crate::driver::{case, folder, fuzz, large_folder, shipped};
use crate::encoder::open;
use crate::mutation::{mutated, mutations};
use crate::torch_save::{
    Steps, archive, boolean, call, cfg, dictionary, global, namespace, number, pickle,
    strided_tensor, tensor, text, tuple,
};

/// Layers, width and heads.
const SIZES: [usize; 3] = [1, 8, 2];

/// A `.pt` file in a folder of its own.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(folder: TempDir) -> Self {
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("esm2.pt")
    }

    /// Writes a file and checks it.
    fn check(&self, bytes: &[u8]) {
        fs::write(self.path(), bytes).unwrap();
        if let Some(encoder) = open(self.folder.path()) {
            assert_eq!(encoder.files(), [self.path()]);
            assert_eq!(encoder.sources().len(), 1);
        }
    }
}

/// Names of tensors and how a pickle makes each.
type Tensors = Vec<(String, Steps)>;
/// Names and contents of the files with the numbers.
type Numbers = Vec<(String, Vec<u8>)>;

/// A small model.
fn model() -> (Tensors, Numbers) {
    let [_, width, _] = SIZES;
    let mut shapes = vec![("embed_tokens.weight".to_owned(), vec![33, width])];
    let mut linear = |name: &str, from, to| {
        shapes.push((format!("{name}.weight"), vec![to, from]));
        shapes.push((format!("{name}.bias"), vec![to]));
    };
    for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
        linear(&format!("layers.0.self_attn.{name}"), width, width);
    }
    linear("layers.0.fc1", width, 4 * width);
    linear("layers.0.fc2", 4 * width, width);
    for name in
        ["layers.0.self_attn_layer_norm", "layers.0.final_layer_norm", "emb_layer_norm_after"]
    {
        shapes.push((format!("{name}.weight"), vec![width]));
        shapes.push((format!("{name}.bias"), vec![width]));
    }
    let numbered = shapes.into_iter().enumerate();
    let saved = numbered.map(|(key, (name, shape))| {
        let key = key.to_string();
        let bytes = vec![0x3e; 4 * shape.iter().product::<usize>()];
        let name = format!("encoder.sentence_encoder.{name}");
        ((name, tensor("FloatStorage", &key, &shape)), (format!("data/{key}"), bytes))
    });
    saved.unzip()
}

/// The file of a pickle with the numbers of the small model.
fn file(pickle: Vec<u8>) -> Vec<u8> {
    let (_, mut files) = model();
    files.push(("data.pkl".to_owned(), pickle));
    files.push(("byteorder".to_owned(), b"little".to_vec()));
    archive(&files)
}

fn valid() -> Vec<u8> {
    pickle(&dictionary(&[("cfg", cfg(SIZES)), ("model", dictionary(&model().0))]))
}

#[test]
fn the_small_model_is_an_encoder() {
    let place = Place::new(folder());
    fs::write(place.path(), file(valid())).unwrap();
    assert!(open(place.folder.path()).is_some());
}

#[test]
fn files_damaged() {
    let place = Place::new(folder());
    let made_by_fair_esm = shipped("tests/fixtures/fair_esm_random/esm2_tiny.pt");
    place.check(&made_by_fair_esm);
    fuzz(".pt, files damaged", mutations(), |mutations| {
        place.check(&mutated(&made_by_fair_esm, &mutations));
    });
}

#[test]
fn directories_damaged() {
    let place = Place::new(folder());
    let made_by_fair_esm = shipped("tests/fixtures/fair_esm_random/esm2_tiny.pt");
    let start = made_by_fair_esm.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let (files, directory) = made_by_fair_esm.split_at(start);
    fuzz(".pt, directories damaged", mutations(), |mutations| {
        place.check(&[files, &mutated(directory, &mutations)].concat());
    });
}

#[test]
fn pickles_damaged() {
    let place = Place::new(folder());
    let valid = valid();
    fuzz(".pt, pickles damaged", mutations(), |mutations| {
        place.check(&file(mutated(&valid, &mutations)));
    });
}

/// A value that is seldom where it should be.
fn value() -> impl Strategy<Value = Steps> {
    let size = select(vec![0, 1, 2, 8, 32, 33, 264, 1 << 20, 1 << 32, 1 << 62]);
    let leaf = prop_oneof![
        size.clone().prop_map(number),
        any::<bool>().prop_map(boolean),
        select(vec!["", "0", "../0", "cfg", "é", "\0"]).prop_map(text),
        (vec(size.clone(), 0..4), vec(size, 0..4)).prop_map(|(shape, strides)| strided_tensor(
            "FloatStorage",
            "0",
            &shape,
            &strides
        )),
        select(vec!["HalfStorage", "LongStorage", "BoolStorage", "QUInt8Storage"])
            .prop_map(|storage| tensor(storage, "1", &[8, 8])),
        Just(call(&global("os", "system"), &[text("exit 1")])),
        Just(b"Q".to_vec()),
        Just(b"h\0".to_vec()),
        Just(b"N".to_vec()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| tuple(&items)),
            inner.clone().prop_map(|value| dictionary(&[("model", value)])),
            inner.clone().prop_map(|value| namespace(&[("encoder_layers", value)])),
            (inner.clone(), inner).prop_map(|(callee, argument)| call(&callee, &[argument])),
        ]
    })
}

#[test]
fn values_elsewhere() {
    let place = Place::new(folder());
    let (tensors, _) = model();
    let strategy = (any::<Index>(), value(), 0..4_u8);
    fuzz(".pt, values elsewhere", strategy, |(at, value, part)| {
        let (mut tensors, mut sizes) = (tensors.clone(), cfg(SIZES));
        let at = at.index(tensors.len());
        match part {
            0 => sizes = value,
            1 => tensors.push(("encoder.extra".to_owned(), value)),
            _ => tensors[at].1 = value,
        }
        let root = dictionary(&[("cfg", sizes), ("model", dictionary(&tensors))]);
        place.check(&file(pickle(&root)));
    });
}

/// Steps without end, marks without end, and lists that hold themselves.
#[test]
fn large_pickles() {
    let place = Place::new(large_folder());
    for (what, steps) in [
        ("values", b"N".as_slice()),
        ("marks", b"("),
        ("copies", b"2"),
        ("names of copies", b"\x94"),
        ("tuples of tuples", b"\x85"),
        ("a list in itself", b"2a"),
        ("dictionaries", b"2(h\0h\0u"),
    ] {
        let steps = [b"\x80\x02]q\0", &steps.repeat((8 << 20) / steps.len())[..]].concat();
        case(&format!(".pt, 8 MiB of {what}"), || place.check(&file(steps.clone())));
    }
    let rows: Vec<_> = (0..60_000).map(|number| (format!("data/{number}"), Vec::new())).collect();
    case(".pt, 60,000 files", || place.check(&archive(&rows)));
}
