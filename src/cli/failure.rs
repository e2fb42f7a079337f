//! Failures: the one place that gives every error its class, exit code and text.

mod remedy;

use std::error::Error;
use std::fmt;
use std::io;

use crate::container::ContainerError;
use crate::dataset::MmseqsError;
use crate::http::HttpError;
use crate::process::ProcessError;
use crate::storage::remote::{Problem, RemoteError};
use crate::training::{self, CheckpointError};
use crate::{artifacts, storage};
use crate::{
    config, device, embeddings, estimate, evaluation, inference, interactions, pipeline, sequences,
};

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The user: input, settings, arguments.
    User,
    /// Whoever runs the machine: disk, permissions, network.
    Platform,
    /// We.
    Internal,
    /// Nobody: a stop was asked for, and the command has no result.
    Interrupted,
}

/// A command that failed.
#[derive(Debug)]
pub(super) struct Failure {
    class: Class,
    text: String,
}

impl Failure {
    /// A failure of the user's arguments.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self { class: Class::User, text: text.into() }
    }

    /// A failure of the program's own set-up.
    pub(super) fn internal(error: &(impl fmt::Display + ?Sized)) -> Self {
        Self { class: Class::Internal, text: error.to_string() }
    }

    /// A panic.
    pub(super) fn panicked(text: &str) -> Self {
        let text = format!("{text}. Fix: this is a defect of Dyad, please report it with the log");
        Self { class: Class::Internal, text }
    }

    /// A device without enough memory for what cannot be made smaller.
    pub(super) fn out_of_memory(text: &str) -> Self {
        let text = format!(
            "the device has not enough memory: {text}. Fix: use a smaller `batch_size`, or another \
             `device`"
        );
        Self { class: Class::User, text }
    }

    /// Several failures as one, with the class of the first that the user can mend, or else of the
    /// first; one stays as it is.
    pub(super) fn all(mut failures: Vec<Self>) -> Option<Self> {
        if failures.len() < 2 {
            return failures.pop();
        }
        let class = failures.iter().map(|failure| failure.class);
        let class = class.min_by_key(|class| *class != Class::User)?;
        let lines: Vec<_> =
            failures.iter().map(|failure| format!("\n  {}", failure.text)).collect();
        let text = format!("the run has {} problems:{}", failures.len(), lines.join(";"));
        Some(Self { class, text })
    }

    fn interrupted(error: &dyn Error) -> Self {
        Self { class: Class::Interrupted, text: error.to_string() }
    }

    /// A failure of class `class`, unless an I/O error at its root tells better.
    fn new(class: Class, error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        let mut known = None;
        while let (Some(error), None) = (cause, known) {
            let io = error.downcast_ref::<io::Error>().map(|error| remedy::of_io(error.kind()));
            let http =
                || error.downcast_ref::<HttpError>().map(|error| (remedy::of_http(error), None));
            let problem = || error.downcast_ref::<Problem>().and_then(remedy::of_problem);
            known = io.or_else(http).or_else(problem);
            cause = error.source();
        }
        let (class, remedy) = known.unwrap_or((class, None));
        let text = match remedy {
            Some(remedy) => format!("{error}. Fix: {remedy}"),
            None => error.to_string(),
        };
        Self { class, text }
    }

    /// The process's exit code.
    pub(super) fn code(&self) -> u8 {
        match self.class {
            Class::User => 2,
            Class::Platform => 3,
            Class::Internal => 4,
            // What a process ended by SIGTERM reports.
            Class::Interrupted => 143,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::User => "UserError",
            Class::Platform => "PlatformError",
            Class::Internal => "InternalError",
            Class::Interrupted => "Interrupted",
        };
        write!(f, "{class}: {}", printable(&self.text))
    }
}

/// `text` fit for a terminal: what it quotes from files may hold control sequences, or megabytes.
fn printable(text: &str) -> String {
    const LONGEST: usize = 20_000;
    let plain = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(LONGEST).map(plain).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

macro_rules! user_errors {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(Class::User, &error)
            }
        }
    )*};
}

user_errors!(
    artifacts::Error,
    device::DeviceError,
    embeddings::esm2::EncoderError,
    embeddings::esm2::SourceError,
    estimate::CalibrateError,
    estimate::CalibrationError,
    estimate::InstanceError,
    evaluation::Doubtful,
    evaluation::ScoreFileError,
    interactions::Error,
    pipeline::FetchError,
    sequences::Error,
    sequences::uniprot::Error,
    ContainerError,
    storage::StorageError,
    storage::remote::price_list::PriceError,
    RemoteError
);

