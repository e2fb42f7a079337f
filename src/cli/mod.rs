//! Commands: what the outermost layer adds to the library. Arguments, environment and SageMaker
//! root come in, tables, logs, exit codes and the failure file go out.

mod bucket;
mod cache;
mod context;
mod embed;
mod encoder;
mod estimate;
mod evaluate;
mod failure;
mod fetch;
mod job;
mod logging;
mod options;
mod output;
mod predict;
mod sample;
mod schema;
mod train;
mod validate;
mod watch;

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use tracing::{debug, error, warn};

use crate::{container, device};
use context::Context;
use failure::Failure;

/// What a program without command runs where a SageMaker root exists.
const DEFAULT_COMMAND: &str = "train";

const SUCCESS: u8 = 0;

const EXAMPLES: &str = "\
Examples:
  dyad sample --out sample
  dyad train --interactions sample/interactions.txt --sequences sample/proteins.fasta \\
      --encoder models/esm2_t6_tiny --out run
  dyad predict --model run --pairs pairs.tsv --sequences sample/proteins.fasta \\
      --encoder models/esm2_t6_tiny

Where a SageMaker root exists (/opt/ml, or what SAGEMAKER_BASE_DIR names), `dyad` alone trains:
channels and hyperparameters say it all.

Exit codes: 0 success, 2 something you can mend (input, settings, arguments), 3 something the
machine lacks (disk space, a writable file system), 4 a defect of Dyad.";

/// Runs the program with its arguments, of which the first is its own name, and its environment.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    device::keep_freed_memory();
    let context = Context::new(environment);
    let code = end_code(arguments, &context);
    if context.shutdown.requested() {
        // A batch that was abandoned may still be computed, and nobody waits for it.
        container::leave(code);
    }
    ExitCode::from(code)
}

/// Runs the program and reports a failure; the exit code.
fn end_code(arguments: impl IntoIterator<Item = OsString>, context: &Context) -> u8 {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.len() == 1 && context.root.exists() {
        arguments.push(DEFAULT_COMMAND.into());
    }
    if let Err(failure) = logging::install(context) {
        return finish(context, &failure);
    }
    if context.root.exists()
        && let Err(error) = container::forget_failure(&context.root)
    {
        warn!("{error}");
    }
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return refuse(context, &error),
    };
    if let Err(error) = container::install_signals(&context.shutdown) {
        return finish(context, &Failure::internal(&error));
    }
    match guarded(&matches, context) {
        Ok(()) => SUCCESS,
        Err(failure) => finish(context, &failure),
    }
}

fn command() -> Command {
    Command::new("dyad")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Trains protein-protein interaction classifiers from pairs, sequences and ESM-2")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(train::command())
        .subcommand(validate::command())
        .subcommand(fetch::command())
        .subcommand(embed::command())
        .subcommand(predict::command())
        .subcommand(evaluate::command())
        .subcommand(estimate::command())
        .subcommand(cache::command())
        .subcommand(sample::command())
        .subcommand(schema::command())
}

fn dispatch(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    match matches.subcommand() {
        Some((train::NAME, matches)) => train::run(matches, context),
        Some((validate::NAME, matches)) => validate::run(matches, context),
        Some((fetch::NAME, matches)) => fetch::run(matches, context),
        Some((embed::NAME, matches)) => embed::run(matches, context),
        Some((predict::NAME, matches)) => predict::run(matches, context),
        Some((evaluate::NAME, matches)) => evaluate::run(matches, context),
        Some((estimate::NAME, matches)) => estimate::run(matches, context),
        Some((cache::NAME, matches)) => cache::run(matches, context),
        Some((schema::NAME, matches)) => schema::run(matches),
        Some((_, matches)) => sample::run(matches),
        None => Ok(()),
    }
}

/// Runs the command; a panic becomes a failure like any other, so that its reason is reported.
fn guarded(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    panic::set_hook(Box::new(|info| {
        if device::is_out_of_memory(info.payload()) {
            // Embedding goes on; where nothing does, it is reported like any failure.
            debug!("panic: {info}");
        } else {
            error!("panic: {info}");
        }
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(|| dispatch(matches, context)));
    result.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("a panic without message");
        Err(match device::is_out_of_memory(payload.as_ref()) {
            true => Failure::out_of_memory(text),
            false => Failure::panicked(text),
        })
    })
}

/// Arguments that clap answers itself: help and version, or a usage error.
fn refuse(context: &Context, error: &clap::Error) -> u8 {
    let helped = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let failure = Failure::from(error);
    if context.root.exists() && !helped {
        return finish(context, &failure);
    }
    // Nothing can be done if the terminal is gone.
    let _ = error.print();
    if helped { SUCCESS } else { failure.code() }
}

/// Reports a failure in the log and, where there is a SageMaker root, in its failure file; its exit
/// code.
fn finish(context: &Context, failure: &Failure) -> u8 {
    let text = failure.to_string();
    if context.root.exists() {
        let line = container::failure_line(&text);
        if !text.split_whitespace().eq(line.split_whitespace()) {
            error!("in full: {text}");
        }
        if let Err(error) = container::write_failure(&context.root, &line) {
            error!("{error}");
        }
        // What the platform shows is also the last line of the log.
        error!("{line}");
    } else {
        error!("{text}");
    }
    failure.code()
}
