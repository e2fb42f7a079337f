//! F9, first half: a disk that is full, at every write of a job.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::store::{Shards, files, temporaries};
use super::{matrix, usable};
use crate::support::{Root, dyad, shown};
use crate::{rounds, seed};

const MIB: usize = 1 << 20;
const PAGE: usize = 4096;

#[test]
fn f9_a_full_disk_is_named_and_harms_nothing() {
    let test = "f9_a_full_disk_is_named_and_harms_nothing";
    let root = Root::new();
    let train = |place: &Path| -> Output {
        let mut command = root.train_into(dyad(), place);
        command.args(["--split=pairs", "--epochs=2", "--seal-seconds=0", "--token-budget=256"]);
        command.output().unwrap()
    };
    if !mountable(test) {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let reference = tempfile::tempdir().unwrap();
    assert_finished(&train(reference.path()));
    let (needed, reference) = (size(reference.path()), model(reference.path()));

    // The first writes are small files, a page or two each; then come checkpoints and the model.
    let mut rungs: Vec<usize> = (0..60).map(|pages| pages * PAGE).collect();
    rungs.extend((1..).map(|step| 60 * PAGE + step * MIB / 4).take_while(|free| *free < needed));
    rungs.shuffle(&mut random);
    rungs.truncate(rounds(12, rungs.len()));
    let (mut refused, mut fitted) = (0, 0);
    for free in &rungs {
        let disk = Tmpfs::new(4 * MIB * random.random_range(1..=16));
        let ballast = disk.leave(*free);
        let output = train(disk.path());
        if output.status.success() {
            fitted += 1;
        } else {
            refused += 1;
            assert_full(&output);
        }
        Shards::read(disk.path());
        fs::remove_file(ballast).unwrap();
        disk.grow();
        assert_finished(&train(disk.path()));
        assert!(model(disk.path()) == reference, "another model after {free} bytes were free");
        assert_eq!(temporaries(disk.path()), Vec::<PathBuf>::new());
    }
    matrix(
        "F9 full disk",
        &format!("{} jobs on 4 to 64 MiB with 0 to {} KiB free", rungs.len(), needed >> 10),
        &format!(
            "{refused} named the full disk, {fitted} fitted; 0 shards damaged; all reruns gave \
             the same model"
        ),
    );
}

#[test]
fn f9_a_log_on_a_full_disk_ends_nothing() {
    let (root, place) = (Root::new(), tempfile::tempdir().unwrap());
    let mut command = root.train_into(dyad(), place.path());
    command.args(["--split=pairs", "--epochs=1"]);
    command.stderr(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert_finished(&command.output().unwrap());
    matrix("F9 log", "1 job with its log on a full disk", "finished");
}

fn assert_full(output: &Output) {
    let shown = shown(output);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    let last = shown.trim_end().lines().last().unwrap_or_default();
    assert!(last.contains("PlatformError: cannot") && last.contains("space"), "{shown}");
    assert!(!shown.contains("panic"), "{shown}");
}

pub(super) fn assert_finished(output: &Output) {
    assert!(output.status.success(), "{}", shown(output));
}

/// The files of the model that a job has written below `place`, by name.
pub(super) fn model(place: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let out = place.join("out");
    let names = files(&out).into_iter().map(|path| path.strip_prefix(&out).unwrap().to_owned());
    let names = names.filter(|path| !path.starts_with("checkpoints"));
    names.map(|name| (name.clone(), fs::read(out.join(name)).unwrap())).collect()
}

fn size(folder: &Path) -> usize {
    files(folder).iter().map(|file| fs::metadata(file).unwrap().len() as usize).sum()
}

fn mountable(test: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let usable = usable(test, "mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs", path]);
    if usable {
        assert!(Command::new("umount").arg(path).status().unwrap().success());
    }
    usable
}

/// A file system of a given size in memory.
struct Tmpfs(TempDir);

impl Tmpfs {
    fn new(bytes: usize) -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.mount(&format!("size={bytes}"));
        disk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it but for `free` bytes, with the file that is returned.
    fn leave(&self, free: usize) -> PathBuf {
        let ballast = self.path().join("ballast");
        // Until it is full.
        let _ = fs::write(&ballast, vec![0; 65 * MIB]);
        let file = fs::OpenOptions::new().write(true).open(&ballast).unwrap();
        let full = file.metadata().unwrap().len();
        file.set_len(full.saturating_sub(free as u64)).unwrap();
        ballast
    }

    /// Gives it room for everything.
    fn grow(&self) {
        self.mount("remount,size=256m");
    }

    fn mount(&self, options: &str) {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.path());
        assert!(command.status().unwrap().success(), "{command:?}");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Nothing can be done if it fails; it holds a few megabytes.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
