//! The `dyad` program; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dyad::cli::run(std::env::args_os(), std::env::vars_os())
}
