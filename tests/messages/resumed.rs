//! What an earlier attempt left, damaged: the run is not begun anew behind its owner's back.

use std::fs;
use std::path::{Path, PathBuf};

use super::refusal_below;
use crate::support::{Root, succeed};

#[test]
fn a_damaged_pin_and_damaged_checkpoints() {
    let root = Root::new();
    root.configure("hyperparameters.json", r#"{"split": "pairs", "epochs": "2"}"#);
    succeed(&mut root.job());
    let runs = root.path().join("checkpoints/runs");
    let pin = only(&runs).join("pin.json");
    let whole = fs::read(&pin).unwrap();
    fs::write(&pin, &whole[..whole.len() / 2]).unwrap();
    let refused = without_names(&refusal_below(&root, &mut root.job()));
    insta::assert_snapshot!(refused, @"exit 2: UserError: `FOLDER/checkpoints/runs/DIGEST/pin.json` cannot be used: EOF while parsing a string at line 5 column 35; remove it, and the run is pinned anew to what the cache holds");

    // As the message says: removed, it is written anew, and the run goes on from its checkpoints.
    fs::remove_file(&pin).unwrap();
    let (_, log) = succeed(&mut root.job());
    assert!(log.contains("resumed from step"), "{log}");
    assert_eq!(fs::read(&pin).unwrap(), whole);

    let files = fs::read_dir(only(&runs)).unwrap().map(|file| file.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|end| end == "safetensors")) {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    }
    let refused = without_names(&refusal_below(&root, &mut root.job()));
    insta::assert_snapshot!(refused, @"exit 2: UserError: none of the 1 checkpoint(s) in `FOLDER/checkpoints/runs/DIGEST` can be used; restore or remove them, or set `on_bad_checkpoint=restart` to train from the start");
}

/// The one folder in `folder`.
fn only(folder: &Path) -> PathBuf {
    let mut folders = fs::read_dir(folder).unwrap();
    let first = folders.next().unwrap().unwrap().path();
    assert!(folders.next().is_none());
    first
}

/// A message without digests, which depend on the bits of what was computed.
fn without_names(message: &str) -> String {
    let digest = regex::Regex::new("[0-9a-f]{16,}").unwrap();
    digest.replace_all(message, "DIGEST").into_owned()
}
