//! The Python in the documentation runs, with what it says it needs alone.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{dyad, small_encoder, succeed};

/// Python with the modules, or a printed reason to skip `test`; `PYTHON` names another than
/// `python3`.
fn python(test: &str, modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let imported = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if imported.is_ok_and(|output| output.status.success()) {
        return Some(python.into());
    }
    eprintln!("skipped: {test}: no Python with {modules}");
    None
}

/// The block of Python on a page that holds `word`.
fn snippet(page: &str, word: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = fs::read_to_string(path).unwrap();
    let mut blocks = text.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(word)).unwrap().to_owned()
}

/// A cache with two sequences; the folder, and the arguments that name its cache.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.fasta"), ">P1\nmkvlaagivgl*\n>P2\nACDEFGHIK\n").unwrap();
    let mut embed = dyad();
    embed.current_dir(folder.path()).arg("embed").arg("--encoder").arg(small_encoder());
    embed.args(["--sequences", "a.fasta", "--cache", "cache", "--out", "a.safetensors"]);
    succeed(&mut embed);
    folder
}

/// The first file of this ending below a folder.
fn find(folder: &Path, ending: &str) -> Option<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = |path: &&PathBuf| path.is_file() && path.to_string_lossy().ends_with(ending);
    let here = paths.iter().find(named).cloned();
    here.or_else(|| paths.iter().find_map(|path| find(path, ending)))
}

#[test]
fn a_shard_is_read_with_safetensors_alone() {
    let test = "a_shard_is_read_with_safetensors_alone";
    let Some(python) = python(test, "safetensors.numpy") else { return };
    let code = snippet("formats.md", "load_file");
    assert!(code.lines().filter(|line| !line.is_empty()).count() <= 10, "ten lines are promised");
    let folder = filled();
    // What `embed` wrote for P1 is what the snippet finds.
    let check = "\nimport numpy\n\
        exported = load_file('a.safetensors')['embeddings']\n\
        assert numpy.array_equal(embedding('mkvlaagivgl*'), exported[0])\n\
        assert numpy.array_equal(embedding('ACDEFGHIK'), exported[1])\n";
    let shard = find(&folder.path().join("cache"), ".safetensors").unwrap();
    let mut command = Command::new(python);
    command.current_dir(folder.path()).arg("-c").arg(code + check).arg(shard);
    assert_eq!(succeed(&mut command).0, "2 sequences, 64 dimensions\n");
}

#[test]
fn an_export_is_read_with_numpy_alone() {
    let Some(python) = python("an_export_is_read_with_numpy_alone", "numpy") else { return };
    let mut code = snippet("cache.md", "embeddings.npy");
    let folder = filled();
    let space = find(&folder.path().join("cache"), "space.json").unwrap();
    let space = space.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let mut export = dyad();
    export.current_dir(folder.path()).args(["cache", "export", "--cache", "cache", "--space"]);
    export.args([&space, "--out", "embeddings", "--sequences", "a.fasta"]);
    succeed(&mut export);
    writeln!(code, "assert embeddings.shape == (2, 64) and sorted(row_of) == ['P1', 'P2']")
        .unwrap();
    let mut command = Command::new(python);
    succeed(command.current_dir(folder.path()).arg("-c").arg(code));
}
