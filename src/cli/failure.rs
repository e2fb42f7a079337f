//! Failures: the one place that gives every error its class, exit code and text.

use std::error::Error;
use std::fmt;
use std::io;

use super::context::Context;
use crate::container::{self, ContainerError};
use crate::{artifacts, storage};
use crate::{config, device, embeddings, evaluation, inference, interactions, pipeline, sequences};

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
        let text = format!("{text}. Fix: this is a defect of Dyad; please report it with the log");
        Self { class: Class::Internal, text }
    }

    fn interrupted(error: &dyn Error) -> Self {
        Self { class: Class::Interrupted, text: error.to_string() }
    }

    /// A failure of class `class`, unless an I/O error at its root tells better.
    fn new(class: Class, error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        let mut io = None;
        while let (Some(error), None) = (cause, io) {
            io = error.downcast_ref::<io::Error>().map(io::Error::kind);
            cause = error.source();
        }
        let (class, remedy) = io.map_or((class, None), of_io);
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

    /// Writes the failure file where there is a SageMaker root.
    pub(super) fn write(&self, context: &Context) {
        if context.root.exists()
            && let Err(error) = container::write_failure(&context.root, &self.to_string())
        {
            tracing::error!("{error}");
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
        write!(f, "{class}: {}", self.text)
    }
}

/// Who can mend an I/O error, and how.
fn of_io(kind: io::ErrorKind) -> (Class, Option<&'static str>) {
    use io::ErrorKind as Kind;
    match kind {
        Kind::NotFound => (Class::User, Some("check the path")),
        Kind::PermissionDenied => {
            (Class::User, Some("make it readable, or for results writable, for this user"))
        }
        Kind::IsADirectory | Kind::NotADirectory => {
            (Class::User, Some("give a file where a file is needed, a folder where a folder is"))
        }
        Kind::InvalidData | Kind::InvalidInput | Kind::UnexpectedEof => {
            (Class::User, Some("the file is damaged; fetch it again"))
        }
        Kind::StorageFull | Kind::QuotaExceeded => (
            Class::Platform,
            Some("free space there, or use a larger volume; what was done is kept"),
        ),
        Kind::ReadOnlyFilesystem => (Class::Platform, Some("mount it writable")),
        _ => (Class::Platform, None),
    }
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
    evaluation::ScoreFileError,
    interactions::Error,
    sequences::Error,
    ContainerError,
    storage::StorageError
);

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

impl From<evaluation::Error> for Failure {
    fn from(error: evaluation::Error) -> Self {
        Self::new(Class::User, &error)
    }
}

impl From<inference::Error> for Failure {
    fn from(error: inference::Error) -> Self {
        match error {
            inference::Error::Embeddings(error) => error.into(),
            inference::Error::Parameters(_) => Self::internal(&error),
            error => Self::new(Class::User, &error),
        }
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Embeddings(error) => error.into(),
            pipeline::Error::Parameters(_) | pipeline::Error::Evaluation(_) => {
                Self::internal(&error)
            }
            error => Self::new(Class::User, &error),
        }
    }
}
