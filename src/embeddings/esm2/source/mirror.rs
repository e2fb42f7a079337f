//! Models of the hub in the bucket: write-once objects that attempts and machines share.
//!
//! Files are named by their SHA-256. A description per model and commit names them; it is written
//! when all of them are there. A reference per branch or tag says which commit it was when it was
//! first asked for here.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tracing::{info, warn};

use super::super::weights::WeightFiles;
use super::super::{around_weights, weights};
use super::SourceError;
use super::description::{About, Describe, Description, Reference, text};
use crate::digest::Hasher;
use crate::http::HttpError;
use crate::http::hub::{Commit, HubError, HubModel};
use crate::shutdown::Shutdown;
use crate::storage::remote::{Content, ObjectStore, Put, RemoteError};
use crate::storage::sync::{Rank, Remote, Upload, unless_away, without};
use crate::storage::{self, Context, SourceFile, StorageError};

/// Below the prefix of the bucket.
const PREFIX: &str = "encoders/v1/";
const MAX_JSON: u64 = 1 << 20;
/// What is in memory of a file at a time, and what a broken connection costs.
const PIECE: u64 = 32 << 20;

/// The objects of one model.
pub(super) struct Mirror<'a> {
    remote: &'a Remote,
    model: &'a HubModel,
}

/// Which commit the users of a bucket take.
pub(super) enum Agreed {
    /// This one.
    At(Commit),
    /// Nobody has asked before.
    Open,
    /// The bucket does not answer.
    Unasked,
}

/// What is read of a small object.
enum Entry<T> {
    Found(T),
    /// It is not there, or not what it should be.
    Absent,
    /// The bucket does not answer.
    Unread,
}

/// What the bucket had of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restored {
    /// All files.
    Whole,
    /// Not all of those that are described.
    Lacking,
    /// Nothing.
    Absent,
}

impl<'a> Mirror<'a> {
    pub(super) fn new(remote: &'a Remote, model: &'a HubModel) -> Self {
        Self { remote, model }
    }

    /// Where models are, for people.
    pub(super) fn place(&self) -> String {
        format!("{}{PREFIX}", self.objects().place())
    }

    /// The commit that the revision means here.
    pub(super) fn commit(&self) -> Result<Agreed, SourceError> {
        Ok(match self.json::<Reference>(&self.reference_key(), self.model)? {
            Entry::Found(reference) => Agreed::At(reference.commit),
            Entry::Absent => Agreed::Open,
            Entry::Unread => Agreed::Unasked,
        })
    }

    /// Lets the revision mean `commit` here, unless somebody was faster; what it means then.
    pub(super) fn agree(&self, commit: &Commit) -> Result<Commit, SourceError> {
        let reference = Reference::new(self.model, commit);
        let created = self.objects().create(&self.reference_key(), &Content::of(&text(&reference)));
        let created = unless_away(created, "the commit of the encoder is not remembered in S3")?;
        match created {
            Some(Put::Other) => match self.commit()? {
                Agreed::At(commit) => Ok(commit),
                Agreed::Open | Agreed::Unasked => Ok(commit.clone()),
            },
            _ => Ok(commit.clone()),
        }
    }

    /// Whether all files of the model at `commit` were there when they were described.
    pub(super) fn describes(&self, commit: &Commit) -> Result<bool, SourceError> {
        Ok(self.description(commit)?.is_some())
    }

    fn description(&self, commit: &Commit) -> Result<Option<Description>, SourceError> {
        Ok(match self.json(&self.description_key(commit), &self.model.at(commit))? {
            Entry::Found(description) => Some(description),
            Entry::Absent | Entry::Unread => None,
        })
    }

    /// Says that the description of `commit` cannot be used.
    pub(super) fn warn_of_description(&self, commit: &Commit, problem: &str) {
        self.warn_of(&self.description_key(commit), problem);
    }

    fn warn_of(&self, key: &str, problem: &str) {
        warn!("`{}{key}` is damaged ({problem}); remove it", self.objects().place());
    }

    /// Fetches what `folder` lacks of the model at `commit`, each file verified.
    pub(super) fn restore(
        &self,
        commit: &Commit,
        folder: &Path,
        shutdown: &Shutdown,
    ) -> Result<Restored, SourceError> {
        let Some(description) = self.description(commit)? else { return Ok(Restored::Absent) };
        let files = description.files;
        // A process that was killed here has left what it was writing.
        storage::probe_writable(folder)?;
        let mut restored = Restored::Whole;
        for file in files.iter().filter(|file| weights::is_file_name(&file.name)) {
            let path = folder.join(&file.name);
            if !path.is_file() && !self.restore_file(file, &path, shutdown)? {
                restored = Restored::Lacking;
            }
        }
        if restored == Restored::Whole {
            info!("encoder `{}` read from `{}`", self.model, self.place());
        }
        Ok(restored)
    }

