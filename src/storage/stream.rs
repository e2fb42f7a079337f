//! Files written piece by piece, for results that do not fit into memory.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{Context, StorageError, Temporary, sync_folder_of};

/// Lets `fill` write `path`, replacing what was there; the file appears complete and flushed once
/// `fill` has succeeded, or not at all.
pub fn write_stream<E: From<StorageError>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let mut failure = None;
    let written = Temporary::create(path, |file| {
        fill(file).map_err(|error| {
            failure = Some(error);
            io::Error::other("what was to be written failed")
        })
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    fs::rename(&written?.path, path).context("write", path)?;
    Ok(sync_folder_of(path)?)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;
    use crate::storage::{list, read};

    #[test]
    fn a_file_that_was_not_finished_never_appears() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let stop = || io::Error::other("enough");
        let failed: Result<(), StorageError> = write_stream(&path, |file| {
            file.write_all(b"half").context("write", &path)?;
            Err(stop()).context("read", Path::new("b"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "cannot read `b`: enough");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let written: Result<(), StorageError> = write_stream(&path, |file| {
            file.write_all(b"one").and_then(|()| file.seek(SeekFrom::Start(1))).unwrap();
            file.write_all(b"w").context("write", &path)
        });
        written.unwrap();
        assert_eq!(read(&path, 9).unwrap(), b"owe");
        assert_eq!(list(folder.path()).unwrap(), ["a.npy"]);
    }
}
