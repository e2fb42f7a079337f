//! What Dyad promises its users, one module per promise. They run the real binary.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails says why")]

mod documentation;
mod layering;
mod support;
