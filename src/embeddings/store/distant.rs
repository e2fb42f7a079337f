//! The bucket's side of the store: what lies there, fetching it, uploading to it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::{
    EmbeddingStore, MAX_SHARD_BYTES, MAX_SPACE_BYTES, SEAL_ROWS, SPACE, StoreError, file_name,
    shard, shard_name,
};
use crate::digest::Digest;
use crate::shutdown::Shutdown;
use crate::storage;
use crate::storage::remote::{Content, Listing, Object, RemoteError};
use crate::storage::sync::{Rank, Remote, Upload, unless_away, without};

/// Bytes that hold the header and the keys of every shard of ours.
const INDEX_BYTES: u64 = (64 << 10) + 32 * SEAL_ROWS as u64;
/// The bucket is listed again after the time in which two shards are sealed.
const LIST_EVERY_SEALS: u32 = 2;
/// How long the pin of a run waits for the shards it names.
const UPLOAD_WAIT: Duration = Duration::from_mins(1);
/// Indexes read at a time,
const PARALLEL_INDEXES: usize = 32;
/// and whole shards: each is in memory while it is verified.
const PARALLEL_SHARDS: usize = 4;

/// What shards are fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Any rows of the same sequences would do: without an answer they are computed.
    Rows,
    /// These and no others: without an answer there is no going on.
    SameBits,
}

impl EmbeddingStore {
    /// The key of a part of the store; folders end in `/`.
    pub(super) fn key(&self, part: &str) -> String {
        let space = self.space.id();
        match part {
            "" => format!("cache/v1/{space}/"),
            part => format!("cache/v1/{space}/{part}/"),
        }
    }

