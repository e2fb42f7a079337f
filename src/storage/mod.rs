//! The one place that writes: atomic files, write-once files, removal.
//!
//! A file appears under its final name complete and flushed to disk, or not at all. The temporary
//! name ends in `.sagemaker-ignore`, which the platform's checkpoint synchronisation skips.
#![expect(clippy::disallowed_methods, reason = "every other module writes through this one")]

mod files;
mod free;
mod header;
mod lines;
mod map;
mod markers;
pub mod remote;
mod scratch;
mod stream;
pub mod sync;
mod temporary;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Hasher};
use files::open_text;
pub use files::{SourceFile, gunzip, source_files};
pub use free::{FreeSpace, free_space};
pub use header::check_tensor_header;
pub use lines::{Lines, TextError};
pub use map::{MappedFile, map};
pub use markers::{Markers, markers};
pub use scratch::ScratchFolder;
pub use stream::write_stream;
use temporary::Temporary;
pub(crate) use temporary::is_being_written;

/// Ending of names that the platform neither copies to S3 nor brings back.
pub const TEMPORARY_SUFFIX: &str = ".sagemaker-ignore";

const COPY_BUFFER: usize = 1 << 20;

/// A failed operation on a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {}", path.display(), reason(source))]
pub struct StorageError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl StorageError {
    /// Whether the file or folder does not exist.
    pub fn is_absent(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Names the action and the path of an I/O error.
pub trait Context<T> {
    /// Says that `action` on `path` failed.
    fn context(self, action: &'static str, path: &Path) -> Result<T, StorageError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StorageError> {
        self.map_err(|source| StorageError { action, path: path.to_owned(), source })
    }
}

/// What an I/O error says, for the middle of a sentence and without the system's number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(characters)
        .collect()
}

/// What became of a write-once file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was absent and is now ours.
    New,
    /// Somebody had written it before; nothing was changed.
    Existed,
}

/// Writes `bytes` to `path`, replacing what was there: temporary file, flush, rename, flush of the
/// folder.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let temporary = Temporary::write(path, bytes)?;
    fs::rename(&temporary.path, path).context("write", path)?;
    sync_folder_of(path)
}

/// Writes `bytes` to `path` unless a file is there already.
pub fn create_once(path: &Path, bytes: &[u8]) -> Result<Created, StorageError> {
    let temporary = Temporary::write(path, bytes)?;
    match fs::hard_link(&temporary.path, path) {
        Ok(()) => sync_folder_of(path).map(|()| Created::New),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Existed),
        Err(error) => Err(error).context("create", path),
    }
}

/// Copies a file of any size and returns the digest of what was written.
pub fn copy(from: &Path, to: &Path) -> Result<Digest, StorageError> {
    let mut source = File::open(from).context("read", from)?;
    let mut hasher = Hasher::default();
    let temporary = Temporary::create(to, |file| {
        let mut buffer = vec![0; COPY_BUFFER];
        loop {
            let length = source.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            hasher.update(&buffer[..length]);
            file.write_all(&buffer[..length])?;
        }
    })?;
    fs::rename(&temporary.path, to).context("write", to)?;
    sync_folder_of(to)?;
    Ok(hasher.finish())
}

/// The whole content of a file, at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, StorageError> {
    let file = File::open(path).context("read", path)?;
    let length = file.metadata().context("read", path)?.len();
    let too_long =
        |text| Err(io::Error::new(io::ErrorKind::InvalidData, text)).context("read", path);
    if length > limit {
        return too_long(format!("it has {length} bytes, more than the {limit} allowed"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).context("read", path)?;
    // Pipes do not tell their length, and files may grow.
    match bytes.len() as u64 > limit {
        true => too_long(format!("it has more than the {limit} bytes allowed")),
        false => Ok(bytes),
    }
}

/// The SHA-256 of a file of any size.
pub fn digest(path: &Path) -> Result<Digest, StorageError> {
    let mut hasher = Hasher::default();
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hasher));
    copied.context("read", path).map(|_| hasher.finish())
}

