//! Where results of a command go: files that can be written, standard output.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::failure::Failure;
use crate::storage::{Context as _, probe_writable};

/// The file that `--out` names, if it is given, after proving that it can be written: hours of
/// work should not end in a folder that is not there.
pub(super) fn file(matches: &ArgMatches) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = matches.get_one::<PathBuf>("out") else { return Ok(None) };
    if path.is_dir() {
        let text = format!("`--out` `{}` is a folder: give the name of a file", path.display());
        return Err(Failure::usage(text));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    probe_writable(folder.unwrap_or(Path::new(".")))?;
    Ok(Some(path.clone()))
}

/// Prints a result; a reader that has read enough, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written.context("write", Path::new("standard output"))?),
    }
}
