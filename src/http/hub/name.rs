//! Names of the hub: models, commits, and what tells a file's content.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::str::FromStr;

use hf_hub::{Repo, RepoType};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::digest::Digest;
use crate::storage::{self, StorageError};

/// The branch that is meant where none is named.
const MAIN: &str = "main";
const LONGEST_NAME: usize = 96;
const LONGEST_REVISION: usize = 128;
/// Larger files lie in the hub's large storage, whose files have a SHA-256.
const LARGEST_BLOB: u64 = 64 << 20;

/// A model of the hub and a state of it: `owner/name`, or `owner/name@revision` where the revision
/// is a branch, a tag or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubModel {
    id: String,
    revision: String,
}

/// A text that names no model of the hub.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not of the form `owner/name` or `owner/name@revision`")]
pub struct HubNameError(String);

/// A commit of a model: 40 lower-case hexadecimal characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

impl HubModel {
    /// `owner/name`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What follows the owner.
    pub fn name(&self) -> &str {
        self.id.split_once('/').map_or(&*self.id, |(_, name)| name)
    }

    /// Branch, tag or commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The commit, if the revision is one.
    pub fn commit(&self) -> Option<Commit> {
        self.revision.parse().ok()
    }

    /// The same model at a commit.
    #[must_use]
    pub fn at(&self, commit: &Commit) -> Self {
        Self { id: self.id.clone(), revision: commit.0.clone() }
    }

    pub(super) fn repo(&self) -> Repo {
        Repo::with_revision(self.id.clone(), RepoType::Model, self.revision.clone())
    }
}

impl FromStr for HubModel {
    type Err = HubNameError;

    fn from_str(text: &str) -> Result<Self, HubNameError> {
        let (id, revision) = text.split_once('@').unwrap_or((text, MAIN));
        let parts: Vec<_> = id.split('/').collect();
        let named = parts.len() == 2 && parts.into_iter().all(is_name);
        match named && is_revision(revision) {
            true => Ok(Self { id: id.to_owned(), revision: revision.to_owned() }),
            false => Err(HubNameError(text.chars().take(LONGEST_NAME).collect())),
        }
    }
}

/// Whether the hub could have an owner or a model of this name, which becomes a part of paths.
fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
    let ends = text.starts_with(['.', '-']) || text.ends_with(['.', '-']);
    let length = (1..=LONGEST_NAME).contains(&text.len());
    plain && length && !ends && !text.contains("--") && !text.contains("..")
}

/// Whether git could have a branch or tag of this name, which becomes a path below `refs`.
fn is_revision(text: &str) -> bool {
    let part = |part: &str| {
        let plain = part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-+".contains(&c));
        plain && !part.is_empty() && !part.starts_with('.') && !part.contains("..")
    };
    text.len() <= LONGEST_REVISION && text.split('/').all(part)
}

impl fmt::Display for HubModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        match self.revision == MAIN {
            true => Ok(()),
            false => write!(f, "@{}", self.revision),
        }
    }
}

impl Commit {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Commit {
    type Err = HubNameError;

    fn from_str(text: &str) -> Result<Self, HubNameError> {
        match is_hex(text, 40) {
            true => Ok(Self(text.to_owned())),
            false => Err(HubNameError(text.chars().take(LONGEST_NAME).collect())),
        }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Commit {
    type Error = HubNameError;

    fn try_from(text: String) -> Result<Self, HubNameError> {
        text.parse()
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

/// What the hub calls the content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Etag {
    /// Of a file in its large storage: the SHA-256.
    Large(Digest),
    /// Of any other: git's id of the blob, the SHA-1 of its length and content.
    Blob(String),
}

impl Etag {
    /// The meaning of a header, which nothing but hexadecimal digits may be: it becomes a part of a
    /// path.
    pub(super) fn of(text: &str) -> Option<Self> {
        // A compressing server between marks it as weak.
        let text = text.strip_prefix("W/").unwrap_or(text);
        match text.len() {
            40 if is_hex(text, 40) => Some(Self::Blob(text.to_owned())),
            _ => text.parse().ok().map(Self::Large),
        }
    }

    /// What is wrong with a file that should have this content.
    pub(super) fn problem_of(&self, path: &Path) -> Result<Option<&'static str>, StorageError> {
        let (same, problem) = match self {
            Self::Large(digest) => {
                (storage::digest(path)? == *digest, "its SHA-256 is not the one that the hub names")
            }
            Self::Blob(id) => {
                let bytes = storage::read(path, LARGEST_BLOB)?;
                (blob_id(&bytes) == *id, "its SHA-1 is not the one that the hub names")
            }
        };
        Ok((!same).then_some(problem))
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large(digest) => digest.fmt(f),
            Self::Blob(id) => f.write_str(id),
        }
    }
}

/// Git's name for a file's content.
fn blob_id(bytes: &[u8]) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_an_owner_a_name_and_perhaps_a_revision() {
        let model: HubModel = "facebook/esm2_t6_8M_UR50D".parse().unwrap();
        assert_eq!((model.name(), model.revision()), ("esm2_t6_8M_UR50D", "main"));
        assert_eq!((model.to_string(), model.commit()), (model.id().to_owned(), None));
        let commit = "0123456789".repeat(4);
        let pinned: HubModel = format!("a/b@{commit}").parse().unwrap();
        assert_eq!(pinned.commit().unwrap().as_str(), commit);
        assert_eq!("a/b@refs/pr/5".parse::<HubModel>().unwrap().to_string(), "a/b@refs/pr/5");
        for text in [
            "", "a", "/a", "a/", "a/b/c", "../b", "a/..", "./b", "a/b@", "a/b@../x", "a/b@/x",
            "a/b@x//y", "a/b@.x", "a--b/c", "a/b c", "a/b@x%2f", "a/b\n",
        ] {
            assert!(text.parse::<HubModel>().is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_but_digits_names_a_content() {
        // `git hash-object` of a file with the line `hello`.
        assert_eq!(blob_id(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        let (short, long) = ("0f".repeat(20), "0f".repeat(32));
        assert_eq!(Etag::of(&format!("W/{short}")), Some(Etag::Blob(short.clone())));
        assert!(matches!(Etag::of(&long), Some(Etag::Large(_))));
        for text in ["", "../../x", "0f", &"/x".repeat(20), &"0F".repeat(20), &"../".repeat(22)] {
            assert_eq!(Etag::of(text), None, "{text}");
        }
        assert!(short.parse::<Commit>().is_ok() && long.parse::<Commit>().is_err());
    }
}
