//! `dyad cache ls`: what is there.

use std::fmt::Write as _;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use tracing::info;

use super::{Context, Failure, on_a_cache, open, size, warn_of};
use crate::cli::output;
use crate::embeddings::EmbeddingDtype;
use crate::embeddings::upkeep::{SpaceInventory, inventory};

pub(super) const NAME: &str = "ls";

const EXAMPLES: &str = "\
Examples:
  dyad cache ls
  dyad cache ls --storage-uri s3://bucket/prefix/ --json

A space is what makes embeddings comparable: encoder, limits, number formats. Duplicates are rows
of sequences that another shard holds, too; age is the time since the last shard came. Only the
starts of shards are read, and nothing but their keys is verified: see `dyad cache verify`.";

const HEADER: [&str; 9] =
    ["space", "encoder", "dtype", "dimension", "sequences", "shards", "size", "duplicates", "age"];

pub(super) fn command() -> Command {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue);
    on_a_cache(NAME)
        .about("Lists embedding spaces with encoder, sequences, shards and size")
        .after_help(EXAMPLES)
        .arg(json.help("print JSON instead of a table"))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let cache = open(matches, context)?.cache;
    let found = inventory(&cache, &context.shutdown)?;
    warn_of(&found.foreign);
    for space in &found.spaces {
        warn_of(&space.unreadable.iter().map(|(_, flaw)| flaw.clone()).collect::<Vec<_>>());
    }
    info!("{} embedding space(s) in `{}`", found.spaces.len(), cache.place());
    if matches.get_flag("json") {
        let spaces: Vec<_> = found.spaces.iter().map(description).collect();
        return output::print(&format!("{:#}\n", Value::from(spaces)));
    }
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(found.spaces.iter().map(row));
    output::print(&aligned(&rows))
}

fn description(space: &SpaceInventory) -> Value {
    let sequences = space.sequences();
    json!({
        "space_id": space.id,
        "space": space.space,
        "sequences": sequences,
        "shards": space.shards.len(),
        "bytes": space.bytes(),
        "duplicates": space.rows() - sequences,
        "unreadable": space.unreadable.len(),
        "age_seconds": space.age().map(|age| age.as_secs()),
    })
}

fn row(space: &SpaceInventory) -> [String; 9] {
    let sequences = space.sequences();
    let dtype = match space.space.stored {
        EmbeddingDtype::F32 => "f32",
        EmbeddingDtype::F16 => "f16",
    };
    [
        space.id.clone(),
        // From a file that may be anybody's.
        space.space.model.escape_debug().to_string(),
        dtype.to_owned(),
        space.space.dimension.to_string(),
        sequences.to_string(),
        space.shards.len().to_string(),
        size(space.bytes()),
        (space.rows() - sequences).to_string(),
        space.age().map_or_else(|| "-".to_owned(), age),
    ]
}

/// Columns of equal width, two spaces apart.
fn aligned(rows: &[[String; 9]]) -> String {
    let mut widths = [0; 9];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A time for people, in its largest unit.
fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let shown = [0, 59, 60, 3599, 3600, 86_399, 86_400].map(|s| age(Duration::from_secs(s)));
        assert_eq!(shown, ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d"]);
    }
}
