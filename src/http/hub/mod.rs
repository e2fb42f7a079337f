//! The hub of Hugging Face: files of a model at one commit, in the cache of the hub's own programs.
//!
//! The crate `hf-hub` knows the layout of the cache and the token that is kept there. Files are
//! fetched here, because the crate has no limits of time, makes paths of what a server says, and sends a token
//! wherever the hub redirects to:
//!
//! - What the hub says of a file is read once and checked. Its digest names the part that the bytes
//!   go to, in a folder aside; no more bytes are kept than were described.
//! - A part is written by one process at a time, and others wait for it. A complete one is compared with the
//!   digest and then enters the cache, as a plain file, which the platform keeps and the hub's
//!   programs read as they read links.
//! - A download goes on where it was. Odd answers are asked for again; a part is thrown away only
//!   where it is complete and wrong, or where the hub has no such range.
//! - A token is sent only where the hub refuses without, which it does for no public model.

mod access;
mod error;
mod incoming;
mod name;
mod receive;
mod request;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

pub use access::{HubAccess, HubLimits, Token};
pub use error::HubError;
pub use name::{Commit, HubModel, HubNameError};

use super::{Client, HttpError, Limits, REJECTED, TICK, sleep};
use crate::shutdown::Shutdown;
use crate::storage::remote::Backoff;
use incoming::{Described, Incoming};
use receive::{Meter, receive};
use request::{Requests, Trouble};

/// The file that every model has, by which the commit of a revision is found.
const CONFIG: &str = "config.json";
/// The client's own limit of time, which is none: [`HubLimits`] hold.
const ALWAYS: Duration = Duration::from_hours(24 * 365);

/// The hub, asked.
#[derive(Debug)]
pub struct Hub<'a> {
    access: &'a HubAccess,
    limits: HubLimits,
    shutdown: &'a Shutdown,
    /// Made when it is needed.
    client: OnceCell<Client>,
    /// Whether the token is sent.
    authorized: AtomicBool,
}

impl<'a> Hub<'a> {
    /// The hub that `access` names.
    pub fn new(access: &'a HubAccess, limits: HubLimits, shutdown: &'a Shutdown) -> Self {
        let (client, authorized) = (OnceCell::new(), AtomicBool::default());
        Self { access, limits, shutdown, client, authorized }
    }

    /// The commit that the revision of `model` is now.
    pub fn commit(&self, model: &HubModel) -> Result<Commit, HubError> {
        let url = self.url(model, CONFIG);
        let (_, commit) = self.describe(&url, None)?.ok_or(HubError::Absent { url })?;
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
        let url = self.url(&model, name);
        let Some((described, _)) = self.describe(&url, Some(commit))? else { return Ok(None) };
        let mut incoming = Incoming::of(self.access, &model, described);
        self.claim(&mut incoming, &url, watch)?;
        // Another process may have brought it meanwhile.
        if !path.is_file() {
            self.patiently(&url, |requests, meter| {
                receive(requests, &url, &incoming, meter, watch)
            })?;
            incoming.move_to(&path)?;
        }
        Ok(Some(path))
    }

    /// What the hub says of a file, which is of the commit `at` if one is given, with the commit; `None`
    /// if there is no such file.
    fn describe(
        &self,
        url: &str,
        at: Option<&Commit>,
    ) -> Result<Option<(Described, Commit)>, HubError> {
        let described = self.patiently(url, |requests, _| {
            let (described, commit) = requests.open(url, "bytes=0-0")?.description()?;
            match at.is_none_or(|at| commit == *at) {
                true => Ok((described, commit)),
                false => Err(Trouble::Odd(format!("it is of the commit `{commit}`"))),
            }
        });
        match described {
            Err(HubError::Absent { .. }) => Ok(None),
            described => described.map(Some),
        }
    }

