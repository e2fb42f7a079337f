//! Files of HINT that were fetched: write-once, each below its digest, on the disk and in the bucket.
//!
//! What was first fetched from an address is what the address means from then on: a small file with
//! that digest decides it, for all attempts and machines that share the place.

use std::path::{Path, PathBuf};

use tracing::{info, warn};

use super::HintError;
use crate::digest::Digest;
use crate::storage::StorageError;
use crate::storage::sync::{KeptFiles, KeptKind, Remote, SharedFolder};

/// Below the folder of the cache.
const FOLDER: &str = "hint/v1";
/// Below the prefix of the bucket, beside the answers of `UniProt`.
const PREFIX: &str = "cache/hint/v1/";
/// The file with the digest of what was first fetched from an address.
const FIRST: &str = "sha256";
/// A digest has 64 characters.
const LONGEST_DIGEST: u64 = 80;

/// The largest file has some 20 MB.
const TABLE: KeptKind = KeptKind { name: "a file of HINT", prefix: PREFIX, limit: super::MAX_FILE };

/// Where files of HINT are kept.
#[derive(Clone, Debug)]
pub struct KeptTables(KeptFiles);

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
        Self(KeptFiles::new(cache.join(FOLDER), remote, TABLE))
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
        if !self.is_here(&place)? {
            return self.fetched(&place);
        }
        if self.0.is_lacking(&place.path())? && self.0.offer(&place.path())? {
            info!("`{name}` offered to S3");
        }
        // What was decided on this disk while the bucket was away may have been decided there, too.
        let shared = self.decision(&place.address);
        let (_, first) = shared.create_once(FIRST, &text, LONGEST_DIGEST)?;
        match parsed(&first) {
            Some(digest) if digest != place.digest => {
                let place = Place { digest, ..place };
                match self.is_here(&place)? {
                    true => Ok(Some(self.0.path(&place.path()))),
                    false => self.fetched(&place),
                }
            }
            _ => Ok(Some(self.0.path(&place.path()))),
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
        self.0.keep(&place.path(), bytes)?;
        let text = place.digest.to_string();
        let shared = self.decision(&place.address);
        let (_, first) = shared.create_once(FIRST, text.as_bytes(), LONGEST_DIGEST)?;
        if first != text.as_bytes() {
            if let Some(first) = self.find(address, name)? {
                return Ok(first);
            }
            warn!("`{address}` gives another file than before, and the earlier one is lost");
        }
        Ok(self.0.path(&place.path()))
    }

    /// Where the digest of what was first fetched from an address lies.
    fn decision(&self, address: &str) -> SharedFolder {
        let remote = self.0.remote().cloned();
        let remote = remote.map(|remote| (remote, format!("{PREFIX}{address}/")));
        SharedFolder::new(self.0.folder().join(address), remote)
    }

    /// Whether the file is on the disk, intact.
    fn is_here(&self, place: &Place<'_>) -> Result<bool, StorageError> {
        Ok(self.0.read_here(&place.path(), |bytes| place.verify(bytes))?.is_some())
    }

    /// The file of the bucket, kept here from now on.
    fn fetched(&self, place: &Place<'_>) -> Result<Option<PathBuf>, HintError> {
        let fetched = self.0.fetch(&place.path(), |bytes| place.verify(bytes))?;
        Ok(fetched.map(|()| self.0.path(&place.path())))
    }
}

impl Place<'_> {
    /// Below the folder, and below the prefix of the bucket.
    fn path(&self) -> String {
        format!("{}/{}/{}", self.address, self.digest, self.name)
    }

    fn verify(&self, bytes: &[u8]) -> Result<(), String> {
        match Digest::of(bytes) == self.digest {
            true => Ok(()),
            false => Err("its SHA-256 is not its name".to_owned()),
        }
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
    use crate::storage;
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
