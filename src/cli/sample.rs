//! `dyad sample`: a synthetic interactome to try everything with.

use clap::{Arg, ArgAction, ArgMatches, Command};
use tracing::info;

use super::failure::Failure;
use super::options;
use crate::sample::{self, Settings};

pub(super) const NAME: &str = "sample";

const EXAMPLES: &str = "\
Examples:
  dyad sample --out sample                  interactions.txt and proteins.fasta to learn from
  dyad sample --out control --shuffled      the same graph without signal: AUROC near 0.5";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Writes a synthetic interactome with a planted signal, as HINT and FASTA files")
        .after_help(EXAMPLES)
        .arg(options::path("out", "DIR", "folder to write to").required(true))
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_name("N")
                .default_value("1")
                .value_parser(options::number::<u64>("expected an integer from 0 on"))
                .help("another seed gives another interactome"),
        )
        .arg(
            Arg::new("shuffled")
                .long("shuffled")
                .action(ArgAction::SetTrue)
                .help("deal the sequences anew: the graph stays, the signal goes"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let seed = matches.get_one::<u64>("seed").copied().unwrap_or_default();
    let settings = Settings { seed, shuffled: matches.get_flag("shuffled") };
    let folder = options::required(matches, "out");
    sample::write(&sample::generate(&settings), &folder)?;
    info!("interactions.txt and proteins.fasta written to `{}`", folder.display());
    Ok(())
}
