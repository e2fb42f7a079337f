//! Where an encoder comes from: a folder, or a model of the hub of Hugging Face by its name.
//!
//! A model's files are looked for in the cache of the hub's own programs, then in the bucket, and
//! only then is the hub asked. A branch or tag is turned into a commit once: the bucket remembers
//! the commit for every later attempt and job below the same prefix, the cache for every later run
//! on the same disk. All files are of that commit.

mod description;
mod error;
mod mirror;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::published::{OWNER, published};
use super::weights::{self, WeightFiles};
use super::{CONFIG, Encoder, EncoderError, Esm2Config, VOCABULARY};
use crate::http::HttpError;
use crate::http::hub::{Commit, Hub, HubAccess, HubError, HubLimits, HubModel};
use crate::progress::{Event, Observer, Task};
use crate::shutdown::Shutdown;
use crate::storage::sync::Remote;
pub use error::SourceError;
use mirror::{Agreed, Mirror, Restored};

/// Which encoder is used, and whether it is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What [`Source::of`] makes a source of; `None` where a channel brings it, or the model.
    pub name: Option<String>,
    /// Whether the hub is not asked, and only what was fetched before counts.
    pub offline: bool,
}

/// Where an encoder comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder with its files.
    Folder(PathBuf),
    /// A model of the hub.
    Hub(HubModel),
}

/// What a model of the hub is looked for with.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// Where the hub and its cache are.
    pub hub: &'a HubAccess,
    /// How long the hub is asked.
    pub limits: HubLimits,
    /// Whether the hub is not asked at all.
    pub offline: bool,
    /// The bucket that shares files with other machines.
    pub remote: Option<&'a Remote>,
    /// Told about progress, in bytes.
    pub observer: &'a dyn Observer,
    /// Breaks off what is under way.
    pub shutdown: &'a Shutdown,
}

/// The files of an encoder on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where they lie.
    pub folder: PathBuf,
    /// What they are, if they are a model of the hub.
    pub model: Option<LocatedModel>,
}

/// A model of the hub at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedModel {
    /// Its address, with its id.
    pub address: String,
    /// The commit that all files are of.
    pub commit: Commit,
    /// `owner/name@commit`.
    pub name: String,
}

impl Source {
    /// What a text means: a folder if there is one; else a published name or `owner/name`, each
    /// with `@revision` behind it if one is meant; else a folder again, which is missing.
    pub fn of(text: &str) -> Result<Self, SourceError> {
        let folder = || Self::Folder(PathBuf::from(text));
        if Path::new(text).exists() {
            return Ok(folder());
        }
        let (name, revision) = text.split_at(text.find('@').unwrap_or(text.len()));
        let full = match published(name) {
            Some(known) => format!("{OWNER}/{}{revision}", known.name),
            None => text.to_owned(),
        };
        match full.parse() {
            Ok(model) => Ok(Self::Hub(model)),
            Err(_) if name.contains('/') => Ok(folder()),
            Err(_) => Err(SourceError::Unknown(text.to_owned())),
        }
    }

    /// The folder, unless the hub is meant.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Hub(_) => None,
        }
    }
}

/// The folder that `source` means, with all files of an encoder if it is a model of the hub.
pub fn locate(source: &Source, lookup: &Lookup<'_>) -> Result<Located, SourceError> {
    let model = match source {
        Source::Folder(folder) => return Ok(Located { folder: folder.clone(), model: None }),
        Source::Hub(model) => model,
    };
    let mirror = lookup.remote.map(|remote| Mirror::new(remote, model));
    let hub = Hub::new(lookup.hub, lookup.limits, lookup.shutdown);
    let search = Search { model, lookup, hub, mirror };
    let commit = search.commit()?;
    let folder = lookup.hub.snapshot(model, &commit);
    search.complete(&commit, &folder)?;
    info!("encoder `{model}` at commit {commit}: `{}`", folder.display());
    let (address, name) = (lookup.hub.address(model), model.at(&commit).to_string());
    Ok(Located { folder, model: Some(LocatedModel { address, commit, name }) })
}

impl Located {
    /// Opens the encoder, which is called what it was asked for by.
    pub fn open(&self) -> Result<Encoder, EncoderError> {
        let mut encoder = Encoder::open(&self.folder)?;
        if let Some(model) = &self.model {
            encoder.identity.source.clone_from(&model.name);
        }
        Ok(encoder)
    }
}

/// A model that is looked for.
struct Search<'a> {
    model: &'a HubModel,
    lookup: &'a Lookup<'a>,
    hub: Hub<'a>,
    mirror: Option<Mirror<'a>>,
}

