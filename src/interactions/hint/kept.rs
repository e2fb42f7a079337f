//! Files of HINT that were fetched: write-once, each below its digest, on the disk and in the bucket.
//!
//! What was first fetched from an address is what the address means from then on: a small file with
//! that digest decides it, for all attempts and machines that share the place.

use std::path::{Path, PathBuf};

use tracing::{info, warn};

use super::{HintError, MAX_FILE};
use crate::digest::Digest;
use crate::storage::remote::Content;
use crate::storage::sync::{Remote, SharedFolder, without};
use crate::storage::{self, StorageError};

/// Below the folder of the cache.
const FOLDER: &str = "hint/v1";
/// Below the prefix of the bucket, beside the answers of `UniProt`.
const PREFIX: &str = "cache/hint/v1/";
/// The file with the digest of what was first fetched from an address.
const FIRST: &str = "sha256";
/// A digest has 64 characters.
const LONGEST_DIGEST: u64 = 80;

/// Where files of HINT are kept.
#[derive(Clone, Debug)]
pub struct KeptTables {
    folder: PathBuf,
    remote: Option<Remote>,
}

/// One file: where it is from, and which of all that this address ever gave.
struct Place<'a> {
    /// Names the folder of its address, which may be no name of a folder itself.
    address: String,
    digest: Digest,
    name: &'a str,
}

impl KeptTables {
    /// Files in the cache folder `cache`, shared through a bucket.
    pub fn new(cache: &Path, remote: Option<Remote>) -> Self {
        Self { folder: cache.join(FOLDER), remote }
    }

    /// The file `name` that was first fetched from `address`, if it can be had here or there.
    pub(super) fn find(&self, address: &str, name: &str) -> Result<Option<PathBuf>, HintError> {
        let address = short(address);
        let Some(text) = self.decision(&address).read(FIRST, LONGEST_DIGEST)? else {
            return Ok(None);
        };
        let Some(digest) = parsed(&text) else {
            warn!(address, "what was fetched from an address of HINT is not known any more");
            return Ok(None);
        };
        let place = Place { address, digest, name };
        let Some(bytes) = self.read_here(&place)? else { return self.fetch(&place) };
        self.offer(&place, &bytes)?;
        // What was decided on this disk while the bucket was away may have been decided there, too.
        let shared = self.decision(&place.address);
        let (_, first) = shared.create_once(FIRST, &text, LONGEST_DIGEST)?;
        match parsed(&first) {
            Some(digest) if digest != place.digest => {
                let place = Place { digest, ..place };
                match self.read_here(&place)? {
                    Some(_) => Ok(Some(self.path(&place))),
                    None => self.fetch(&place),
                }
            }
            _ => Ok(Some(self.path(&place))),
        }
    }

    /// Keeps what `address` gave. If another file was first, that one counts.
    pub(super) fn keep(
        &self,
        address: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<PathBuf, HintError> {
        let place = Place { address: short(address), digest: Digest::of(bytes), name };
        self.write(&place, bytes)?;
        self.upload(&place, bytes)?;
        let text = place.digest.to_string();
        let shared = self.decision(&place.address);
        let (_, first) = shared.create_once(FIRST, text.as_bytes(), LONGEST_DIGEST)?;
        if first != text.as_bytes() {
            if let Some(first) = self.find(address, name)? {
                return Ok(first);
            }
            warn!("`{address}` gives another file than before, and the earlier one is lost");
        }
        Ok(self.path(&place))
    }

    /// Where the digest of what was first fetched from an address lies.
    fn decision(&self, address: &str) -> SharedFolder {
        let remote = self.remote.clone().map(|remote| (remote, format!("{PREFIX}{address}/")));
        SharedFolder::new(self.folder.join(address), remote)
    }

    fn path(&self, place: &Place<'_>) -> PathBuf {
        self.folder.join(&place.address).join(place.digest.to_string()).join(place.name)
    }

    /// The intact file on the disk; one that is not what its digest says goes to quarantine.
    fn read_here(&self, place: &Place<'_>) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.path(place);
        match storage::read(&path, MAX_FILE) {
            Err(error) if error.is_absent() => return Ok(None),
            Ok(bytes) if Digest::of(&bytes) == place.digest => return Ok(Some(bytes)),
            _ => {}
        }
        warn!(file = %path.display(), "a damaged file of HINT moved to quarantine");
        let quarantine = self.folder.join("quarantine");
        storage::create_folder(&quarantine)?;
        storage::rename(&path, &quarantine.join(place.digest.to_string()))?;
        Ok(None)
    }

    /// The file of the bucket, kept here from now on.
    fn fetch(&self, place: &Place<'_>) -> Result<Option<PathBuf>, HintError> {
        let Some(remote) = &self.remote else { return Ok(None) };
        let bytes = match remote.objects().read(&place.key(), MAX_FILE) {
            Err(error) if error.is_transient() || error.is_absent() || error.is_too_large() => {
                without(&error, "a file of HINT in S3 is left out");
                return Ok(None);
            }
            bytes => bytes?,
        };
        if Digest::of(&bytes) != place.digest {
            warn!(file = place.key(), "a file of HINT in S3 is damaged and left out");
            return Ok(None);
        }
        self.write(place, &bytes)?;
        Ok(Some(self.path(place)))
    }

    /// Uploads a file that the bucket lacks.
    fn offer(&self, place: &Place<'_>, bytes: &[u8]) -> Result<(), HintError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        match remote.objects().read_start(&place.key(), 1) {
            Err(error) if error.is_absent() => {
                self.upload(place, bytes)?;
                info!("`{}` offered to S3", place.name);
                Ok(())
            }
            Err(error) if error.is_transient() => Ok(()),
            start => Ok(start.map(drop)?),
        }
    }

