//! What Dyad promises its users, one module per promise. They run the real binary.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails says why")]
#![expect(clippy::disallowed_methods, reason = "tests play the user and the platform")]

mod commands;
mod documentation;
mod fetch;
mod formats;
mod hub;
mod layering;
mod messages;
mod python;
mod resume;
mod root;
#[allow(dead_code, unused_imports, reason = "shared with the other tests")]
mod support;
