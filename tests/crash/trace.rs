//! What a run did to its files, in order, as `strace` saw it; and C9, that the order is right.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use super::store::files;
use super::{matrix, usable};
use crate::support::{Root, dyad_under, shown};

/// A file, by the order of its creation; it keeps its number under any name.
pub(super) type FileNumber = usize;

/// A change that a run made. Only changes of folder entries carry paths.
#[derive(Debug)]
pub(super) enum Change {
    Create(FileNumber, PathBuf),
    /// Bytes at the end of a file.
    Write(FileNumber, Vec<u8>),
    Flush(FileNumber),
    /// Another name for a file.
    Link(FileNumber, PathBuf),
    Rename(FileNumber, PathBuf, PathBuf),
    Remove(PathBuf),
    MakeFolder(PathBuf),
    FlushFolder(PathBuf),
}

/// All changes below a folder, by one run or several.
pub(super) struct Trace {
    root: PathBuf,
    pub(super) changes: Vec<Change>,
    names: HashMap<PathBuf, FileNumber>,
    created: FileNumber,
}

/// What a file descriptor stands for.
enum Handle {
    File(FileNumber),
    Folder(PathBuf),
}

const CALLS: &str = "trace=openat,open,creat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,\
                     renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,ftruncate";

impl Trace {
    /// The changes that two jobs make below `place`, of which the second continues the first; or
    /// nothing, with a printed reason, where `strace` cannot be used.
    pub(super) fn of_two_jobs(test: &str, root: &Root, place: &Path) -> Option<Self> {
        if !usable(test, "strace", &["-f", "true"]) {
            return None;
        }
        let mut trace = Self {
            root: place.canonicalize().unwrap(),
            changes: Vec::new(),
            names: HashMap::new(),
            created: 0,
        };
        for epochs in [3, EPOCHS] {
            let log = tempfile::NamedTempFile::new().unwrap();
            let path = log.path().to_str().unwrap();
            let arguments =
                ["-f", "-xx", "-s", "67108864", "-e", "signal=none", "-e", CALLS, "-o", path];
            let mut command = job(root, dyad_under("strace", &arguments), &trace.root);
            let output = command.arg(format!("--epochs={epochs}")).output().unwrap();
            assert!(output.status.success(), "{}", shown(&output));
            trace.read(&fs::read_to_string(path).unwrap());
        }
        Some(trace)
    }

    /// Every content a file under a final name has had, with that name.
    pub(super) fn committed(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut contents: BTreeMap<FileNumber, Vec<u8>> = BTreeMap::new();
        let mut committed = Vec::new();
        for change in &self.changes {
            match change {
                Change::Write(file, bytes) => contents.entry(*file).or_default().extend(bytes),
                Change::Link(file, to) | Change::Rename(file, _, to) => {
                    committed.push((to.clone(), contents.get(file).cloned().unwrap_or_default()));
                }
                _ => {}
            }
        }
        committed
    }