    /// The same in the bucket. The description is read also where it is new: so a job learns that
    /// it may not read before it has anything to read.
    pub(super) fn describe_distant(&self, ours: &[u8]) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let (objects, key) = (remote.objects(), self.key("") + SPACE);
        let created = objects.create(&key, &Content::of(ours));
        let there = created.and_then(|_| objects.read(&key, MAX_SPACE_BYTES));
        match unless_away(there, "the embedding space is not compared with the one in S3")? {
            Some(there) if there != ours => {
                Err(StoreError::ForeignSpace(format!("{}{key}", objects.place())))
            }
            _ => Ok(()),
        }
    }

    /// Learns which rows lie in the bucket, and gives the number of shards that are new there.
    /// While it does not answer, only what is in the folder counts.
    pub(super) fn discover(&mut self) -> Result<usize, StoreError> {
        let Some(remote) = self.remote.clone() else { return Ok(0) };
        match remote.objects().list(&self.key("shards")) {
            Err(error) if error.is_transient() => {
                without(&error, "embeddings in S3 are left out: what is missing here is computed");
                Ok(0)
            }
            listing => Ok(self.learn(&remote, listing?)),
        }
    }

    /// Learns what lies in the shards of a listing that are not known yet; how many those are.
    fn learn(&mut self, remote: &Remote, listing: Listing) -> usize {
        let named = |object: Object| Some((shard_name(&object.name)?, object.bytes));
        let there: Vec<_> = listing.objects.into_iter().filter_map(named).collect();
        let known = |name: &Digest| self.index.knows(name) || self.unusable.contains(name);
        let unknown: Vec<_> = there.iter().filter(|(name, _)| !known(name)).copied().collect();
        let indexes = in_parallel(PARALLEL_INDEXES, &unknown, |(name, bytes)| {
            self.distant_index(remote, name, *bytes)
        });
        let mut new = 0;
        for ((name, _), index) in unknown.iter().zip(indexes) {
            match index {
                Ok(keys) => {
                    self.index.add(*name, keys);
                    new += 1;
                }
                Err(problem) => {
                    warn!(shard = %name, problem, "a shard in S3 is left out");
                    self.unusable.insert(*name);
                }
            }
        }
        self.distant.extend(there.iter().map(|(name, _)| *name));
        new
    }

    /// The keys of a shard in the bucket, by its first bytes. They are verified only against
    /// themselves; the whole shard is, before a value is used.
    fn distant_index(
        &self,
        remote: &Remote,
        name: &Digest,
        bytes: u64,
    ) -> Result<Vec<Digest>, String> {
        let key = self.key("shards") + &file_name(name);
        let start = || {
            let start = remote.objects().read_start(&key, INDEX_BYTES.min(bytes));
            start.map_err(|error| error.to_string())
        };
        // A second reading tells damage of the object from damage on the way, which nothing else
        // detects in a part of it.
        shard::keys_at_start(&start()?, bytes, &self.space)
            .or_else(|_| shard::keys_at_start(&start()?, bytes, &self.space))
    }

    /// Brings the shards that hold `keys` into the folder. Rows that cannot be had count as absent
    /// from now on.
    pub fn fetch(&mut self, keys: &[Digest]) -> Result<(), StoreError> {
        let known = |store: &Self| keys.iter().filter(|key| store.contains(key)).count();
        let before = known(self);
        self.fetch_once(keys)?;
        if known(self) < before {
            // What was removed since it was listed lies in another shard.
            self.look_again()?;
            self.fetch_once(keys)?;
        }
        Ok(())
    }

    fn fetch_once(&mut self, keys: &[Digest]) -> Result<(), StoreError> {
        let shards = keys.iter().filter_map(|key| self.index.get(key)).map(|(shard, _)| shard);
        let shards: BTreeSet<_> = shards.filter(|shard| !self.local.contains(shard)).collect();
        self.fetch_shards(&shards.into_iter().collect::<Vec<_>>(), Need::Rows)
    }

    /// Brings shards into the folder that are not there yet.
    pub(super) fn fetch_shards(&mut self, shards: &[Digest], need: Need) -> Result<(), StoreError> {
        let Some(remote) = self.remote.clone() else { return Ok(()) };
        let missing: Vec<_> =
            shards.iter().filter(|name| !self.local.contains(*name)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (count, place) = (missing.len(), remote.objects().place().to_owned());
        info!("fetching {count} shard(s) of embeddings from `{place}`");
        let folder = self.key("shards");
        for part in missing.chunks(PARALLEL_SHARDS) {
            if remote.is_stopping() {
                return Err(StoreError::Stopped);
            }
            let bodies = in_parallel(PARALLEL_SHARDS, part, |name| {
                let key = format!("{folder}{}", file_name(name));
                let body = remote.objects().read(&key, MAX_SHARD_BYTES)?;
                match Digest::of(&body) == *name {
                    true => Ok(body),
                    // Damaged on the way, or there.
                    false => remote.objects().read(&key, MAX_SHARD_BYTES),
                }
            });
            for (name, body) in part.iter().zip(bodies) {
                match body {
                    Err(error) if error.is_no_answer() && need == Need::SameBits => {
                        return Err(error.into());
                    }
                    body => self.keep_fetched(name, body)?,
                }
            }
        }
        Ok(())
    }

    fn keep_fetched(
        &mut self,
        name: &Digest,
        body: Result<Vec<u8>, RemoteError>,
    ) -> Result<(), StoreError> {
        let problem = match body {
            Ok(bytes) => match self.keep(name, &bytes)? {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            },
            Err(error) if error.is_no_answer() => {
                without(&error, "a shard in S3 cannot be had; its rows are computed again");
                self.index.forget(name);
                return Ok(());
            }
            Err(error) if error.is_transient() || error.is_absent() => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        warn!(shard = %name, problem, "a shard in S3 cannot be used; its rows are computed again");
        self.index.forget(name);
        self.unusable.insert(*name);
        Ok(())
    }

    /// Whether other machines may be at work on the same embeddings.
    pub(in crate::embeddings) fn is_shared(&self) -> bool {
        self.remote.is_some()
    }

    /// From time to time, finds out what other machines have added to this space. The device waits
    /// meanwhile: a server that takes no uploads is not asked, and another only once.
    pub(in crate::embeddings) fn look_for_others(&mut self) -> Result<(), StoreError> {
        let Some(remote) = self.remote.clone() else { return Ok(()) };
        let due = self.listed_at.elapsed() >= self.seal_age * LIST_EVERY_SEALS;
        if due && remote.uploader().away_since().is_none() {
            self.listed_at = Instant::now();
            // What was computed is safe before anything is waited for.
            self.seal()?;
            match remote.hasty_objects().list(&self.key("shards")) {
                Ok(listing) => {
                    self.learn(&remote, listing);
                }
                Err(error) => debug!(%error, "not looked for others"),
            }
        }
        Ok(())
    }

    /// Has every shard uploaded that the bucket lacks.
    pub(super) fn upload_what_is_new(&self) {
        let Some(remote) = &self.remote else { return };
        let new: Vec<_> = self.local.difference(&self.distant).copied().collect();
        let (known, here) = (self.distant.len(), self.local.len());
        info!(
            "embeddings in `{}`: {known} shard(s), fetched when needed; here {here}, of which {} are to \
             be uploaded",
            remote.objects().place(),
            new.len()
        );
        for name in new {
            // A file that is gone again has nothing to upload.
            if let Ok(bytes) = storage::length(&self.shard_path(&name)) {
                self.upload(name, bytes);
            }
        }
    }

    /// Has one shard uploaded.
    pub(super) fn upload(&self, name: Digest, bytes: u64) {
        let Some(remote) = &self.remote else { return };
        remote.uploader().submit(Upload {
            key: self.key("shards") + &file_name(&name),
            path: self.shard_path(&name),
            bytes,
            digest: name,
            rank: Rank::Shard,
            watcher: None,
        });
    }

    /// Waits until what was sealed is uploaded; for a minute at most, and not while stopping.
    pub(in crate::embeddings) fn wait_for_uploads(&self, shutdown: &Shutdown) {
        let Some(remote) = &self.remote else { return };
        let end = Instant::now() + UPLOAD_WAIT;
        remote.uploader().drain(|| Some(shutdown.since().unwrap_or(end)));
    }

    /// Waits while more embeddings than should be lost with the disk are not uploaded yet.
    pub(in crate::embeddings) fn wait_for_room(&self, stop: &AtomicBool) {
        if let Some(remote) = &self.remote {
            remote.uploader().wait_for_room(stop);
        }
    }
}

/// The results of `work` on each item, in their order, on `threads` threads.
pub(super) fn in_parallel<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(position) else { return };
                    let result = work(item);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((position, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests;