    /// Waits as long as another process fetches the file and its bytes come.
    fn claim(
        &self,
        incoming: &mut Incoming,
        url: &str,
        watch: &mut dyn FnMut(u64, u64),
    ) -> Result<(), HubError> {
        let (began, mut meter) = (Instant::now(), Meter::new());
        while !incoming.claim()? {
            if meter.total == 0 {
                info!("another process is fetching `{url}`: waiting for it");
                meter.total = incoming.described.bytes;
            }
            meter.reach(incoming.length());
            watch(meter.furthest, meter.total);
            if meter.last.elapsed() >= self.limits.stalled {
                let problem = "another process is fetching it and does not get on".to_owned();
                return Err(unanswered(url, began, 0, problem));
            }
            sleep(TICK, self.shutdown)?;
        }
        Ok(())
    }

    /// Makes attempts until one succeeds, the hub refuses, or no byte has come for too long.
    fn patiently<T>(
        &self,
        url: &str,
        mut attempt: impl FnMut(&Requests<'_>, &mut Meter) -> Result<T, Trouble>,
    ) -> Result<T, HubError> {
        let client = self.client()?;
        let (began, mut meter) = (Instant::now(), Meter::new());
        let (mut backoff, mut attempts, mut odd, mut before) = (Backoff::default(), 0, 0, 0);
        loop {
            attempts += 1;
            let token = self.access.token.as_ref();
            let token = token.filter(|_| self.authorized.load(Ordering::Relaxed));
            let requests = Requests { client, hub: &self.access.endpoint, token };
            let problem = match attempt(&requests, &mut meter) {
                Ok(done) => return Ok(done),
                Err(Trouble::Stopped) => return Err(HttpError::Stopped.into()),
                Err(Trouble::Local(error)) => return Err(error.into()),
                Err(Trouble::Status(status)) => match self.refused(url, status) {
                    Some(error) => return Err(error),
                    None => continue,
                },
                Err(Trouble::Odd(problem)) => {
                    odd += 1;
                    if odd == REJECTED {
                        return Err(HttpError::Unusable { url: url.to_owned(), problem }.into());
                    }
                    warn!("the answer of `{url}` cannot be used and is asked for again: {problem}");
                    problem
                }
                Err(Trouble::Transient(problem)) => problem,
            };
            if meter.furthest != before {
                (before, backoff) = (meter.furthest, Backoff::default());
            }
            let wait = backoff.next_wait();
            if meter.last.elapsed() + wait >= self.patience(client) {
                let problem = match meter {
                    Meter { total: 0, .. } => problem,
                    Meter { furthest, total, .. } => {
                        format!("{problem}; {furthest} of {total} bytes are there")
                    }
                };
                return Err(unanswered(url, began, attempts, problem));
            }
            debug!(url, problem, ?wait, "trying again");
            sleep(wait, self.shutdown)?;
        }
    }

    /// What a status means; `None` if the token, which was not sent yet, may help.
    fn refused(&self, url: &str, status: u16) -> Option<HubError> {
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

    fn client(&self) -> Result<&Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let silence = self.limits.silence;
        let limits = Limits { total: ALWAYS, unreached: ALWAYS, silence };
        let client = Client::new(&self.access.endpoint, limits, self.shutdown)?;
        Ok(self.client.get_or_init(|| client))
    }

    /// `ENDPOINT/OWNER/NAME/resolve/REVISION/FILE`; a slash in a revision is escaped.
    fn url(&self, model: &HubModel, name: &str) -> String {
        let parts: Vec<&str> =
            model.id().split('/').chain(["resolve", model.revision(), name]).collect();
        self.access.endpoint.join(&parts, &[]).into()
    }

    fn patience(&self, client: &Client) -> Duration {
        let HubLimits { stalled, unreached, .. } = self.limits;
        match client.answered.load(Ordering::Relaxed) {
            true => stalled,
            false => stalled.min(unreached),
        }
    }
}

fn unanswered(url: &str, began: Instant, attempts: u32, problem: String) -> HubError {
    let (url, seconds) = (url.to_owned(), began.elapsed().as_secs());
    HttpError::Unanswered { url, seconds, attempts, problem }.into()
}
