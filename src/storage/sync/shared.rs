//! Small write-once files that attempts and machines share: locally, and in S3 where there is one.

use std::path::PathBuf;

use super::{Remote, unless_away};
use crate::storage::remote::{Content, Put, RemoteError};
use crate::storage::{self, Created, StorageError};

/// A shared file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The local one.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The one in S3.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// What a listing covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Everything.
    All,
    /// This machine: S3 did not answer.
    Local,
}

/// A folder of write-once files. S3, where it can be reached, decides who was first.
#[derive(Clone, Debug)]
pub struct SharedFolder {
    folder: PathBuf,
    remote: Option<(Remote, String)>,
}

impl SharedFolder {
    /// The local `folder`, shared as the objects under a key prefix that ends in `/`.
    pub fn new(folder: PathBuf, remote: Option<(Remote, String)>) -> Self {
        Self { folder, remote }
    }

    /// Writes `bytes` under `name` unless somebody was faster. Gives what is there then, at most
    /// `limit` bytes, and whether it is new. What was decided here while S3 was away is offered to
    /// it in the place of `bytes`.
    pub fn create_once(
        &self,
        name: &str,
        bytes: &[u8],
        limit: u64,
    ) -> Result<(Created, Vec<u8>), SharedError> {
        storage::create_folder(&self.folder)?;
        if let Some((remote, prefix)) = &self.remote {
            let key = format!("{prefix}{name}");
            let decided = self.local(name, limit)?;
            let here = if decided.is_some() { Created::Existed } else { Created::New };
            let offered = decided.unwrap_or_else(|| bytes.to_vec());
            let created = remote.objects().create(&key, &Content::of(&offered));
            let first = created.and_then(|put| match put {
                Put::New | Put::Same => Ok((here, offered)),
                Put::Other => Ok((Created::Existed, remote.objects().read(&key, limit)?)),
            });
            if let Some((created, winner)) = self.unless_away(first)? {
                self.keep(name, &winner, limit)?;
                return Ok((created, winner));
            }
        }
        let path = self.folder.join(name);
        match storage::create_once(&path, bytes)? {
            Created::New => Ok((Created::New, bytes.to_vec())),
            Created::Existed => Ok((Created::Existed, storage::read(&path, limit)?)),
        }
    }

    /// The content of a file, at most `limit` bytes, if there is one.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SharedError> {
        if let Some((remote, prefix)) = &self.remote {
            match remote.objects().read(&format!("{prefix}{name}"), limit) {
                Err(error) if error.is_absent() => {}
                there => {
                    if let Some(bytes) = self.unless_away(there)? {
                        self.keep(name, &bytes, limit)?;
                        return Ok(Some(bytes));
                    }
                }
            }
        }
        Ok(self.local(name, limit)?)
    }

    /// Where a file lies, for people: in S3 and here.
    pub fn places(&self, name: &str) -> String {
        let here = format!("`{}`", self.folder.join(name).display());
        match &self.remote {
            Some((remote, prefix)) => {
                let there = remote.objects().place();
                format!("`{there}{prefix}{name}` (and its copy {here})")
            }
            None => here,
        }
    }

    fn local(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        match storage::read(&self.folder.join(name), limit) {
            Err(error) if error.is_absent() => Ok(None),
            bytes => bytes.map(Some),
        }
    }

    /// The names of all files, here and there, sorted; and whether those in S3 are among them.
    pub fn names(&self) -> Result<(Vec<String>, Seen), SharedError> {
        let mut names = storage::list(&self.folder)?;
        let mut seen = Seen::All;
        if let Some((remote, prefix)) = &self.remote {
            match self.unless_away(remote.objects().list(prefix))? {
                Some(there) => names.extend(there.objects.into_iter().map(|object| object.name)),
                None => seen = Seen::Local,
            }
        }
        names.sort();
        names.dedup();
        Ok((names, seen))
    }

    /// Keeps a local copy of what S3 holds.
    fn keep(&self, name: &str, bytes: &[u8], limit: u64) -> Result<(), StorageError> {
        let path = self.folder.join(name);
        match storage::read(&path, limit) {
            Ok(there) if there == bytes => Ok(()),
            _ => storage::create_folder(&self.folder)
                .and_then(|()| storage::write_atomic(&path, bytes)),
        }
    }

    /// A server that does not answer is gone without: what was decided locally holds until then.
    fn unless_away<T>(&self, result: Result<T, RemoteError>) -> Result<Option<T>, RemoteError> {
        unless_away(result, &format!("going on without S3, from `{}`", self.folder.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::storage::remote::MemoryStore;

    fn folders(store: &Arc<MemoryStore>) -> [(tempfile::TempDir, SharedFolder); 2] {
        [(); 2].map(|()| {
            let folder = tempfile::tempdir().unwrap();
            let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
            let shared =
                SharedFolder::new(folder.path().join("run"), Some((remote, "run/".into())));
            (folder, shared)
        })
    }

    #[test]
    fn the_first_writer_wins_on_all_machines() {
        let store = Arc::new(MemoryStore::default());
        let [(_a, one), (_b, other)] = folders(&store);
        assert_eq!(one.read("pin.json", 9).unwrap(), None);
        assert_eq!(
            one.create_once("pin.json", b"one", 9).unwrap(),
            (Created::New, b"one".to_vec())
        );
        let second = other.create_once("pin.json", b"other", 9).unwrap();
        assert_eq!(second, (Created::Existed, b"one".to_vec()));
        assert_eq!(other.read("pin.json", 9).unwrap(), Some(b"one".to_vec()));
        assert_eq!(other.names().unwrap(), (vec!["pin.json".to_owned()], Seen::All));
        // What was decided alone is what the others get.
        let alone = SharedFolder::new(one.folder.clone(), None);
        alone.create_once("plan.json", b"alone", 9).unwrap();
        let offered = one.create_once("plan.json", b"later", 9).unwrap();
        assert_eq!(offered, (Created::Existed, b"alone".to_vec()));
        assert_eq!(other.read("plan.json", 9).unwrap(), Some(b"alone".to_vec()));
        // The local copies serve while S3 is away.
        store.fail_next(usize::MAX);
        assert_eq!(other.read("pin.json", 9).unwrap(), Some(b"one".to_vec()));
        assert_eq!(other.names().unwrap().1, Seen::Local);
    }

    #[test]
    fn denied_is_an_error_and_not_absent() {
        let store = Arc::new(MemoryStore::default());
        let [(_a, one), _] = folders(&store);
        store.deny("run/pin.json");
        assert!(matches!(one.read("pin.json", 9), Err(SharedError::Remote(_))));
        assert!(matches!(one.create_once("pin.json", b"1", 9), Err(SharedError::Remote(_))));
    }
}
