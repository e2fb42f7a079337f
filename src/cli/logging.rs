//! Log lines: plain text on standard error, one line per event, filtered by `DYAD_LOG`.

use std::error::Error;
use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;

use super::context::{Context, ProgressStyle};

/// Sends log lines to standard error; bars, where shown, step aside for each line.
pub(super) fn install(context: &Context) -> Result<(), Box<dyn Error + Send + Sync>> {
    let filter = EnvFilter::try_new(context.variable("DYAD_LOG").unwrap_or("info"))?;
    let colours = io::stderr().is_terminal() && !context.root.exists();
    let bars = (context.style == ProgressStyle::Bars).then(|| context.bars.clone());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_target(false)
        .with_writer(move || LogWriter { bars: bars.clone() })
        .try_init()
}

struct LogWriter {
    bars: Option<MultiProgress>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.bars {
            Some(bars) => bars.suspend(|| io::stderr().write_all(bytes))?,
            None => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
