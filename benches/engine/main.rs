//! One measurement of Dyad's engine in a process of its own.
//!
//! `make bench` and `make bench-gpu` call it: the argument is what to do, as JSON, and standard
//! output gets what was measured, one line of JSON. `docs/performance.md` says what the numbers mean.
#![expect(clippy::print_stdout, reason = "the measurement is the result")]
#![expect(clippy::print_stderr, reason = "the reason why there is none")]
#![expect(clippy::disallowed_methods, reason = "weights that nobody keeps")]

mod embed;
mod gemm;
mod learn;
mod meter;
mod weights;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use dyad::device::{self, ComputeDevice, DeviceChoice};
use serde::Deserialize;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What to measure, or to make ready.
#[derive(Deserialize)]
#[serde(tag = "work", rename_all = "snake_case", deny_unknown_fields)]
enum Work {
    /// Residues per second of an encoder on the first sequences of a FASTA file.
    Embed { backend: String, precision: String, encoder: PathBuf, sequences: PathBuf, count: usize },
    /// Pairs per second of one epoch of training.
    Train { backend: String, batch: usize },
    /// Pairs per second of scoring with a table of halves.
    Score { backend: String },
    /// Operations per second of matrix products `[rows, inner] x [inner, columns]`.
    Gemm { backend: String, precision: String, shapes: Vec<gemm::Shape> },
    /// Writes an encoder of the given shape with random weights.
    Weights { folder: PathBuf, shape: weights::Shape },
    /// Whether the backend is there.
    Device { backend: String },
}

fn main() -> ExitCode {
    match measure(Instant::now()) {
        Ok(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the argument says; `started` is when the process was.
fn measure(started: Instant) -> Result<Value> {
    // As the program does.
    device::keep_freed_memory();
    // Cargo adds an argument of its own.
    let argument = std::env::args().skip(1).find(|argument| argument != "--bench");
    let argument = argument.unwrap_or_default();
    let work = serde_json::from_str(&argument)
        .map_err(|error| format!("not a work order ({error}); `make bench` gives them"))?;
    Ok(match work {
        Work::Embed { backend, precision, encoder, sequences, count } => {
            let input = embed::Input { precision, encoder, sequences, count };
            embed::measure(&named(&backend)?, &input, started)?
        }
        Work::Train { backend, batch } => learn::train(&named(&backend)?, batch)?,
        Work::Score { backend } => learn::score(&named(&backend)?)?,
        Work::Gemm { backend, precision, shapes } => {
            gemm::measure(&named(&backend)?, &precision, &shapes)?
        }
        Work::Weights { folder, shape } => {
            weights::write(&folder, shape)?;
            json!({"folder": folder})
        }
        Work::Device { backend } => json!({"backend": named(&backend)?.name}),
    })
}

/// `flex cpu`, `libtorch cpu` or `libtorch cuda:N`, by its name as an engine.
fn named(backend: &str) -> Result<ComputeDevice> {
    if let Some(number) = backend.strip_prefix("libtorch cuda:") {
        return Ok(device::resolve(DeviceChoice::Cuda(number.parse()?))?);
    }
    Ok(device::cpu_of(backend).ok_or_else(|| format!("this build has no backend `{backend}`"))?)
}

/// The fields of several objects in one.
fn merged<const N: usize>(objects: [Value; N]) -> Value {
    let fields = objects.into_iter().filter_map(|object| match object {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(fields.flatten().collect())
}