impl From<&clap::Error> for Failure {
    /// What clap says, without the usage, on one line.
    fn from(error: &clap::Error) -> Self {
        let text = error.to_string();
        let (cause, usage) = text.split_once("\nUsage: ").unwrap_or((&text, "dyad"));
        let cause = cause.split("\nFor more").next().unwrap_or_default();
        let cause = cause.trim_start_matches("error: ").replace("\n\n  tip: ", "; ");
        let cause: Vec<_> = cause.split_whitespace().collect();
        let words = usage.split_whitespace().take(2);
        let command: Vec<_> = words.filter(|word| !word.starts_with(['<', '[', '-'])).collect();
        Self::usage(format!("{}. Fix: see `{} --help`", cause.join(" "), command.join(" ")))
    }
}

impl From<config::ConfigError> for Failure {
    fn from(error: config::ConfigError) -> Self {
        match error {
            config::ConfigError::Problems(_) => Self::new(Class::User, &error),
            config::ConfigError::Table(_) => Self::internal(&error),
        }
    }
}

impl From<embeddings::Error> for Failure {
    fn from(error: embeddings::Error) -> Self {
        match error {
            embeddings::Error::Interrupted => Self::interrupted(&error),
            error => Self::new(Class::User, &error),
        }
    }
}

impl From<embeddings::upkeep::CacheError> for Failure {
    fn from(error: embeddings::upkeep::CacheError) -> Self {
        match error {
            embeddings::upkeep::CacheError::Interrupted => Self::interrupted(&error),
            error => Self::new(Class::User, &error),
        }
    }
}

impl From<evaluation::Error> for Failure {
    fn from(error: evaluation::Error) -> Self {
        Self::new(Class::User, &error)
    }
}

impl From<inference::Error> for Failure {
    fn from(error: inference::Error) -> Self {
        match error {
            inference::Error::Embeddings(error) => error.into(),
            error => Self::new(Class::User, &error),
        }
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Embeddings(error) => error.into(),
            pipeline::Error::Mmseqs(MmseqsError::Process(ProcessError::Stopped(_))) => {
                Self::interrupted(&error)
            }
            pipeline::Error::Parameters(_) | pipeline::Error::Evaluation(_) => {
                Self::internal(&error)
            }
            pipeline::Error::NoRoom { .. }
            | pipeline::Error::Training(training::Error::Checkpoint(
                CheckpointError::Superseded { .. },
            )) => Self::new(Class::Platform, &error),
            error => Self::new(Class::User, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::storage::Context as _;

    fn of(kind: io::ErrorKind) -> Failure {
        let failed: io::Result<()> = Err(kind.into());
        failed.context("write", Path::new("a.txt")).unwrap_err().into()
    }

    #[test]
    fn exit_codes_are_those_of_the_help() {
        assert_eq!(Failure::usage("x").code(), 2);
        assert_eq!(of(io::ErrorKind::NotFound).code(), 2);
        assert_eq!(of(io::ErrorKind::StorageFull).code(), 3);
        assert_eq!(of(io::ErrorKind::ReadOnlyFilesystem).code(), 3);
        assert_eq!(of(io::ErrorKind::Other).code(), 3);
        assert_eq!(Failure::panicked("x").code(), 4);
        assert_eq!(Failure::from(embeddings::Error::Interrupted).code(), 143);
    }

    #[test]
    fn what_a_failure_quotes_neither_steers_the_terminal_nor_floods_it() {
        let text = Failure::usage(format!("`\u{1b}[2J\0\r` is\nwrong{}", "x".repeat(1 << 20)));
        let text = text.to_string();
        assert!(text.starts_with("UserError: `\u{fffd}[2J\u{fffd}\u{fffd}` is\nwrongxx"));
        assert_eq!(text.chars().count(), "UserError: ".len() + 20_001);
    }

    #[test]
    fn a_failure_says_who_can_mend_it_and_how() {
        let texts = [
            of(io::ErrorKind::ReadOnlyFilesystem),
            Failure::panicked("index out of bounds"),
            Failure::out_of_memory("CUDA out of memory"),
        ];
        insta::assert_snapshot!(texts.map(|failure| failure.to_string()).join("\n"), @"
        PlatformError: cannot write `a.txt`: read-only filesystem or storage medium. Fix: mount it writable
        InternalError: index out of bounds. Fix: this is a defect of Dyad, please report it with the log
        UserError: the device has not enough memory: CUDA out of memory. Fix: use a smaller `batch_size`, or another `device`
        ");
    }
}
