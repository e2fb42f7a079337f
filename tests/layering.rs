//! The layer table of the crate's documentation, enforced on the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Stages in pipeline order; each may use those before it.
const STAGES: [&str; 12] = [
    "interactions",
    "sequences",
    "embeddings",
    "dataset",
    "classifier",
    "evaluation",
    "training",
    "artifacts",
    "inference",
    "estimate",
    "report",
    "sample",
];
const VALUES: [&str; 2] = ["digest", "protein"];
const EDGES: [&str; 6] = ["storage", "progress", "device", "shutdown", "http", "process"];

/// What a module may use, or `None` for those that may use everything.
fn allowed(module: &str) -> Option<Vec<&'static str>> {
    let below = [VALUES.as_slice(), EDGES.as_slice()].concat();
    if VALUES.contains(&module) {
        return Some(VALUES.to_vec());
    }
    if ["http", "process"].contains(&module) {
        return Some([VALUES.as_slice(), &["storage", "shutdown"]].concat());
    }
    if EDGES.contains(&module) {
        return Some(VALUES.to_vec());
    }
    if let Some(position) = STAGES.iter().position(|stage| *stage == module) {
        return Some([below, STAGES[..position].to_vec()].concat());
    }
    match module {
        "config" => Some([below, STAGES.to_vec()].concat()),
        "pipeline" => Some([below, STAGES.to_vec(), vec!["config"]].concat()),
        "container" => Some([below, STAGES.to_vec(), vec!["config", "pipeline"]].concat()),
        _ => None,
    }
}

/// Words that only some modules may contain.
const RESERVED: [(&str, &[&str]); 8] = [
    ("std::env", &["config", "container", "cli", "main"]),
    ("aws_sdk_s3", &["storage"]),
    ("aws_sdk_pricing", &["storage"]),
    ("reqwest", &["http"]),
    ("hf_hub", &["http"]),
    (
        "burn::",
        &["embeddings", "dataset", "classifier", "training", "evaluation", "inference", "device"],
    ),
    ("libtorch(", &["device"]),
    // Of another program; threads take what they run.
    (".spawn()", &["process"]),
];

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, files),
            false => files.push(path),
        }
    }
}

/// The source of each module without its tests.
fn modules() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut modules: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for path in files {
        let relative = path.strip_prefix(&root).unwrap().to_owned();
        let is_test = relative.components().any(|part| {
            matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")) //
        });
        let module = relative.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        if is_test || module == "lib" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        modules.entry(module).or_default().push((relative, code));
    }
    modules
}

/// The modules of ours that a source names after `crate::`, also inside `use crate::{a, b::c}`.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let group = rest.strip_prefix('{').map(|rest| rest.split(';').next().unwrap_or(rest));
        let mut depth = 0;
        let mut starts = vec![0];
        for (index, character) in group.unwrap_or_default().char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => starts.push(index + 1),
                _ => {}
            }
        }
        for start in starts {
            let text = group.map_or(rest, |group| &group[start..]).trim_start();
            let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            names.push(text[..end.unwrap_or(text.len())].to_owned());
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn no_module_uses_what_lies_above_it() {
    let modules = modules();
    assert!(modules.len() > 15, "sources found: {:?}", modules.keys());
    let mut wrong = Vec::new();
    for (module, files) in &modules {
        let Some(allowed) = allowed(module) else { continue };
        for (path, code) in files {
            for name in named(code).into_iter().filter(|name| modules.contains_key(name)) {
                if name != *module && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} uses {name}", path.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn environment_backends_and_clients_stay_at_their_edge() {
    let mut wrong = Vec::new();
    for (module, files) in modules() {
        for (path, code) in files {
            let words = RESERVED.iter().filter(|(word, _)| code.contains(word));
            for (word, owners) in words.filter(|(_, owners)| !owners.contains(&module.as_str())) {
                wrong
                    .push(format!("{} contains {word}, which only {owners:?} may", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn unsafe_code_lies_in_two_tiny_modules() {
    let mut found = Vec::new();
    for (path, code) in modules().into_values().flatten() {
        if code.contains("unsafe {") || code.contains("expect(unsafe_code") {
            assert!(code.lines().count() < 60, "{} is not tiny", path.display());
            found.push(path);
        }
    }
    found.sort();
    assert_eq!(found, ["device/allocator.rs", "storage/map.rs"].map(PathBuf::from));
}

#[test]
fn imports_are_recognised_in_every_form() {
    let code = "use crate::a::B;\nuse crate::{c, d::{self, E}, f};\nlet x = crate::g::h();";
    assert_eq!(named(code), ["a", "c", "d", "f", "g"]);
}
