//! An object store in memory that fails on demand, for unit tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::{Body, Content, Listing, Object, ObjectStore, Problem, Put, RemoteError};

/// Objects in memory, with faults.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    modified: BTreeMap<String, SystemTime>,
    now: Duration,
    denied: BTreeSet<String>,
    damaged: BTreeSet<String>,
    failures: usize,
    attempts: usize,
}

impl State {
    fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now
    }

    fn insert(&mut self, key: &str, bytes: Vec<u8>) {
        self.objects.insert(key.to_owned(), bytes);
        self.modified.insert(key.to_owned(), self.time());
    }
}

impl MemoryStore {
    /// Lets the next `count` operations fail as a busy server would.
    pub(crate) fn fail_next(&self, count: usize) {
        self.0.lock().unwrap().failures = count;
    }

    /// Denies everything on a key, or an action everywhere.
    pub(crate) fn deny(&self, key: &str) {
        self.0.lock().unwrap().denied.insert(key.to_owned());
    }

    /// Damages an object: its checksum is not that of its content any more.
    pub(crate) fn damage(&self, key: &str) {
        self.0.lock().unwrap().damaged.insert(key.to_owned());
    }

    /// Operations asked for so far.
    pub(crate) fn attempts(&self) -> usize {
        self.0.lock().unwrap().attempts
    }

    /// Puts bytes under a key, whatever was there.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.0.lock().unwrap().insert(key, bytes.to_vec());
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: Duration) {
        self.0.lock().unwrap().now += time;
    }

    /// All keys.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().objects.keys().cloned().collect()
    }

    fn on<T>(
        &self,
        action: &'static str,
        key: &str,
        run: impl FnOnce(&mut State) -> Result<T, Problem>,
    ) -> Result<T, RemoteError> {
        let mut state = self.0.lock().unwrap();
        state.attempts += 1;
        let result = if state.denied.contains(key) || state.denied.contains(action) {
            Err(Problem::Denied { action, said: String::new(), statement: String::new() })
        } else if state.failures > 0 {
            state.failures -= 1;
            Err(Problem::Transient("503 SlowDown".to_owned()))
        } else if state.damaged.contains(key) {
            Err(Problem::Damaged("body checksum mismatch".to_owned()))
        } else {
            run(&mut state)
        };
        result.map_err(|problem| RemoteError { action, uri: key.to_owned(), problem })
    }
}

impl ObjectStore for MemoryStore {
    fn place(&self) -> &'static str {
        "s3://memory/"
    }

    fn list(&self, folder: &str) -> Result<Listing, RemoteError> {
        self.on("s3:ListBucket", folder, |state| {
            let mut listing = Listing { at: Some(state.time()), ..Listing::default() };
            for (key, bytes) in &state.objects {
                let Some(name) = key.strip_prefix(folder) else { continue };
                match name.split_once('/') {
                    None => listing.objects.push(Object {
                        name: name.to_owned(),
                        bytes: bytes.len() as u64,
                        modified: state.modified[key],
                    }),
                    Some((inner, _)) => listing.folders.push(inner.to_owned()),
                }
            }
            listing.folders.dedup();
            Ok(listing)
        })
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        self.on("s3:GetObject", key, |state| match state.objects.get(key) {
            Some(bytes) if bytes.len() as u64 > limit => Err(Problem::TooLarge(limit)),
            Some(bytes) => Ok(bytes.clone()),
            None => Err(Problem::Absent),
        })
    }

    fn read_range(&self, key: &str, start: u64, length: u64) -> Result<Vec<u8>, RemoteError> {
        self.on("s3:GetObject", key, |state| {
            let bytes = state.objects.get(key).ok_or(Problem::Absent)?;
            let bytes = bytes.iter().skip(start as usize).take(length as usize);
            Ok(bytes.copied().collect())
        })
    }

    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError> {
        self.on("s3:PutObject", key, |state| {
            let bytes = match content.body {
                Body::Bytes(bytes) => bytes.to_vec(),
                Body::File(path) => fs::read(path).unwrap(),
            };
            match state.objects.get(key) {
                Some(there) if *there == bytes => Ok(Put::Same),
                Some(_) => Ok(Put::Other),
                None => {
                    state.insert(key, bytes);
                    Ok(Put::New)
                }
            }
        })
    }

    fn remove(&self, key: &str) -> Result<(), RemoteError> {
        self.on("s3:DeleteObject", key, |state| {
            state.objects.remove(key);
            Ok(())
        })
    }
}
