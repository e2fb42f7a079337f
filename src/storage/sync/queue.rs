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
    /// The state of a training after so many steps; an older one of the same folder that still
    /// waits is dropped.
    Checkpoint(u64),
    /// A shard of embeddings, or a file of a finished model: in the order in which they came.
    Shard,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// One per folder: the newest state of each training.
    checkpoints: VecDeque<Upload>,
    shards: VecDeque<Upload>,
    /// Shard bytes that wait or are being sent.
    unsent: u64,
}

impl Queue {
    pub(super) fn push(&mut self, upload: Upload) {
        let Rank::Checkpoint(step) = upload.rank else {
            self.unsent += upload.bytes;
            self.shards.push_back(upload);
            return;
        };
        let mut waiting = self.checkpoints.iter_mut();
        match waiting.find(|waiting| folder(waiting) == folder(&upload)) {
            Some(waiting) if waiting.rank.is_after(step) => {}
            Some(waiting) => *waiting = upload,
            None => self.checkpoints.push_back(upload),
        }
    }

    /// Puts a shard back that was popped; its bytes still count.
    pub(super) fn push_front(&mut self, shard: Upload) {
        self.shards.push_front(shard);
    }

    pub(super) fn pop(&mut self) -> Option<Upload> {
        self.checkpoints.pop_front().or_else(|| self.shards.pop_front())
    }

    /// Counts a shard as sent, or as given up.
    pub(super) fn done(&mut self, upload: &Upload) {
        if upload.rank == Rank::Shard {
            self.unsent -= upload.bytes;
        }
    }

    /// Whether something waits that is not to wait for another attempt of `upload`: any checkpoint
    /// for a shard, a newer one of the same folder for a checkpoint.
    pub(super) fn overtakes(&self, upload: &Upload) -> bool {
        let mut checkpoints = self.checkpoints.iter();
        match upload.rank {
            Rank::Shard => !self.checkpoints.is_empty(),
            Rank::Checkpoint(_) => checkpoints.any(|waiting| folder(waiting) == folder(upload)),
        }
    }

    /// Files that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shards.len() + self.checkpoints.len()
    }

    /// Shard bytes that are not in S3 yet.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent
    }
}

impl Rank {
    /// Whether this is a checkpoint of a later step.
    fn is_after(self, step: u64) -> bool {
        matches!(self, Self::Checkpoint(own) if own > step)
    }
}

/// The key up to the name of the file.
fn folder(upload: &Upload) -> &str {
    upload.key.rsplit_once('/').map_or("", |(folder, _)| folder)
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

    #[test]
    fn the_last_checkpoint_of_a_training_does_not_give_way_to_the_first_of_another() {
        let mut queue = Queue::default();
        queue.push(upload(Rank::Checkpoint(20), "first/ckpt/20"));
        queue.push(upload(Rank::Checkpoint(1), "second/ckpt/1"));
        queue.push(upload(Rank::Checkpoint(2), "second/ckpt/2"));
        assert!(queue.overtakes(&upload(Rank::Shard, "shard")));
        assert!(queue.overtakes(&upload(Rank::Checkpoint(19), "first/ckpt/19")));
        assert!(!queue.overtakes(&upload(Rank::Checkpoint(9), "third/ckpt/9")));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|upload| upload.key).collect();
        assert_eq!(order, ["first/ckpt/20", "second/ckpt/2"]);
    }
}
