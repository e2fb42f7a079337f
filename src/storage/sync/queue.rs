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

/// The order of uploads: checkpoints before shards, for they carry the work of a whole run, and last
/// what costs no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The state of a training after so many steps; an older one of the same folder that still
    /// waits is dropped.
    Checkpoint(u64),
    /// A shard of embeddings, or a file of a finished model: in the order in which they came.
    Shard,
    /// A large file that can be had elsewhere: one at a time, and nobody waits for room because of
    /// it.
    Spare,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// One per folder: the newest state of each training.
    checkpoints: VecDeque<Upload>,
    shards: VecDeque<Upload>,
    spares: VecDeque<Upload>,
    /// Whether a spare is being sent.
    sends_spare: bool,
    /// Shard bytes that wait or are being sent.
    unsent: u64,
}

impl Queue {
    pub(super) fn push(&mut self, upload: Upload) {
        match upload.rank {
            Rank::Checkpoint(step) => self.push_checkpoint(upload, step),
            Rank::Shard => {
                self.unsent += upload.bytes;
                self.shards.push_back(upload);
            }
            Rank::Spare => self.spares.push_back(upload),
        }
    }

    /// A newer one takes the place of the one of its folder that waits.
    fn push_checkpoint(&mut self, upload: Upload, step: u64) {
        let mut waiting = self.checkpoints.iter_mut();
        match waiting.find(|waiting| folder(waiting) == folder(&upload)) {
            Some(waiting) if waiting.rank.is_after(step) => {}
            Some(waiting) => *waiting = upload,
            None => self.checkpoints.push_back(upload),
        }
    }

    /// Puts back what was popped, unless it is a checkpoint; the bytes of a shard still count.
    pub(super) fn push_front(&mut self, upload: Upload) {
        match upload.rank {
            Rank::Spare => {
                self.sends_spare = false;
                self.spares.push_front(upload);
            }
            _ => self.shards.push_front(upload),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Upload> {
        let urgent = self.checkpoints.pop_front().or_else(|| self.shards.pop_front());
        if urgent.is_some() || self.sends_spare {
            return urgent;
        }
        let spare = self.spares.pop_front();
        self.sends_spare = spare.is_some();
        spare
    }

    /// Counts a shard or spare as sent, or as given up.
    pub(super) fn done(&mut self, upload: &Upload) {
        match upload.rank {
            Rank::Shard => self.unsent -= upload.bytes,
            Rank::Spare => self.sends_spare = false,
            Rank::Checkpoint(_) => {}
        }
    }

    /// Whether something waits that is not to wait for another attempt of `upload`: any checkpoint
    /// for a shard or a spare, a newer one of the same folder for a checkpoint.
    pub(super) fn overtakes(&self, upload: &Upload) -> bool {
        let mut checkpoints = self.checkpoints.iter();
        match upload.rank {
            Rank::Shard | Rank::Spare => !self.checkpoints.is_empty(),
            Rank::Checkpoint(_) => checkpoints.any(|waiting| folder(waiting) == folder(upload)),
        }
    }

    /// Files that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shards.len() + self.spares.len() + self.checkpoints.len()
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

    #[test]
    fn spares_go_last_and_one_at_a_time() {
        let mut queue = Queue::default();
        ["one", "two"].into_iter().for_each(|key| queue.push(upload(Rank::Spare, key)));
        queue.push(upload(Rank::Shard, "shard"));
        assert_eq!((queue.waiting(), queue.unsent()), (3, 10));
        let mut popped = || queue.pop().map(|upload| upload.key);
        assert_eq!(
            [popped(), popped(), popped()],
            [Some("shard".into()), Some("one".into()), None]
        );
        queue.push_front(upload(Rank::Spare, "one"));
        assert_eq!(queue.pop().unwrap().key, "one", "one that made room goes on first");
        queue.done(&upload(Rank::Spare, "one"));
        assert_eq!(queue.pop().unwrap().key, "two");
    }
}