    fn write(&self, place: &Place<'_>, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.path(place);
        path.parent().map_or(Ok(()), storage::create_folder)?;
        storage::create_once(&path, bytes).map(drop)
    }

    /// What the bucket does not take stays on the disk and is offered again.
    fn upload(&self, place: &Place<'_>, bytes: &[u8]) -> Result<(), HintError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        match remote.objects().create(&place.key(), &Content::of(bytes)) {
            Err(error) if error.is_transient() => {
                without(&error, "a file of HINT is kept on this disk alone");
                Ok(())
            }
            created => Ok(created.map(drop)?),
        }
    }
}

impl Place<'_> {
    fn key(&self) -> String {
        format!("{PREFIX}{}/{}/{}", self.address, self.digest, self.name)
    }
}

fn short(address: &str) -> String {
    Digest::of(address.as_bytes()).short(16)
}

fn parsed(text: &[u8]) -> Option<Digest> {
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::storage::remote::{MemoryStore, ObjectStore as _};

    const ADDRESS: &str = "https://hint.example.org/2024-06/HomoSapiens_binary_hq.txt";
    const NAME: &str = "HomoSapiens_binary_hq.txt";

    fn machine(store: &Arc<MemoryStore>) -> (tempfile::TempDir, KeptTables) {
        let folder = tempfile::tempdir().unwrap();
        let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
        let kept = KeptTables::new(folder.path(), Some(remote));
        (folder, kept)
    }

    fn bytes(path: Option<PathBuf>) -> Option<Vec<u8>> {
        path.map(|path| storage::read(&path, 99).unwrap())
    }

    #[test]
    fn the_first_file_of_an_address_counts_on_all_machines() {
        let store = Arc::new(MemoryStore::default());
        let ((_a, one), (_b, other)) = (machine(&store), machine(&store));
        assert_eq!(one.find(ADDRESS, NAME).unwrap(), None);
        let path = one.keep(ADDRESS, NAME, b"one").unwrap();
        assert!(path.ends_with(NAME));
        let second = other.keep(ADDRESS, NAME, b"another release").unwrap();
        assert_eq!(bytes(Some(second)).unwrap(), b"one");
        assert_eq!(other.find("https://hint.example.org/other.txt", NAME).unwrap(), None);
        // A new machine has it from the bucket, and later from its disk.
        let (_c, third) = machine(&store);
        assert_eq!(bytes(third.find(ADDRESS, NAME).unwrap()).unwrap(), b"one");
        store.fail_next(usize::MAX);
        assert_eq!(bytes(third.find(ADDRESS, NAME).unwrap()).unwrap(), b"one");
    }

    #[test]
    fn what_the_bucket_lacks_is_offered_again() {
        let store = Arc::new(MemoryStore::default());
        let (folder, kept) = machine(&store);
        KeptTables::new(folder.path(), None).keep(ADDRESS, NAME, b"one").unwrap();
        kept.find(ADDRESS, NAME).unwrap();
        let (_b, other) = machine(&store);
        assert_eq!(bytes(other.find(ADDRESS, NAME).unwrap()).unwrap(), b"one");
    }

    #[test]
    fn a_decision_that_did_not_reach_the_bucket_is_made_there_later() {
        let store = Arc::new(MemoryStore::default());
        let ((_a, one), (_b, other)) = (machine(&store), machine(&store));
        one.keep(ADDRESS, NAME, b"one").unwrap();
        let key = store.keys().into_iter().find(|key| key.ends_with(FIRST)).unwrap();
        store.remove(&key).unwrap();
        one.find(ADDRESS, NAME).unwrap();
        let second = other.keep(ADDRESS, NAME, b"another release").unwrap();
        assert_eq!(bytes(Some(second)).unwrap(), b"one");
    }

    #[test]
    fn damage_is_never_read() {
        let store = Arc::new(MemoryStore::default());
        let (folder, kept) = machine(&store);
        let path = kept.keep(ADDRESS, NAME, b"one").unwrap();
        storage::write_atomic(&path, b"two").unwrap();
        assert_eq!(bytes(kept.find(ADDRESS, NAME).unwrap()).unwrap(), b"one", "of the bucket");
        assert_eq!(storage::list(&folder.path().join(FOLDER).join("quarantine")).unwrap().len(), 1);
        let (_b, other) = machine(&store);
        let key = store.keys().into_iter().find(|key| key.ends_with(NAME)).unwrap();
        store.damage(&key);
        assert_eq!(other.find(ADDRESS, NAME).unwrap(), None);
        let again = other.keep(ADDRESS, NAME, b"one").unwrap();
        assert_eq!(bytes(Some(again)).unwrap(), b"one", "fetched again");
    }
}
