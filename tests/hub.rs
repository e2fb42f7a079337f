//! Encoders by name, against a stand-in for the hub of Hugging Face: where files come from, where
//! they end up, and which faults a download survives.

mod command;
mod faults;
mod sources;

use std::path::{Path, PathBuf};
use std::time::Duration;

use dyad::embeddings::esm2::{Located, Lookup, Source, SourceError, locate};
use dyad::http::hub::{HubAccess, HubLimits, Token};
use dyad::progress::Silent;
use dyad::shutdown::Shutdown;

use crate::support::hub::{HubStandIn, MODEL, OWNER, WEIGHTS, commit, small_files};

/// Somebody with an empty cache, no token and little patience.
struct Asker {
    folder: tempfile::TempDir,
    access: HubAccess,
    limits: HubLimits,
    offline: bool,
    shutdown: Shutdown,
}

impl Asker {
    fn new(hub: &HubStandIn) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("hub");
        let access = HubAccess { endpoint: hub.url().parse().unwrap(), token: None, cache };
        let seconds = Duration::from_secs;
        let limits =
            HubLimits { silence: seconds(1), stalled: seconds(20), unreached: seconds(20) };
        Self { folder, access, limits, offline: false, shutdown: Shutdown::default() }
    }

    fn with_token(hub: &HubStandIn, token: &str) -> Self {
        let mut asker = Self::new(hub);
        asker.access.token = Token::of(token);
        asker
    }

    fn locate(&self, name: &str) -> Result<Located, SourceError> {
        let lookup = Lookup {
            hub: &self.access,
            limits: self.limits,
            offline: self.offline,
            remote: None,
            observer: &Silent,
            shutdown: &self.shutdown,
        };
        locate(&Source::of(name)?, &lookup)
    }

    /// What a name that cannot be had ends with, without what differs from run to run.
    fn refusal(&self, hub: &HubStandIn, name: &str) -> String {
        let text = self.locate(name).unwrap_err().to_string();
        let text = text.replace(&hub.url(), "http://HUB");
        text.replace(&self.folder.path().display().to_string(), "FOLDER")
    }

    /// The folder of the small encoder at a commit, in the layout of the hub's own programs.
    fn snapshot(&self, number: u8) -> PathBuf {
        let repository = self.access.cache.join(format!("models--{OWNER}--{MODEL}"));
        repository.join("snapshots").join(commit(number))
    }
}

/// Whether a folder holds the small encoder and nothing else.
#[track_caller]
fn assert_small(folder: &Path) {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["config.json", WEIGHTS, "vocab.txt"]);
    for (name, bytes) in small_files() {
        assert!(std::fs::read(folder.join(&name)).unwrap() == bytes, "{name} has other bytes");
    }
}
