//! The hub of Hugging Face: files of a model at one commit, in the cache of the hub's own programs.
//!
//! The crate `hf-hub` knows addresses, the layout of the cache, and how to fetch a file and go on
//! with a part. What it lacks is added around it:
//!
//! - It waits for ever. Each attempt runs on a thread that is left behind after a silence or a stop.
//! - It trusts the server: what becomes a path is checked before, size and digest after. Files are
//!   fetched into a folder aside and enter the cache when they are verified, as plain files, which
//!   the platform keeps and the hub's programs read as they read links.
//! - It sends a token to whatever address the hub redirects to. A token is therefore sent only
//!   where the hub refuses without, which it does for no public model.
//!
//! Its certificates are Mozilla's, built in: behind a proxy that signs with its own, the hub cannot
//! be asked. The proxy itself is the one that the environment names.

mod access;
mod error;
mod incoming;
mod name;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use tracing::{debug, warn};

pub use access::{HubAccess, HubLimits, Token};
pub use error::HubError;
pub use name::{Commit, HubModel, HubNameError};

use super::{HttpError, sleep};
use crate::shutdown::Shutdown;
use crate::storage::StorageError;
use crate::storage::remote::Backoff;
use incoming::{Described, Incoming};
use name::Etag;
use transfer::{Meter, Reading, Tap, Trouble, attempt};

/// The file that every model has, by which the commit of a revision is found.
const CONFIG: &str = "config.json";
/// What is unusable so often stays so.
const REJECTED: u32 = 2;

/// The hub, asked.
#[derive(Debug)]
pub struct Hub<'a> {
    access: &'a HubAccess,
    limits: HubLimits,
    shutdown: &'a Shutdown,
    answered: AtomicBool,
    /// Whether the token is sent.
    authorized: AtomicBool,
}

/// Why patience was of no use.
enum Failed {
    Hub(HubError),
    /// An answer came that is none.
    Damaged(String),
}

impl<E: Into<HubError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Hub(error.into())
    }
}

impl<'a> Hub<'a> {
    /// The hub that `access` names.
    pub fn new(access: &'a HubAccess, limits: HubLimits, shutdown: &'a Shutdown) -> Self {
        let (answered, authorized) = (AtomicBool::default(), AtomicBool::default());
        Self { access, limits, shutdown, answered, authorized }
    }

    /// The commit that the revision of `model` is now.
    pub fn commit(&self, model: &HubModel) -> Result<Commit, HubError> {
        let url = self.url(model, CONFIG)?;
        let described = self.describe(&url)?;
        let (_, commit) = described.ok_or(HubError::Absent { url })?;
        Ok(commit)
    }

