//! `dyad cache export`: embeddings for other programs.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use tracing::info;

use super::{Context, Failure, on_a_cache, open};
use crate::cli::options;
use crate::digest::Digest;
use crate::embeddings::upkeep::{Export, Format, export, find_space};
use crate::protein::Accession;
use crate::sequences;

pub(super) const NAME: &str = "export";

const EXAMPLES: &str = "\
Examples:
  dyad cache export --space 4f1c --out embeddings
  dyad cache export --space 4f1c --out embeddings --sequences proteins.fasta --format parquet

NumPy: DIR/embeddings.npy holds [sequences, dimension] in the number format of the store,
DIR/keys.tsv names its rows by the SHA-256 of their sequences and, with --sequences, by accession,
DIR/space.json says what computed them. Parquet (a cargo feature): DIR/embeddings.parquet with the
columns sha256, residues, accessions and embedding. All sequences of the space are written.";

pub(super) fn command() -> Command {
    let text =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    on_a_cache(NAME)
        .about("Writes the embeddings of a space for NumPy or as Parquet")
        .after_help(EXAMPLES)
        .arg(
            text("space", "ID")
                .required(true)
                .help("the space, as `dyad cache ls` shows it; the start of its id will do"),
        )
        .arg(options::path("out", "DIR", "folder to write to").required(true))
        .arg(
            text("format", "WORD")
                .value_parser(["npy", "parquet"])
                .default_value("npy")
                .help("what is written"),
        )
        .arg(options::path("sequences", "PATH", "FASTA file, or a folder of them, for names"))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let cache = open(matches, context)?.cache;
    let out = options::required(matches, "out");
    let format = match matches.get_one::<String>("format").map(String::as_str) {
        Some("parquet") => Format::Parquet,
        _ => Format::Npy,
    };
    let names = matches.get_one::<PathBuf>("sequences").map(names).transpose()?;
    let id = matches.get_one::<String>("space").map_or("", String::as_str);
    let space = find_space(&cache, id, &context.shutdown)?;
    let job =
        Export { cache: &cache, space: &space, names: names.as_ref(), shutdown: &context.shutdown };
    let written = export(&job, format, &out)?;
    info!("{written} embeddings of space {} written to `{}`", space.id, out.display());
    Ok(())
}

fn names(path: &PathBuf) -> Result<HashMap<Digest, Vec<Accession>>, Failure> {
    let mut names: HashMap<_, Vec<_>> = HashMap::new();
    for entry in sequences::read(std::slice::from_ref(path))?.entries() {
        names.entry(entry.sequence.digest()).or_default().push(entry.accession.clone());
    }
    Ok(names)
}