/// The size of a file in bytes.
pub fn length(path: &Path) -> Result<u64, StorageError> {
    fs::metadata(path).map(|metadata| metadata.len()).context("read", path)
}

/// Makes a folder and its parents, each flushed to disk: a file is as lasting as the folders above
/// it.
pub fn create_folder(path: &Path) -> Result<(), StorageError> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        .collect();
    fs::create_dir_all(path).context("create the folder", path)?;
    missing.into_iter().rev().try_for_each(sync_folder_of)
}

/// Makes a folder where missing, removes what killed processes left there, and proves that files
/// can be written.
pub fn probe_writable(folder: &Path) -> Result<(), StorageError> {
    create_folder(folder)?;
    remove_temporaries(folder)?;
    Temporary::write(&folder.join("probe"), b"dyad").map(drop)
}

/// Removes a file; one that is already gone is fine.
pub fn remove(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", path),
        _ => Ok(()),
    }
}

/// Moves a file inside one file system.
pub fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).context("rename", from)?;
    sync_folder_of(to)
}

/// The plain files of a folder by name; links, folders and the platform's marker files are left
/// out, and a folder that does not exist is empty.
pub fn list(folder: &Path) -> Result<Vec<String>, StorageError> {
    list_entries(folder, |kind| kind.is_file())
}

/// The folders in a folder by name; links are left out, and a folder that does not exist is empty.
pub fn list_folders(folder: &Path) -> Result<Vec<String>, StorageError> {
    list_entries(folder, |kind| kind.is_dir())
}

fn list_entries(
    folder: &Path,
    wanted: impl Fn(fs::FileType) -> bool,
) -> Result<Vec<String>, StorageError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context("list", folder)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.context("list", folder)?;
        let wanted = wanted(entry.file_type().context("list", &entry.path())?);
        match entry.file_name().into_string() {
            Ok(name) if wanted && !name.contains(".sagemaker-") => names.push(name),
            _ => {}
        }
    }
    names.sort();
    Ok(names)
}

/// Removes the temporary files that killed processes left in `folder`; those that a process is
/// writing at the moment stay.
pub fn remove_temporaries(folder: &Path) -> Result<(), StorageError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.context("list", folder)?.path();
        if path.to_string_lossy().ends_with(TEMPORARY_SUFFIX) {
            temporary::remove_abandoned(&path)?;
        }
    }
    Ok(())
}

fn sync_folder_of(path: &Path) -> Result<(), StorageError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).context("flush", folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_complete_and_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"two");
        assert_eq!(list(folder.path()).unwrap(), ["a.json"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_longer_than_allowed_is_an_error_and_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).is_err());
        // It has no length of its own.
        assert!(read(Path::new("/dev/zero"), 100).is_err());
    }

    #[test]
    fn write_once_files_keep_the_first_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("space.json");
        assert_eq!(create_once(&path, b"first").unwrap(), Created::New);
        assert_eq!(create_once(&path, b"second").unwrap(), Created::Existed);
        assert_eq!(read(&path, 10).unwrap(), b"first");
    }

    #[test]
    fn marker_files_links_and_leftovers_are_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_atomic(&path("b"), b"").unwrap();
        fs::write(path("b.sagemaker-uploaded"), b"").unwrap();
        fs::write(path("c.1-2.sagemaker-ignore"), b"").unwrap();
        std::os::unix::fs::symlink(path("b"), path("link")).unwrap();
        assert_eq!(list(folder.path()).unwrap(), ["b"]);
        remove_temporaries(folder.path()).unwrap();
        assert!(!path("c.1-2.sagemaker-ignore").exists());
        assert!(path("b.sagemaker-uploaded").exists(), "markers are the platform's");
    }

    #[test]
    fn errors_name_the_action_and_the_path() {
        let error = read(Path::new("/nowhere/at/all"), 1).unwrap_err();
        let text = error.to_string();
        assert_eq!(text, "cannot read `/nowhere/at/all`: no such file or directory");
    }
}
