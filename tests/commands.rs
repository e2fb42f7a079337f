//! What each command does, as a user sees it: files, tables, log lines.

mod cache;
mod clusters;
mod configuration;
mod embed;
mod estimate;
mod evaluate;
mod help;
mod metrics;
mod predict;
mod sample;
mod schema;
mod seeds;
mod train;
mod validate;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The file at `path` as rows of fields between tabs, without its header.
fn rows(path: &Path) -> Vec<Vec<String>> {
    table(&fs::read_to_string(path).unwrap())
}

/// A printed table as rows of fields between tabs, without its header.
fn table(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// All files below `folder` by their paths in it, with their contents.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}