    fn read(&mut self, log: &str) {
        let whole = Regex::new(r"^\d+ +(\w+)\((.*)\) += (-?\d+)").unwrap();
        let begun = Regex::new(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$").unwrap();
        let ended = Regex::new(r"^(\d+) +<\.\.\. \w+ resumed>(.*)\) += (-?\d+)").unwrap();
        let mut pending: HashMap<String, (String, String)> = HashMap::new();
        let mut handles = HashMap::new();
        for line in log.lines() {
            if let Some(call) = whole.captures(line) {
                self.call(&mut handles, &call[1], &call[2], &call[3]);
            } else if let Some(call) = begun.captures(line) {
                pending.insert(call[1].to_owned(), (call[2].to_owned(), call[3].to_owned()));
            } else if let Some(rest) = ended.captures(line) {
                let (name, first) = pending.remove(&rest[1]).unwrap();
                self.call(&mut handles, &name, &format!("{first}{}", &rest[2]), &rest[3]);
            }
        }
    }

    fn call(
        &mut self,
        handles: &mut HashMap<i64, Handle>,
        name: &str,
        arguments: &str,
        result: &str,
    ) {
        let result: i64 = result.parse().unwrap();
        if result < 0 {
            return;
        }
        let texts = texts(arguments);
        let paths: Vec<PathBuf> =
            texts.iter().map(|text| String::from_utf8_lossy(text).into_owned().into()).collect();
        let number = || arguments.split(',').next().unwrap().parse::<i64>().unwrap();
        let inside = paths.iter().any(|path| path.starts_with(&self.root));
        match name {
            "openat" | "open" | "creat" => {
                drop(handles.remove(&result));
                if inside {
                    let handle = self.open(&paths[0], arguments);
                    handles.insert(result, handle);
                }
            }
            "write" => {
                if let Some(Handle::File(file)) = handles.get(&number()) {
                    self.changes.push(Change::Write(*file, texts[0][..result as usize].to_vec()));
                }
            }
            "fsync" | "fdatasync" => match handles.get(&number()) {
                Some(Handle::File(file)) => self.changes.push(Change::Flush(*file)),
                Some(Handle::Folder(path)) => self.changes.push(Change::FlushFolder(path.clone())),
                None => {}
            },
            _ if !inside => {}
            "link" | "linkat" => {
                let file = self.names[&paths[0]];
                self.names.insert(paths[1].clone(), file);
                self.changes.push(Change::Link(file, paths[1].clone()));
            }
            "rename" | "renameat" | "renameat2" => {
                let file = self.names.remove(&paths[0]).unwrap();
                self.names.insert(paths[1].clone(), file);
                self.changes.push(Change::Rename(file, paths[0].clone(), paths[1].clone()));
            }
            "unlink" | "unlinkat" => {
                self.names.remove(&paths[0]);
                self.changes.push(Change::Remove(paths[0].clone()));
            }
            "mkdir" | "mkdirat" => self.changes.push(Change::MakeFolder(paths[0].clone())),
            other => {
                unreachable!("a run calls `{other}`, which the model of the disk does not know")
            }
        }
    }

    fn open(&mut self, path: &Path, arguments: &str) -> Handle {
        if arguments.contains("O_CREAT") {
            assert!(arguments.contains("O_EXCL"), "`{}` was opened, not made", path.display());
            let file = self.created;
            self.created += 1;
            self.names.insert(path.to_owned(), file);
            self.changes.push(Change::Create(file, path.to_owned()));
            return Handle::File(file);
        }
        assert!(arguments.contains("O_RDONLY"), "`{}` is changed in place", path.display());
        match self.names.get(path) {
            Some(file) => Handle::File(*file),
            None => Handle::Folder(path.to_owned()),
        }
    }
}

/// Epochs of the second job.
const EPOCHS: usize = 6;

/// The traced job, its epochs left open: small, with a shard per unit.
fn job(root: &Root, command: Command, place: &Path) -> Command {
    let mut command = root.train_into(command, place);
    command.args(["--split=pairs", "--hidden-sizes=16,8", "--seal-seconds=0", "--token-budget=96"]);
    command.arg("--checkpoint-seconds=0");
    command
}

/// What continues after the traced jobs, with the same result as the second of them.
pub(super) fn continued(root: &Root, place: &Path) -> Command {
    let mut command = job(root, crate::support::dyad(), place);
    command.arg(format!("--epochs={EPOCHS}"));
    command
}

/// The texts among the arguments of a call, which `strace` writes in hexadecimal.
fn texts(arguments: &str) -> Vec<Vec<u8>> {
    let text = |quoted: &str| -> Vec<u8> {
        let bytes = quoted.split(r"\x").skip(1);
        bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    };
    arguments.split('"').skip(1).step_by(2).map(text).collect()
}

#[test]
fn c9_every_file_is_written_flushed_named_and_flushed_in_its_folder() {
    let test = "c9_every_file_is_written_flushed_named_and_flushed_in_its_folder";
    let (root, place) = (Root::new(), tempfile::tempdir().unwrap());
    let Some(trace) = Trace::of_two_jobs(test, &root, place.path()) else { return };
    let mut flushed: BTreeMap<FileNumber, bool> = BTreeMap::new();
    let mut unsafe_names: Vec<PathBuf> = Vec::new();
    let mut named = 0;
    for change in &trace.changes {
        match change {
            Change::Create(file, path) => {
                let unfinished = path.to_string_lossy().ends_with(".sagemaker-ignore");
                assert!(unfinished, "`{}` begins under its final name", path.display());
                flushed.insert(*file, false);
            }
            Change::Write(file, _) => drop(flushed.insert(*file, false)),
            Change::Flush(file) => drop(flushed.insert(*file, true)),
            Change::Link(file, to) | Change::Rename(file, _, to) => {
                assert!(flushed[file], "`{}` was named before it was flushed", to.display());
                unsafe_names.push(to.clone());
                named += 1;
            }
            Change::FlushFolder(path) => {
                unsafe_names.retain(|name| name.parent() != Some(path));
            }
            Change::MakeFolder(path) => unsafe_names.push(path.clone()),
            Change::Remove(path) => {
                let old = !path.to_string_lossy().ends_with(".sagemaker-ignore");
                let newer = unsafe_names.iter().any(|name| name.parent() == path.parent());
                assert!(!(old && newer), "`{}` went before its successor", path.display());
            }
        }
    }
    assert_eq!(unsafe_names, Vec::<PathBuf>::new(), "names that no flush made last");
    let kinds = ["shards", "plans", "attempts", "checkpoints/runs", "out"];
    let names: Vec<_> = trace.committed().into_iter().map(|(name, _)| name).collect();
    for kind in kinds {
        let below = |name: &PathBuf| name.to_string_lossy().contains(&format!("/{kind}/"));
        assert!(names.iter().any(below), "the trace has no file of `{kind}`");
    }
    assert!(files(place.path()).iter().all(|file| names.contains(file)), "a file was not seen");
    matrix(
        "C9",
        &format!("{named} files in {} changes of two jobs", trace.changes.len()),
        "each written, flushed, named, its folder flushed, in this order",
    );
}
