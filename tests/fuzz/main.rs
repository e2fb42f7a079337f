//! Hostile bytes for every reader of bytes from outside, one module per reader. `make fuzz` runs all
//! of it for minutes, `make fuzz FAULTS=ci` the cut of a minute that gates every change.
//!
//! A case is either built by a strategy that knows the format and gets checksums and names right
//! where the damage lies behind them, or a valid file that was mutated. It passes if the reader
//! gives a value that keeps its promises or an error, within [`driver`]'s time and memory.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails says why"
)]
#![expect(clippy::disallowed_methods, reason = "tests play the user and the platform")]

mod bombs;
mod checkpoints;
mod driver;
mod encoder;
mod fasta;
mod forged;
mod interactions;
mod json;
mod model;
mod mutation;
mod plans;
mod platform;
mod pt;
mod scores;
mod settings;
mod shards;
mod shared;
#[path = "../support/torch_save.rs"]
mod torch_save;
mod uniprot;
