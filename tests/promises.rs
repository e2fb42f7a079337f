//! What Dyad promises its users, one module per promise. They run the real binary.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that fails says why, and makes the files it needs"
)]

mod commands;
mod layering;
mod messages;
mod support;
