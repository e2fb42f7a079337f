//! Running the binary, temporary roots, test data.

#[allow(dead_code, reason = "not every test names its encoder")]
pub(crate) mod hub;
pub(crate) mod job;
pub(crate) mod kill;
mod made_up;
#[allow(dead_code, unused_imports, reason = "only the fault matrix uses S3")]
pub(crate) mod s3;
mod trained;
pub(crate) mod uniprot;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dyad::sample;
use tempfile::TempDir;

pub(crate) use made_up::Root;
pub(crate) use trained::{EPOCHS, trained};

/// The shipped small encoder.
pub(crate) fn small_encoder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esm2_t6_tiny")
}

/// The binary, with nothing of the user's environment that it reads.
pub(crate) fn dyad() -> Command {
    isolated(Command::new(env!("CARGO_BIN_EXE_dyad")))
}

/// The binary run by another program, which gets `arguments` before it.
pub(crate) fn dyad_under(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(env!("CARGO_BIN_EXE_dyad"));
    isolated(command)
}

fn isolated(mut command: Command) -> Command {
    let ours = std::env::vars().filter(|(name, _)| {
        ["DYAD_", "HF_", "HUGGING_FACE_"].iter().any(|prefix| name.starts_with(prefix))
    });
    for (name, _) in ours {
        command.env_remove(name);
    }
    command
        .env("SAGEMAKER_BASE_DIR", "/nonexistent")
        .env("DYAD_PROGRESS", "none")
        .env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// What a command printed, for messages of failed tests.
pub(crate) fn shown(output: &Output) -> String {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    format!("{:?}\n{stdout}\n{stderr}", output.status)
}

/// Runs a command that must succeed, and gives its standard output and its log.
pub(crate) fn succeed(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", shown(&output));
    (text(&output.stdout), text(&output.stderr))
}

/// The text of bytes that should be text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A sample interactome in a folder of its own.
pub(crate) fn sample_folder(seed: u64, shuffled: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    sample::write(&sample::generate(&sample::Settings { seed, shuffled }), folder.path()).unwrap();
    folder
}

/// A file or folder of the real test data, or a printed reason to skip `test`.
pub(crate) fn real_data(test: &str, path: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");
    let base = std::env::var("DYAD_TEST_DATA").unwrap_or_else(|_| default.to_owned());
    let found = Path::new(&base).join("data").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {test}: no test data at {}", found.display());
    None
}
