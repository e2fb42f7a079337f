//! `dyad cache verify`: every value of every shard.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use tracing::{info, warn};

use super::{Context, Failure, on_a_cache, open, size, warn_of};
use crate::cli::output;
use crate::embeddings::upkeep::{CacheError, Damaged, inventory, quarantine, verify};

pub(super) const NAME: &str = "verify";

const EXAMPLES: &str = "\
Examples:
  dyad cache verify
  dyad cache verify --quarantine
  dyad cache verify --storage-uri s3://bucket/prefix/

Reads all shards and compares their names with their content, and every row with its checksum.
Damaged shards are printed with what to do about them, and the exit code is 2. No job uses them.";

pub(super) fn command() -> Command {
    on_a_cache(NAME)
        .about("Verifies every shard and names those that are damaged")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("quarantine")
                .long("quarantine")
                .action(ArgAction::SetTrue)
                .conflicts_with("storage_uri")
                .help(
                    "move damaged shards of a folder aside, so that their rows are computed again",
                ),
        )
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let opened = open(matches, context)?;
    let aside = matches.get_flag("quarantine");
    let folder = match (aside, &opened.folder) {
        (true, None) => {
            let text = "`--quarantine` is for folders: what to do about shards in S3 is printed";
            return Err(Failure::usage(text));
        }
        (true, folder) => folder.as_deref(),
        (false, _) => None,
    };
    let found = inventory(&opened.cache, &context.shutdown)?;
    warn_of(&found.foreign);
    let verified = verify(&opened.cache, &found, &context.shutdown)?;
    let place = opened.cache.place();
    if verified.shards == 0 {
        warn!("there is no shard in `{place}`");
    }
    let mut text = String::new();
    for damaged in &verified.damaged {
        let remedy = remedy(damaged, opened.folder.is_none(), folder)?;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}\n  {remedy}", damaged.flaw.uri, damaged.flaw.problem);
    }
    output::print(&text)?;
    match verified.damaged.len() {
        0 => {
            let (shards, size) = (verified.shards, size(verified.bytes));
            info!("{shards} shard(s) of `{place}` are as they should be ({size})");
            Ok(())
        }
        damaged => Err(Failure::usage(format!(
            "damaged in `{place}`: {damaged} of {} shard(s); they are listed with what to do",
            verified.shards
        ))),
    }
}

/// What to do about a damaged shard, or what was done: with `folder` it is moved aside.
fn remedy(damaged: &Damaged, in_bucket: bool, folder: Option<&Path>) -> Result<String, CacheError> {
    if let Some(folder) = folder {
        let to = quarantine(folder, damaged)?;
        return Ok(format!("moved to `{}`; the next job computes its rows again", to.display()));
    }
    Ok(match in_bucket {
        true => format!(
            "remove it with `aws s3 rm {}`: jobs leave it out, and one that has or computes its rows \
             uploads them",
            damaged.flaw.uri
        ),
        false => {
            "`dyad cache verify --quarantine` moves it aside, as the next job will; its rows are \
                  computed again"
                .to_owned()
        }
    })
}
