//! Objects in a bucket, below one prefix: the little of S3 that Dyad uses.
//!
//! Nothing is ever overwritten: an object is created once or not at all, and its presence is the
//! commit. What a name stands for is verified by its reader, never taken from the listing.

mod folder;
#[cfg(test)]
mod memory;
pub mod price_list;
mod retry;
mod s3;
mod uri;

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use super::StorageError;
use crate::digest::Digest;
pub use folder::Folder;
#[cfg(test)]
pub(crate) use memory::MemoryStore;
pub use retry::{Backoff, Patience, Retrying};
pub use s3::{Access, S3Store};
pub use uri::{S3Uri, S3UriError};

/// Objects below one prefix. Keys are relative to it; each call is one attempt, and blocks.
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// The prefix as people write it, such as `s3://bucket/prefix/`.
    fn place(&self) -> &str;

    /// The objects directly below `folder` (which ends in `/` or is empty) in the order of their
    /// names, and the folders in it.
    fn list(&self, folder: &str) -> Result<Listing, RemoteError>;

    /// The whole content of an object, at most `limit` bytes. Whether it is the content that was
    /// meant is for the caller to check.
    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError>;

    /// The `length` bytes of an object from `start` on, or those of them that it has.
    fn read_range(&self, key: &str, start: u64, length: u64) -> Result<Vec<u8>, RemoteError>;

    /// The first `length` bytes of an object, or all of it if it is shorter.
    fn read_start(&self, key: &str, length: u64) -> Result<Vec<u8>, RemoteError> {
        self.read_range(key, 0, length)
    }

    /// Creates an object unless there is one of that name.
    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError>;

    /// Removes an object; one that is already gone is fine.
    fn remove(&self, key: &str) -> Result<(), RemoteError>;
}

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its objects, in the order of their names.
    pub objects: Vec<Object>,
    /// The names of the folders in it, without the final `/`.
    pub folders: Vec<String>,
    /// The time by the clock that dates the objects, if the server tells it.
    pub at: Option<SystemTime>,
}

/// An object as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its name below the listed folder; anything, for a bucket has many writers.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written, by the server's clock.
    pub modified: SystemTime,
}

/// What an object is made of.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Where the bytes are.
    pub body: Body<'a>,
    /// How many there are.
    pub bytes: u64,
    /// Their SHA-256.
    pub digest: Digest,
}

/// Where the bytes of an object come from.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Memory.
    Bytes(&'a [u8]),
    /// A file that is not changed meanwhile.
    File(&'a Path),
}

impl<'a> Content<'a> {
    /// The content that `bytes` are.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { body: Body::Bytes(bytes), bytes: bytes.len() as u64, digest: Digest::of(bytes) }
    }
}

/// What became of the wish to create an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was absent and is now ours.
    New,
    /// An object of the same content was there: another writer's, or our own of an attempt whose
    /// reply was lost.
    Same,
    /// An object of another content is there; nothing was changed.
    Other,
}

/// A failed operation on an object.
#[derive(Debug, thiserror::Error)]
#[error("{action} on `{uri}` failed: {problem}")]
pub struct RemoteError {
    /// What was tried, named as policies name it: `s3:PutObject`.
    pub action: &'static str,
    /// The object or folder.
    pub uri: String,
    /// Why it failed.
    #[source]
    pub problem: Problem,
}

/// Why an operation failed: what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such object. Only servers that let us list say so.
    #[error("there is no such object")]
    Absent,
    /// There is no such bucket.
    #[error("the bucket does not exist; create it, or correct `storage_uri`")]
    NoBucket,
    /// The permission is missing. Whether the object exists is unknown.
    #[error("access denied{said}; allow it in the policy of the job's role: {statement}")]
    Denied {
        /// What is not allowed, which a caller may have needed for something else.
        action: &'static str,
        /// What the server said about it, with a colon before, or nothing.
        said: String,
        /// The IAM statement that grants it, as JSON.
        statement: String,
    },
    /// There are no credentials, or the server does not know them.
    #[error(
        "no usable credentials: {0}; give the job a role, or set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` \
         and `AWS_SECRET_ACCESS_KEY`"
    )]
    Credentials(String),
    /// The server is away, busy, or broke off: worth another attempt.
    #[error("{0}")]
    Transient(String),
    /// What came is not what the server says it holds: worth another attempt.
    #[error("damaged on the way or there: {0}")]
    Damaged(String),
    /// The server did not answer a moment ago, and was not asked again yet.
    #[error("the server did not answer a moment ago and is not asked again yet")]
    Away,
    /// The server cannot be reached at all: worth another attempt, if there is a network.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The object is larger than anything that Dyad writes under that name.
    #[error("it has more than the {0} bytes allowed, and nothing of Dyad's has: remove it")]
    TooLarge(u64),
    /// The server refuses for a reason of its own.
    #[error("{0}")]
    Refused(String),
    /// The local file that was to be uploaded, or the place that was to hold the object.
    #[error(transparent)]
    Local(#[from] StorageError),
}

impl RemoteError {
    /// Whether another attempt may succeed.
    pub fn is_transient(&self) -> bool {
        self.is_no_answer() || matches!(self.problem, Problem::Damaged(_))
    }

    /// Whether the server gave no answer that says something about the object.
    pub fn is_no_answer(&self) -> bool {
        matches!(self.problem, Problem::Transient(_) | Problem::Unreachable(_) | Problem::Away)
    }

    /// Whether the object is larger than was allowed.
    pub fn is_too_large(&self) -> bool {
        matches!(self.problem, Problem::TooLarge(_))
    }

    /// Whether the object is known to be absent; a denied access is no such knowledge.
    pub fn is_absent(&self) -> bool {
        matches!(self.problem, Problem::Absent)
    }
}
