//! What waits to be uploaded, and in which order it goes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::uploader::UploadWatcher;
use crate::digest::Digest;

/// A file to upload.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The object's key below the prefix.
    pub key: String,
    /// The file, which is not changed any more; one that is gone was superseded.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub digest: Digest,
    /// When its turn is.
    pub rank: Rank,
    /// Asked before, told after.
    pub watcher: Option<Arc<dyn UploadWatcher>>,
}

/// The order of uploads: checkpoints before shards, for they carry the work of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The state of a run after so many steps; an older one that still waits is dropped.
    Checkpoint(u64),
    /// A shard of embeddings, or a file of a finished model: in the order in which they came.
    Shard,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    checkpoint: Option<Upload>,
    shards: VecDeque<Upload>,
    /// Shard bytes that wait or are being sent.
    unsent: u64,
}

impl Queue {
    pub(super) fn push(&mut self, upload: Upload) {
        match (upload.rank, &self.checkpoint) {
            (Rank::Checkpoint(new), Some(Upload { rank: Rank::Checkpoint(waiting), .. }))
                if new < *waiting => {}
            (Rank::Checkpoint(_), _) => self.checkpoint = Some(upload),
            (Rank::Shard, _) => {
                self.unsent += upload.bytes;
                self.shards.push_back(upload);
            }
        }
    }

    /// Puts a shard back that was popped; its bytes still count.
    pub(super) fn push_front(&mut self, shard: Upload) {
        self.shards.push_front(shard);
    }

    pub(super) fn pop(&mut self) -> Option<Upload> {
        self.checkpoint.take().or_else(|| self.shards.pop_front())
    }

    /// Counts a shard as sent, or as given up.
    pub(super) fn done(&mut self, upload: &Upload) {
        if upload.rank == Rank::Shard {
            self.unsent -= upload.bytes;
        }
    }

    /// Whether a checkpoint waits.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Files that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shards.len() + usize::from(self.checkpoint.is_some())
    }

    /// Shard bytes that are not in S3 yet.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(rank: Rank, key: &str) -> Upload {
        Upload {
            key: key.to_owned(),
            path: PathBuf::from(key),
            bytes: 10,
            digest: Digest::of(key.as_bytes()),
            rank,
            watcher: None,
        }
    }

    #[test]
    fn the_newest_checkpoint_goes_first_and_shards_go_in_order() {
        let mut queue = Queue::default();
        queue.push(upload(Rank::Shard, "one"));
        queue.push(upload(Rank::Checkpoint(10), "ten"));
        queue.push(upload(Rank::Shard, "two"));
        queue.push(upload(Rank::Checkpoint(20), "twenty"));
        queue.push(upload(Rank::Checkpoint(15), "late"));
        assert_eq!((queue.waiting(), queue.unsent()), (3, 20));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|upload| upload.key).collect();
        assert_eq!(order, ["twenty", "one", "two"]);
        assert_eq!(queue.unsent(), 20, "being sent is not sent");
        queue.done(&upload(Rank::Shard, "one"));
        assert_eq!(queue.unsent(), 10);
    }
}