impl Search<'_> {
    /// The commit that the revision means, now and in every later attempt.
    fn commit(&self) -> Result<Commit, SourceError> {
        let Self { model, lookup, .. } = self;
        if let Some(commit) = model.commit() {
            return Ok(commit);
        }
        let known = || lookup.hub.known_commit(model)?.map_or_else(|| self.ask_commit(), Ok);
        let commit = match &self.mirror {
            None => known()?,
            Some(mirror) => match mirror.commit()? {
                Agreed::At(commit) => commit,
                Agreed::Open => mirror.agree(&known()?)?,
                Agreed::Unasked => {
                    let commit = known()?;
                    warn!(
                        "S3 was not asked which commit `{model}` is; this run takes {commit}, others \
                         may take another: name it (`{}`) where they must agree",
                        model.at(&commit)
                    );
                    commit
                }
            },
        };
        lookup.hub.remember(model, &commit)?;
        Ok(commit)
    }

    fn ask_commit(&self) -> Result<Commit, SourceError> {
        self.unless_offline()?;
        self.hub.commit(self.model).map_err(|source| self.failed(source))
    }

    /// Makes sure that `folder`, which is the model's at `commit`, has all files, and that the
    /// bucket gets them.
    fn complete(&self, commit: &Commit, folder: &Path) -> Result<(), SourceError> {
        let there = match &self.mirror {
            Some(mirror) if !is_complete(folder) => {
                match mirror.restore(commit, folder, self.lookup.shutdown)? {
                    Restored::Whole if !is_complete(folder) => {
                        mirror.warn_of_description(commit, "it names less than an encoder's files");
                        Restored::Absent
                    }
                    restored => restored,
                }
            }
            Some(mirror) if mirror.describes(commit)? => Restored::Whole,
            Some(_) | None => Restored::Absent,
        };
        if !is_complete(folder) {
            self.unless_offline()?;
            info!("fetching `{}` at commit {commit} from {}", self.model, self.lookup.hub.endpoint);
            self.fetch(commit, folder)?;
        }
        match &self.mirror {
            Some(mirror) if there != Restored::Whole => {
                // What is no ESM-2 is of no use to others.
                Esm2Config::read(&folder.join(CONFIG))?;
                mirror.offer(commit, folder)
            }
            _ => Ok(()),
        }
    }

    /// Fetches what is missing in `folder` from the hub.
    fn fetch(&self, commit: &Commit, folder: &Path) -> Result<(), SourceError> {
        let absent = |name: &str| SourceError::NoEncoder {
            model: Box::new(self.model.at(commit)),
            name: name.to_owned(),
        };
        let config = self.file(commit, CONFIG)?.ok_or_else(|| absent(CONFIG))?;
        // Before gigabytes of another kind of model come.
        Esm2Config::read(&config)?;
        self.file(commit, VOCABULARY)?;
        if self.file(commit, weights::SINGLE)?.is_none() {
            self.file(commit, weights::INDEX)?.ok_or_else(|| absent(weights::SINGLE))?;
        }
        for name in WeightFiles::names(folder)? {
            self.file(commit, &name)?.ok_or_else(|| absent(&name))?;
        }
        Ok(())
    }

    /// Fetches a file, which is watched.
    fn file(&self, commit: &Commit, name: &str) -> Result<Option<PathBuf>, SourceError> {
        let task = Task::Downloading;
        let observer = self.lookup.observer;
        let mut seen = None;
        let mut watch = |done: u64, total: u64| match &mut seen {
            None if total == 0 => {}
            None => {
                seen = Some(done);
                observer.observe(Event::Started { task, done, total });
            }
            // What came damaged is fetched again from the start.
            Some(seen) if done <= *seen => {}
            Some(seen) => {
                observer.observe(Event::Advanced { task, units: done - *seen });
                *seen = done;
            }
        };
        let fetched = self.hub.fetch(self.model, commit, name, &mut watch);
        if seen.is_some() {
            observer.observe(Event::Finished { task });
        }
        fetched.map_err(|source| self.failed(source))
    }

    fn unless_offline(&self) -> Result<(), SourceError> {
        let Lookup { hub, offline, .. } = self.lookup;
        if !offline {
            return Ok(());
        }
        let mut places = format!("`{}`", hub.cache.display());
        if let Some(mirror) = &self.mirror {
            places = format!("{places} and in `{}`", mirror.place());
        }
        Err(SourceError::Offline { model: Box::new(self.model.clone()), places })
    }

    fn failed(&self, source: HubError) -> SourceError {
        let model = Box::new(self.model.clone());
        match source {
            HubError::Http(HttpError::Unanswered { .. }) => SourceError::NoHub { model, source },
            source => SourceError::Hub { model, source },
        }
    }
}

/// Whether a folder has all files of an encoder; what is in them is checked when it is opened.
fn is_complete(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    let weights = WeightFiles::names(folder);
    has(CONFIG) && weights.is_ok_and(|names| names.iter().all(|name| has(name)))
}

#[cfg(test)]
mod tests;
