//! Log lines: plain text on standard error, one line per event, filtered by `DYAD_LOG`.
//!
//! Whatever the filter says, other crates' lines below `info` are dropped: at `trace` the SDK prints
//! signed requests with their credentials, and hundreds of lines for each.

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::context::{Context, ProgressStyle};
use super::failure::Failure;

const DEFAULT_FILTER: &str = "info";

/// Sends log lines to standard error; bars, where shown, step aside for each line.
///
/// Where a variable is wrong the log is there all the same, to say so.
pub(super) fn install(context: &Context) -> Result<(), Failure> {
    let wanted = context.variable("DYAD_LOG").unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(wanted);
    let understood = filter.is_ok();
    let colours = io::stderr().is_terminal() && !context.root.exists();
    let bars = (context.style == ProgressStyle::Bars).then(|| context.bars.clone());
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER)))
        .with_ansi(colours)
        .with_target(false)
        .with_writer(move || LogWriter { bars: bars.clone() })
        .finish()
        .with(filter_fn(may_be_shown))
        .try_init()
        .map_err(|error| Failure::internal(&error))?;
    if !understood {
        let expected =
            "a level (`error`, `warn`, `info`, `debug`) or a filter like `info,dyad=debug`";
        return Err(Failure::usage(format!(
            "`DYAD_LOG` = `{wanted}` (environment): expected {expected}"
        )));
    }
    match context.variable("DYAD_PROGRESS") {
        None | Some("bars" | "lines" | "none") => Ok(()),
        Some(other) => Err(Failure::usage(format!(
            "`DYAD_PROGRESS` = `{other}` (environment): expected `bars`, `lines` or `none`"
        ))),
    }
}

/// Whether a line is free of what others must not read.
fn may_be_shown(line: &Metadata<'_>) -> bool {
    let ours = line.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    ours || *line.level() <= Level::INFO
}

struct LogWriter {
    bars: Option<MultiProgress>,
}

impl Write for LogWriter {
    /// CloudWatch shows carriage returns and tabs as `#015` and `#011`; quoted input may hold them.
    ///
    /// A line that cannot be written is lost and ends nothing: `tracing` would report the failure
    /// on the same standard error, and panic there.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let plain = |byte: &u8| if matches!(byte, b'\r' | b'\t') { b' ' } else { *byte };
        let line: Vec<u8> = bytes.iter().map(plain).collect();
        match &self.bars {
            Some(bars) => drop(bars.suspend(|| io::stderr().write_all(&line))),
            None => drop(io::stderr().write_all(&line)),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
