//! `dyad cache`: what people do with stored embeddings.

mod export;
mod gc;
mod ls;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgMatches, Command};
use tracing::warn;

use super::context::Context;
use super::failure::Failure;
use super::options;
use crate::config::Sources;
use crate::embeddings::upkeep::{Cache, Flaw};
use crate::storage::remote::{Patience, Retrying, S3Store};

pub(super) const NAME: &str = "cache";

const KEYS: [&str; 2] = ["storage_uri", "sse_kms_key_id"];
/// How long a request is tried again: somebody is waiting.
const PATIENCE: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
Examples:
  dyad cache ls
  dyad cache ls --storage-uri s3://bucket/prefix/
  dyad cache verify --quarantine
  dyad cache export --space 4f1c --out embeddings --sequences proteins.fasta
  dyad cache gc --storage-uri s3://bucket/prefix/ --apply

Without `--cache` and `--storage-uri` it is the user's cache folder or, where there is a SageMaker
root, the one beside its checkpoints. `dyad cache COMMAND --help` says more.";

/// Which cache, and what is in it.
struct Opened {
    cache: Cache,
    /// Where it is, unless it is in S3.
    folder: Option<PathBuf>,
}

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Lists, verifies, exports and cleans up stored embeddings")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(ls::command())
        .subcommand(verify::command())
        .subcommand(export::command())
        .subcommand(gc::command())
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    match matches.subcommand() {
        Some((ls::NAME, matches)) => ls::run(matches, context),
        Some((verify::NAME, matches)) => verify::run(matches, context),
        Some((export::NAME, matches)) => export::run(matches, context),
        Some((_, matches)) => gc::run(matches, context),
        None => Ok(()),
    }
}

/// A command with the options that say which cache.
fn on_a_cache(name: &'static str) -> Command {
    Command::new(name)
        .arg(options::cache().conflicts_with("storage_uri"))
        .arg(options::config_file())
        .args(options::keys(|key| KEYS.contains(&key.name)))
}

fn open(matches: &ArgMatches, context: &Context) -> Result<Opened, Failure> {
    let config = options::resolve(matches, context, Sources::default())?.config;
    let given = matches.get_one::<PathBuf>("cache").cloned();
    if let (None, Some(access)) = (&given, config.access()) {
        let patience = Patience { deadline: PATIENCE, stop: context.shutdown.flag() };
        let objects = Retrying::new(Arc::new(S3Store::connect(access)?), patience);
        return Ok(Opened { cache: Cache::remote(Arc::new(objects)), folder: None });
    }
    let folder = given.or_else(|| context.kept_cache()).unwrap_or_else(|| context.user_cache());
    Ok(Opened { cache: Cache::local(&folder), folder: Some(folder) })
}

/// Says what is left alone because nobody understands it.
fn warn_of(flaws: &[Flaw]) {
    for Flaw { uri, problem } in flaws {
        warn!("`{uri}`: {problem}; left alone");
    }
}

/// A size for people.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{value:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let shown = [0, 1023, 1024, 1536, 33 << 20, 5 << 40].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "33.0 MiB", "5.0 TiB"]);
    }
}
