//! Who asks the hub, where it is, for how long, and where its files are kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::Cache;

use super::{Commit, HubModel};
use crate::http::BaseUrl;
use crate::storage::{self, StorageError};

/// A token of the hub, which no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token, unless there is none in `text`.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The token in the file that the hub's own programs keep beside their cache.
    pub fn kept_beside(cache: &Path) -> Option<Self> {
        Self::of(&Cache::new(cache.to_owned()).token()?)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// What it takes to ask the hub and to find what was fetched from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAccess {
    /// The address of the hub or a mirror of it.
    pub endpoint: BaseUrl,
    /// Sent only where the hub refuses without, and to the hub alone.
    pub token: Option<Token>,
    /// The folder that the hub's own programs call the cache: `models--OWNER--NAME` and so on.
    pub cache: PathBuf,
}

impl HubAccess {
    /// The address of a model.
    pub fn address(&self, model: &HubModel) -> String {
        format!("{}/{}", self.endpoint, model.id())
    }

    /// The folder with the files of a model at a commit.
    pub fn snapshot(&self, model: &HubModel, commit: &Commit) -> PathBuf {
        Cache::new(self.cache.clone()).repo(model.repo()).pointer_path(commit.as_str())
    }

    /// The commit that the revision of `model` was when it was last fetched here.
    pub fn known_commit(&self, model: &HubModel) -> Result<Option<Commit>, StorageError> {
        let path = self.reference(model);
        match storage::read(&path, 1 << 10) {
            Err(error) if error.is_absent() => Ok(None),
            bytes => Ok(String::from_utf8_lossy(&bytes?).trim().parse().ok()),
        }
    }

    /// Keeps that the revision of `model` is this commit from now on.
    pub fn remember(&self, model: &HubModel, commit: &Commit) -> Result<(), StorageError> {
        if model.commit().is_some() || self.known_commit(model)?.as_ref() == Some(commit) {
            return Ok(());
        }
        let path = self.reference(model);
        path.parent().map_or(Ok(()), storage::create_folder)?;
        storage::write_atomic(&path, commit.as_str().as_bytes())
    }

    /// The file that names the commit of a revision.
    fn reference(&self, model: &HubModel) -> PathBuf {
        let folder = self.cache.join(model.repo().folder_name());
        folder.join("refs").join(model.revision())
    }
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub struct HubLimits {
    /// How long the hub may send nothing before an attempt is given up.
    pub silence: Duration,
    /// How long attempts go on without a byte that is new.
    pub stalled: Duration,
    /// The same as long as the hub has never answered: there may be no network.
    pub unreached: Duration,
}

impl Default for HubLimits {
    fn default() -> Self {
        let minutes = Duration::from_mins;
        Self { silence: minutes(1), stalled: minutes(10), unreached: minutes(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_that_of_the_hubs_own_programs_and_no_log_shows_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("hub");
        storage::write_atomic(&folder.path().join("token"), b"hf_secret\n").unwrap();
        let token = Token::kept_beside(&cache);
        assert_eq!(token, Token::of("hf_secret"));
        let endpoint = "https://huggingface.co".parse().unwrap();
        let access = HubAccess { endpoint, token, cache: cache.clone() };
        assert!(!format!("{access:?}").contains("secret"));

        let model: HubModel = "facebook/esm2_t6_8M_UR50D".parse().unwrap();
        let repository = cache.join("models--facebook--esm2_t6_8M_UR50D");
        let [one, other] = ["1", "2"].map(|digit| digit.repeat(40).parse::<Commit>().unwrap());
        assert_eq!(access.snapshot(&model, &one), repository.join("snapshots").join(one.as_str()));
        assert_eq!(access.known_commit(&model).unwrap(), None);
        access.remember(&model, &one).unwrap();
        assert_eq!(access.known_commit(&model).unwrap(), Some(one));
        access.remember(&model, &other).unwrap();
        assert_eq!(access.known_commit(&model).unwrap(), Some(other));
        storage::write_atomic(&repository.join("refs/main"), b"../../../etc").unwrap();
        assert_eq!(access.known_commit(&model).unwrap(), None, "no path comes from a file");
    }
}
