//! A local folder behind the same trait, for commands that treat both alike.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Body, Content, Listing, Object, ObjectStore, Problem, Put, RemoteError};
use crate::storage::{self, Context, Created, StorageError, TEMPORARY_SUFFIX};

/// The files below a folder as objects. Links are neither listed nor followed by name.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    place: String,
}

impl Folder {
    /// The files below `root`, which need not exist.
    pub fn new(root: &Path) -> Self {
        let shown = root.display().to_string();
        Self { root: root.to_owned(), place: format!("{}/", shown.trim_end_matches('/')) }
    }

    fn failed(&self, action: &'static str, key: &str, error: StorageError) -> RemoteError {
        let problem = match error.source.kind() {
            io::ErrorKind::NotFound => Problem::Absent,
            _ => Problem::Local(error),
        };
        RemoteError { action, uri: format!("{}{key}", self.place), problem }
    }
}

impl ObjectStore for Folder {
    fn place(&self) -> &str {
        &self.place
    }

    fn list(&self, folder: &str) -> Result<Listing, RemoteError> {
        let mut listing = Listing { at: Some(SystemTime::now()), ..Listing::default() };
        let listed = entries(&self.root.join(folder), &mut listing);
        listed.map_err(|error| self.failed("listing", folder, error)).map(|()| listing)
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        let read = storage::read(&self.root.join(key), limit);
        read.map_err(|error| match error.source.kind() {
            io::ErrorKind::InvalidData => {
                let uri = format!("{}{key}", self.place);
                RemoteError { action: "reading", uri, problem: Problem::TooLarge(limit) }
            }
            _ => self.failed("reading", key, error),
        })
    }

    fn read_range(&self, key: &str, start: u64, length: u64) -> Result<Vec<u8>, RemoteError> {
        let path = self.root.join(key);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|mut file| file.seek(SeekFrom::Start(start)).map(|_| file))
            .and_then(|file| file.take(length).read_to_end(&mut bytes))
            .context("read", &path)
            .map_err(|error| self.failed("reading", key, error))?;
        Ok(bytes)
    }

    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError> {
        let path = self.root.join(key);
        let create = || {
            let read;
            let bytes = match content.body {
                Body::Bytes(bytes) => bytes,
                Body::File(source) => {
                    read = storage::read(source, content.bytes)?;
                    &read
                }
            };
            path.parent().map_or(Ok(()), storage::create_folder)?;
            match storage::create_once(&path, bytes)? {
                Created::New => Ok(Put::New),
                Created::Existed
                    if storage::read(&path, content.bytes).is_ok_and(|b| b == bytes) =>
                {
                    Ok(Put::Same)
                }
                Created::Existed => Ok(Put::Other),
            }
        };
        create().map_err(|error| self.failed("writing", key, error))
    }

    /// A temporary file that a process is writing at the moment stays.
    fn remove(&self, key: &str) -> Result<(), RemoteError> {
        let path = self.root.join(key);
        if key.ends_with(TEMPORARY_SUFFIX) && storage::is_being_written(&path) {
            return Ok(());
        }
        storage::remove(&path).map_err(|error| self.failed("removing", key, error))
    }
}

/// Adds the plain files and the folders of `folder`; one that does not exist is empty.
fn entries(folder: &Path, listing: &mut Listing) -> Result<(), StorageError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.context("list", folder)?,
    };
    for entry in entries {
        let entry = entry.context("list", folder)?;
        let kind = entry.file_type().context("list", folder)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if kind.is_dir() {
            listing.folders.push(name);
        } else if kind.is_file() {
            let metadata = match entry.metadata() {
                // Removed since the folder was opened.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata.context("list", folder)?,
            };
            let modified = metadata.modified().context("list", folder)?;
            listing.objects.push(Object { name, bytes: metadata.len(), modified });
        }
    }
    listing.objects.sort_by(|one, other| one.name.cmp(&other.name));
    listing.folders.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_behaves_as_a_bucket_does() {
        let root = tempfile::tempdir().unwrap();
        let store = Folder::new(&root.path().join("not yet"));
        assert_eq!(store.list("a/").unwrap().objects, []);
        assert!(store.read("a/b", 9).unwrap_err().is_absent());
        assert_eq!(store.create("a/b", &Content::of(b"one")).unwrap(), Put::New);
        assert_eq!(store.create("a/b", &Content::of(b"one")).unwrap(), Put::Same);
        assert_eq!(store.create("a/b", &Content::of(b"longer")).unwrap(), Put::Other);
        assert_eq!(store.read("a/b", 9).unwrap(), b"one");
        assert_eq!(store.read_start("a/b", 2).unwrap(), b"on");
        assert_eq!(store.read_range("a/b", 1, 9).unwrap(), b"ne");
        assert!(store.read("a/b", 2).unwrap_err().is_too_large());

        let listing = store.list("a/").unwrap();
        assert_eq!((listing.objects[0].name.as_str(), listing.objects[0].bytes), ("b", 3));
        assert!(listing.objects[0].modified <= listing.at.unwrap());
        assert_eq!(store.list("").unwrap().folders, ["a"]);
        store.remove("a/b").unwrap();
        store.remove("a/b").unwrap();
        assert!(store.read("a/b", 9).unwrap_err().is_absent());
    }

    #[test]
    fn links_are_not_listed_and_errors_name_the_file() {
        let root = tempfile::tempdir().unwrap();
        let store = Folder::new(root.path());
        store.create("a", &Content::of(b"one")).unwrap();
        std::os::unix::fs::symlink(root.path().join("a"), root.path().join("b")).unwrap();
        let names: Vec<_> = store.list("").unwrap().objects.into_iter().map(|o| o.name).collect();
        assert_eq!(names, ["a"]);
        let error = store.create("a/c", &Content::of(b"one")).unwrap_err();
        assert!(matches!(error.problem, Problem::Local(_)), "{error}");
        assert_eq!(error.uri, format!("{}/a/c", root.path().display()));
    }
}
