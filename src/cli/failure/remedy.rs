//! What lies at the root of an error: who can mend it, and how where its own text does not say it.

use std::io;

use super::Class;
use crate::http::HttpError;
use crate::storage::remote::Problem;

/// Who can mend an I/O error, and how.
pub(super) fn of_io(kind: io::ErrorKind) -> (Class, Option<&'static str>) {
    use io::ErrorKind as Kind;
    match kind {
        Kind::NotFound => (Class::User, Some("check the path")),
        Kind::PermissionDenied => {
            (Class::User, Some("give this user the permission or, in a container, run as root"))
        }
        Kind::IsADirectory | Kind::NotADirectory | Kind::AlreadyExists => {
            let remedy = "check the path: a file lies where a folder is needed, or the reverse";
            (Class::User, Some(remedy))
        }
        Kind::InvalidInput => (Class::User, Some("give a file, or a folder of files")),
        Kind::InvalidData | Kind::UnexpectedEof => {
            (Class::User, Some("the file is damaged; fetch it again"))
        }
        Kind::StorageFull | Kind::QuotaExceeded => (
            Class::Platform,
            Some("free space there or use a larger volume, and run again; what was done is kept"),
        ),
        Kind::FileTooLarge => (
            Class::Platform,
            Some(
                "raise the limit on the size of files (`ulimit -f`), and run again; what was done is kept",
            ),
        ),
        Kind::ReadOnlyFilesystem => (Class::Platform, Some("mount it writable")),
        _ => (Class::Platform, None),
    }
}

/// Who can mend a failure of S3, and how, where its text does not say it.
pub(super) fn of_problem(problem: &Problem) -> Option<(Class, Option<&'static str>)> {
    match problem {
        Problem::Transient(_) | Problem::Unreachable(_) | Problem::Damaged(_) | Problem::Away => {
            Some((Class::Platform, Some("run again; what was done is kept")))
        }
        _ => None,
    }
}

/// Who can mend a failure of a server that is asked.
pub(super) fn of_http(error: &HttpError) -> Class {
    match error {
        HttpError::Refused { .. } => Class::User,
        HttpError::Stopped => Class::Interrupted,
        HttpError::Client(_) | HttpError::Unanswered { .. } | HttpError::Unusable { .. } => {
            Class::Platform
        }
    }
}
