//! A simulated SageMaker root with made-up inputs that train in a moment.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{dyad, small_encoder};

/// Proteins in the made-up interactome.
const PROTEINS: usize = 40;
/// Partners of each: 240 pairs, enough for `split=pairs` and too few for `split=proteins`.
const PARTNERS: usize = 6;
const RESIDUES: usize = 30;

/// `input/data` with the channels `interactions`, `sequences` and `encoder`, and no config files.
pub(crate) struct Root(TempDir);

impl Root {
    pub(crate) fn new() -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        root.write("interactions/pairs.tsv", pairs());
        root.write("sequences/proteins.fasta", fasta());
        symlink(small_encoder(), root.channel("encoder")).unwrap();
        root
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path below `input/data`.
    pub(crate) fn channel(&self, path: &str) -> PathBuf {
        self.path().join("input/data").join(path)
    }

    /// Writes a file below `input/data`.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.channel(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file below `input/config`.
    pub(crate) fn configure(&self, name: &str, content: &str) {
        let folder = self.path().join("input/config");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }

    /// Replaces the encoder by a folder of its own with copies of the small one's files, to spoil.
    pub(crate) fn own_encoder(&self) -> PathBuf {
        let folder = self.channel("encoder");
        fs::remove_file(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        for name in ["config.json", "vocab.txt", "model.safetensors"] {
            fs::copy(small_encoder().join(name), folder.join(name)).unwrap();
        }
        folder
    }

    /// The binary as the platform starts it.
    pub(crate) fn job(&self) -> Command {
        self.inside(dyad())
    }

    /// A command that finds this root.
    pub(crate) fn inside(&self, mut command: Command) -> Command {
        command.env("SAGEMAKER_BASE_DIR", self.path());
        command
    }

    /// `dyad train` on the same inputs, given as paths.
    pub(crate) fn by_paths(&self) -> Command {
        self.train_into(dyad(), self.path())
    }

    /// The same, by `command`, with its results in the folder `place`.
    pub(crate) fn train_into(&self, mut command: Command, place: &Path) -> Command {
        command.arg("train");
        let channels = [
            "interactions",
            "sequences",
            "encoder",
            "validation",
            "test",
            "known_interactions",
            "clusters",
        ];
        for channel in channels.into_iter().filter(|channel| self.channel(channel).exists()) {
            let option = format!("--{}", channel.replace('_', "-"));
            command.arg(option).arg(self.channel(channel));
        }
        command.arg("--out").arg(place.join("out"));
        command.arg("--cache").arg(place.join("cache"));
        command
    }

    /// The content of the failure file, if there is one.
    pub(crate) fn failure(&self) -> Option<String> {
        fs::read_to_string(self.path().join("output/failure")).ok()
    }
}

fn name(protein: usize) -> String {
    format!("P{:05}", protein % PROTEINS)
}

fn pairs() -> String {
    let mut text = String::from("protein_a\tprotein_b\n");
    for one in 0..PROTEINS {
        for step in 1..=PARTNERS {
            writeln!(text, "{}\t{}", name(one), name(one + step)).unwrap();
        }
    }
    text
}

fn fasta() -> String {
    let mut text = String::new();
    let mut state: u32 = 1;
    let mut residue = || {
        // Numerical Recipes' generator, whose upper bits will do.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b"ACDEFGHIKLMNPQRSTVWY"[(state >> 16) as usize % 20])
    };
    for protein in 0..PROTEINS {
        let residues: String = (0..RESIDUES).map(|_| residue()).collect();
        writeln!(text, ">{}\n{residues}", name(protein)).unwrap();
    }
    text
}
