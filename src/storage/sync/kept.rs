//! Files that are fetched elsewhere and kept: written once under a name that their content decides,
//! on the disk and in the bucket that shares them.

use std::path::{Path, PathBuf};

use tracing::warn;

use super::{Remote, SharedError, unless_away, without};
use crate::storage::remote::Content;
use crate::storage::{self, StorageError};

/// A folder of such files, and the objects that share it.
///
/// What a name promises of the content is for callers to verify; a file that breaks the promise is
/// never given out, and may be had again from elsewhere.
#[derive(Clone, Debug)]
pub struct KeptFiles {
    folder: PathBuf,
    remote: Option<Remote>,
    kind: Kind,
}

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What one is called in messages, with its article.
    pub name: &'static str,
    /// Where they lie in the bucket, with a slash at the end.
    pub prefix: &'static str,
    /// The most bytes that one may have.
    pub limit: u64,
}

impl KeptFiles {
    /// Files of a kind in `folder`, shared through a bucket.
    pub fn new(folder: PathBuf, remote: Option<Remote>, kind: Kind) -> Self {
        Self { folder, remote, kind }
    }

    /// Where they lie on the disk.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bucket, if there is one.
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Where a file lies on the disk, or would.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Keeps a file here and there.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), SharedError> {
        self.write(name, bytes)?;
        self.upload(name, bytes)
    }

    /// What `verify` makes of a file on the disk. One that it rejects goes to quarantine.
    pub fn read_here<T>(
        &self,
        name: &str,
        verify: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, StorageError> {
        let path = self.path(name);
        let problem = match storage::read(&path, self.kind.limit) {
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => error.to_string(),
            Ok(bytes) => match verify(&bytes) {
                Ok(content) => return Ok(Some(content)),
                Err(problem) => problem,
            },
        };
        warn!(file = %path.display(), problem, "{} is damaged: moved to quarantine", self.kind.name);
        let quarantine = self.folder.join("quarantine");
        storage::create_folder(&quarantine)?;
        storage::rename(&path, &quarantine.join(name.replace('/', "-")))?;
        Ok(None)
    }

    /// What `verify` makes of a file of the bucket, which is kept here from now on.
    pub fn fetch<T>(
        &self,
        name: &str,
        verify: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, SharedError> {
        let Some(remote) = &self.remote else { return Ok(None) };
        let bytes = match remote.objects().read(&self.key(name), self.kind.limit) {
            Err(error) if error.is_transient() || error.is_absent() || error.is_too_large() => {
                without(&error, &format!("{} in S3 is left out", self.kind.name));
                return Ok(None);
            }
            bytes => bytes?,
        };
        match verify(&bytes) {
            Ok(content) => {
                self.write(name, &bytes)?;
                Ok(Some(content))
            }
            Err(problem) => {
                warn!(name, problem, "{} in S3 is damaged and left out", self.kind.name);
                Ok(None)
            }
        }
    }

    /// Whether there is a bucket that has no such file; one that does not answer is not said to.
    pub fn is_lacking(&self, name: &str) -> Result<bool, SharedError> {
        let Some(remote) = &self.remote else { return Ok(false) };
        match remote.objects().read_start(&self.key(name), 1) {
            Err(error) if error.is_absent() => Ok(true),
            Err(error) if error.is_transient() => Ok(false),
            start => Ok(start.map(|_| false)?),
        }
    }

    /// Uploads a file of the disk; false if it is not there any more.
    pub fn offer(&self, name: &str) -> Result<bool, SharedError> {
        let Ok(bytes) = storage::read(&self.path(name), self.kind.limit) else { return Ok(false) };
        self.upload(name, &bytes).map(|()| true)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.path(name);
        path.parent().map_or(Ok(()), storage::create_folder)?;
        storage::create_once(&path, bytes).map(drop)
    }

    /// What the bucket does not take stays on the disk and is offered again.
    fn upload(&self, name: &str, bytes: &[u8]) -> Result<(), SharedError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let created = remote.objects().create(&self.key(name), &Content::of(bytes));
        let consequence = format!("{} stays on this disk for now", self.kind.name);
        Ok(unless_away(created, &consequence).map(drop)?)
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.kind.prefix)
    }
}