    /// Fetches a file; false if it is not there, or not what it should be.
    fn restore_file(
        &self,
        file: &SourceFile,
        path: &Path,
        shutdown: &Shutdown,
    ) -> Result<bool, SourceError> {
        let key = file_key(file);
        let written = storage::write_stream(path, |out| {
            let mut hasher = Hasher::default();
            let mut start = 0;
            while start < file.bytes {
                if shutdown.requested() {
                    return Err(Unrestored::Stopped);
                }
                let length = PIECE.min(file.bytes - start);
                let piece = self.objects().read_range(&key, start, length)?;
                if piece.len() as u64 != length {
                    return Err(Unrestored::Damaged);
                }
                hasher.update(&piece);
                out.write_all(&piece).context("write", path)?;
                start += length;
            }
            let same = hasher.finish() == file.sha256;
            if same { Ok(()) } else { Err(Unrestored::Damaged) }
        });
        match written {
            Ok(()) => return Ok(true),
            Err(Unrestored::Remote(error)) if error.is_absent() || error.is_transient() => {
                without(&error, "a file of the encoder in S3 is left out: the hub is asked for it");
            }
            Err(Unrestored::Damaged) => warn!(
                "`{}{key}` is damaged: its SHA-256 is not its name; remove it. The hub is asked for \
                 the file",
                self.objects().place()
            ),
            Err(Unrestored::Stopped) => {
                let source = HubError::from(HttpError::Stopped);
                return Err(SourceError::Hub { model: Box::new(self.model.clone()), source });
            }
            Err(Unrestored::Remote(error)) => return Err(error.into()),
            Err(Unrestored::Storage(error)) => return Err(error.into()),
        }
        Ok(false)
    }

    /// Has the files in `folder` uploaded in the background, those that the bucket lacks.
    pub(super) fn offer(&self, commit: &Commit, folder: &Path) -> Result<(), SourceError> {
        let around = around_weights(folder).map(str::to_owned);
        let mut files = Vec::new();
        for name in around.chain(WeightFiles::names(folder)?) {
            let path = folder.join(&name);
            let (bytes, sha256) = (storage::length(&path)?, storage::digest(&path)?);
            files.push(SourceFile { name, bytes, sha256 });
        }
        let description = Description::new(self.model, commit, files);
        let describe = Arc::new(Describe::new(self.description_key(commit), &description));
        for file in description.files {
            self.remote.uploader().submit(Upload {
                key: file_key(&file),
                path: folder.join(&file.name),
                bytes: file.bytes,
                digest: file.sha256,
                rank: Rank::Spare,
                watcher: Some(describe.clone()),
            });
        }
        Ok(())
    }

    /// The content of a small object about `model`; one that is damaged counts as absent.
    fn json<T: DeserializeOwned + About>(
        &self,
        key: &str,
        model: &HubModel,
    ) -> Result<Entry<T>, SourceError> {
        let bytes = match self.objects().read(key, MAX_JSON) {
            Err(error) if error.is_absent() => return Ok(Entry::Absent),
            read => unless_away(read, "the encoder is not looked for in S3")?,
        };
        let Some(bytes) = bytes else { return Ok(Entry::Unread) };
        match serde_json::from_slice::<T>(&bytes) {
            Ok(object) if object.is_about(model) => return Ok(Entry::Found(object)),
            Ok(_) => self.warn_of(key, "it is about something else"),
            Err(error) => self.warn_of(key, &error.to_string()),
        }
        Ok(Entry::Absent)
    }

    fn objects(&self) -> &dyn ObjectStore {
        self.remote.objects()
    }

    fn reference_key(&self) -> String {
        // No revision has such a character.
        let revision = self.model.revision().replace('/', "!");
        format!("{}refs/{revision}.json", self.model_key())
    }

    fn description_key(&self, commit: &Commit) -> String {
        format!("{}{commit}.json", self.model_key())
    }

    /// No owner and no name holds two hyphens.
    fn model_key(&self) -> String {
        format!("{PREFIX}models/{}/", self.model.id().replace('/', "--"))
    }
}

/// Why a file could not be restored.
enum Unrestored {
    Stopped,
    /// It is not what its name says.
    Damaged,
    Remote(RemoteError),
    Storage(StorageError),
}

impl From<StorageError> for Unrestored {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<RemoteError> for Unrestored {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

fn file_key(file: &SourceFile) -> String {
    format!("{PREFIX}files/{}", file.sha256)
}