    /// Fetches a file of `model` at `commit` into its snapshot, unless it is there; `watch` is told
    /// the bytes that are on the disk and those that there will be. `None` if there is no such file.
    pub fn fetch(
        &self,
        model: &HubModel,
        commit: &Commit,
        name: &str,
        watch: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<PathBuf>, HubError> {
        let path = self.access.snapshot(model, commit).join(name);
        if path.is_file() {
            return Ok(Some(path));
        }
        let model = model.at(commit);
        let url = self.url(&model, name)?;
        let Some((described, at)) = self.describe(&url)? else { return Ok(None) };
        if at != *commit {
            let problem = format!("it is of the commit `{at}`");
            return Err(HttpError::Unusable { url, problem }.into());
        }
        let incoming = Incoming::of(self.access, &model, name, described);
        let mut rejected = 0;
        while let Some(problem) = self.received(&incoming, &model, name, &path, watch)? {
            rejected += 1;
            incoming.discard()?;
            if rejected == REJECTED {
                return Err(HttpError::Unusable { url, problem }.into());
            }
            warn!("`{url}` came damaged and is fetched again: {problem}");
        }
        incoming.move_to(&path)?;
        Ok(Some(path))
    }

    /// Fetches what is missing of a file, unless another process brings it to `path` meanwhile; what
    /// is wrong with it then.
    fn received(
        &self,
        incoming: &Incoming,
        model: &HubModel,
        name: &str,
        path: &Path,
        watch: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<String>, HubError> {
        if incoming.begin()? {
            let mut watch = |reading: Reading| watch(reading.done, reading.total);
            let work = |api: &Api| {
                let (repo, name, path) = (api.repo(model.repo()), name.to_owned(), path.to_owned());
                move |tap: Tap| match path.is_file() {
                    true => Ok(path),
                    false => repo.download_with_progress(&name, tap),
                }
            };
            let (url, lock) = (self.url(model, name)?, incoming.lock());
            match self.patiently(&url, Some(&lock), &mut watch, work) {
                Ok(_) => {}
                Err(Failed::Hub(error)) => return Err(error),
                Err(Failed::Damaged(problem)) => return Ok(Some(problem)),
            }
        }
        match incoming.problem() {
            Err(error) if error.is_absent() && path.is_file() => Ok(None),
            problem => Ok(problem?),
        }
    }

    /// What the hub says of a file, with the commit that it is of; `None` if there is none.
    fn describe(&self, url: &str) -> Result<Option<(Described, Commit)>, HubError> {
        let work = |api: &Api| {
            let (api, url) = (api.clone(), url.to_owned());
            move |_: Tap| api.metadata(&url)
        };
        let unusable =
            |problem: String| HubError::from(HttpError::Unusable { url: url.to_owned(), problem });
        let metadata = match self.patiently(url, None, &mut |_| {}, work) {
            Err(Failed::Hub(HubError::Absent { .. })) => return Ok(None),
            Err(Failed::Hub(error)) => return Err(error),
            Err(Failed::Damaged(problem)) => return Err(unusable(problem)),
            Ok(metadata) => metadata,
        };
        let (raw, commit) = (metadata.etag().to_owned(), metadata.commit_hash());
        let etag = Etag::of(&raw)
            .ok_or_else(|| unusable(format!("its etag is no digest: `{}`", shortened(&raw))))?;
        let commit = commit
            .parse()
            .map_err(|_| unusable(format!("its commit is none: `{}`", shortened(commit))))?;
        Ok(Some((Described { etag, raw, bytes: metadata.size() as u64 }, commit)))
    }

    /// Lets the crate do `work` until it succeeds, the hub refuses, or no byte has come for too
    /// long. `lock` is the file that an attempt keeps locked.
    fn patiently<T: Send + 'static, W>(
        &self,
        url: &str,
        lock: Option<&Path>,
        watch: &mut dyn FnMut(Reading),
        work: impl Fn(&Api) -> W,
    ) -> Result<T, Failed>
    where
        W: FnOnce(Tap) -> Result<T, ApiError> + Send + 'static,
    {
        let (meter, began) = (Meter::new(), Instant::now());
        let (mut backoff, mut attempts, mut before) = (Backoff::default(), 0, 0);
        loop {
            attempts += 1;
            let work = work(&self.api()?);
            let done = attempt(&meter, self.limits.silence, lock, self.shutdown, watch, work);
            let problem = match done {
                Ok(done) => {
                    self.answered.store(true, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(Trouble::Stopped) => return Err(HttpError::Stopped.into()),
                Err(Trouble::Damaged(problem)) => return Err(Failed::Damaged(problem)),
                Err(Trouble::Local(source)) => {
                    let path = lock.unwrap_or(&self.access.cache).to_owned();
                    return Err(StorageError { action: "write", path, source }.into());
                }
                Err(Trouble::Status(status)) => match self.refused(url, status) {
                    Some(error) => return Err(error.into()),
                    None => continue,
                },
                Err(Trouble::Busy(status)) => {
                    self.answered.store(true, Ordering::Relaxed);
                    format!("status {status}")
                }
                Err(Trouble::Silent) => "the server is silent".to_owned(),
                Err(Trouble::Transient(problem)) => problem,
            };
            let Reading { furthest, total, last, .. } = meter.read();
            if furthest > before {
                (before, backoff) = (furthest, Backoff::default());
                self.answered.store(true, Ordering::Relaxed);
            }
            let wait = backoff.next_wait();
            if last.elapsed() + wait >= self.patience() {
                let problem = match total {
                    0 => problem,
                    total => format!("{problem}; {furthest} of {total} bytes are there"),
                };
                let (url, seconds) = (url.to_owned(), began.elapsed().as_secs());
                return Err(HttpError::Unanswered { url, seconds, attempts, problem }.into());
            }
            debug!(url, problem, ?wait, "trying again");
            sleep(wait, self.shutdown)?;
        }
    }

    /// What a status means; `None` if the token, which was not sent yet, may help.
    fn refused(&self, url: &str, status: u16) -> Option<HubError> {
        self.answered.store(true, Ordering::Relaxed);
        let url = url.to_owned();
        match (status, &self.access.token) {
            (404, _) => Some(HubError::Absent { url }),
            (401 | 403, None) => Some(HubError::TokenNeeded { url, status }),
            (401 | 403, Some(_)) => match self.authorized.swap(true, Ordering::Relaxed) {
                true => Some(HubError::TokenRefused { url, status }),
                false => None,
            },
            _ => Some(HttpError::Refused { url, problem: format!("status {status}") }.into()),
        }
    }

    /// The crate's client, whose files go to the folder aside.
    fn api(&self) -> Result<Api, HubError> {
        let token = self.access.token.as_ref().filter(|_| self.authorized.load(Ordering::Relaxed));
        ApiBuilder::from_cache(incoming::cache(self.access))
            .with_endpoint(self.access.endpoint.to_string())
            .with_token(token.map(|token| token.reveal().to_owned()))
            .with_progress(false)
            .with_user_agent("dyad", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|error| HttpError::Client(error.to_string()).into())
    }

    fn url(&self, model: &HubModel, name: &str) -> Result<String, HubError> {
        Ok(self.api()?.repo(model.repo()).url(name))
    }

    fn patience(&self) -> Duration {
        let HubLimits { stalled, unreached, .. } = self.limits;
        match self.answered.load(Ordering::Relaxed) {
            true => stalled,
            false => stalled.min(unreached),
        }
    }
}

/// The beginning of a text that a server made up.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
