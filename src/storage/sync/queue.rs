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
    /// The state of a run after so many steps; an older one that still waits is dropped.
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
    checkpoint: Option<Upload>,
    shards: VecDeque<Upload>,
    spares: VecDeque<Upload>,
    /// Whether a spare is being sent.
    sends_spare: bool,
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
            (Rank::Spare, _) => self.spares.push_back(upload),
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
        let urgent = self.checkpoint.take().or_else(|| self.shards.pop_front());
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

    /// Whether a checkpoint waits.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Files that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shards.len() + self.spares.len() + usize::from(self.checkpoint.is_some())
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
