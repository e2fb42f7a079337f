//! Why a request has no answer that can be used.

/// A request that failed for good.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No client can be made.
    #[error(
        "cannot prepare for requests over the network: {0}; install the system's certificates \
         (package `ca-certificates`)"
    )]
    Client(String),
    /// The time for it is over.
    #[error(
        "no usable answer of `{url}` within {seconds} s ({attempts} attempt(s)): {problem}; check the \
         network and run again, what was fetched is kept"
    )]
    Unanswered {
        /// The address without its query.
        url: String,
        /// Seconds that all requests of the command together have taken.
        seconds: u64,
        /// Attempts of this request.
        attempts: u32,
        /// What the last one ended with.
        problem: String,
    },
    /// Again and again the answer is something else than what was asked for.
    #[error("the answer of `{url}` cannot be used: {problem}; check the address")]
    Unusable {
        /// The address without its query.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// The server refuses.
    #[error("`{url}` refuses: {problem}; check the address and what is asked for")]
    Refused {
        /// The address without its query.
        url: String,
        /// What it said.
        problem: String,
    },
    /// A stop was asked for.
    #[error("stopped while fetching; what was fetched is kept: run again to continue")]
    Stopped,
}
