//! What surrounds a command: environment, SageMaker root, request to stop.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Instant;

use indicatif::MultiProgress;

use super::watch::{Bars, Lines};
use crate::container::Root;
use crate::progress::{Observer, Silent};
use crate::shutdown::Shutdown;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgressStyle {
    /// Bars that move.
    Bars,
    /// A log line now and then.
    Lines,
    /// Nothing.
    None,
}

/// Read once, when the program starts.
pub(super) struct Context {
    pub(super) root: Root,
    pub(super) environment: Vec<(String, String)>,
    pub(super) shutdown: Shutdown,
    pub(super) style: ProgressStyle,
    /// When the program started.
    began: Instant,
    /// Shared by bars and log lines, which must not be written into each other.
    pub(super) bars: MultiProgress,
}

impl Context {
    pub(super) fn new(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let environment: Vec<_> = environment.into_iter().filter_map(text).collect();
        let variable = |name: &str| lookup(&environment, name);
        let root = Root::new(variable("SAGEMAKER_BASE_DIR").unwrap_or(Root::DEFAULT));
        // A real job has no terminal, but local mode allocates one: bars only outside a root.
        let interactive = io::stderr().is_terminal() && !root.exists();
        let style = match variable("DYAD_PROGRESS") {
            Some("bars") => ProgressStyle::Bars,
            Some("lines") => ProgressStyle::Lines,
            Some("none") => ProgressStyle::None,
            _ if interactive => ProgressStyle::Bars,
            _ => ProgressStyle::Lines,
        };
        let (shutdown, began, bars) = (Shutdown::default(), Instant::now(), MultiProgress::new());
        Self { root, environment, shutdown, style, began, bars }
    }

    /// The value of an environment variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        lookup(&self.environment, name)
    }

    pub(super) fn observer(&self) -> Box<dyn Observer> {
        self.observer_of(None)
    }

    /// The same, which also tells what a run costs where the price per hour is known.
    pub(super) fn observer_of(&self, usd_per_hour: Option<f64>) -> Box<dyn Observer> {
        match self.style {
            ProgressStyle::Bars => Box::new(Bars::new(self.bars.clone())),
            ProgressStyle::Lines => Box::new(Lines::new(self.began, usd_per_hour)),
            ProgressStyle::None => Box::new(Silent),
        }
    }

    /// The embedding store that the platform keeps with the checkpoints of a root.
    pub(super) fn kept_cache(&self) -> Option<PathBuf> {
        let checkpoints = self.root.exists().then(|| self.root.checkpoints().ok()).flatten();
        checkpoints.map(|checkpoints| checkpoints.join("cache"))
    }

    /// The embedding store in the user's cache folder.
    pub(super) fn user_cache(&self) -> PathBuf {
        self.user_folder("dyad")
    }

    /// A program's folder in the user's cache folder.
    pub(super) fn user_folder(&self, program: &str) -> PathBuf {
        let home = self.variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let base = self.variable("XDG_CACHE_HOME").map(PathBuf::from).or(home);
        base.unwrap_or_else(|| PathBuf::from(".cache")).join(program)
    }
}

fn lookup<'e>(environment: &'e [(String, String)], name: &str) -> Option<&'e str> {
    let found = environment.iter().find(|(known, value)| known == name && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}
