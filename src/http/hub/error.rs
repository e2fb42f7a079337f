//! Why a file of the hub cannot be had.

use crate::http::HttpError;
use crate::storage::StorageError;

/// A file or model that cannot be had from the hub.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The hub does not answer, or not as it should.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// It has no such thing.
    #[error("the hub has no `{url}`; check name and revision")]
    Absent {
        /// What was asked for.
        url: String,
    },
    /// It wants to know who asks, and nobody says so.
    #[error(
        "the hub does not show `{url}` without a token (status {status}): there is no such model, or \
         it is private or gated; check the name, or set `HF_TOKEN`"
    )]
    TokenNeeded {
        /// What was asked for.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// It knows who asks and refuses.
    #[error(
        "the hub does not show `{url}` to the owner of the token (status {status}): there is no such \
         model, the token is not valid, or access was not granted; check the name, and the model's page"
    )]
    TokenRefused {
        /// What was asked for.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// What was fetched cannot be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
