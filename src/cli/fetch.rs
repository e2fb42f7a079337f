//! `dyad fetch`: sequences from UniProt as a FASTA file, or an encoder of Hugging Face.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::slice;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{bucket, encoder, options, output};
use crate::config::{RunConfig, Sources};
use crate::interactions::{self, InteractionSet, Settings};
use crate::pipeline::Fetching;
use crate::protein::Accession;
use crate::sequences;
use crate::sequences::uniprot::{self, Fetched, KeptAnswers, Outcome, Reuse};
use crate::storage::{self, Lines};

pub(super) const NAME: &str = "fetch";

const KEYS: [&str; 19] = [
    "encoder",
    "uniprot_url",
    "uniprot_parallel",
    "fetch_seconds",
    "offline",
    "hint_url",
    "hint_release",
    "hint_quality",
    "hint_kind",
    "min_publications",
    "evidence",
    "min_score",
    "taxon",
    "expanded_complexes",
    "self_pairs",
    "label_column",
    "max_dropped_fraction",
    "storage_uri",
    "sse_kms_key_id",
];

/// Residues per line, as UniProt writes them.
const WIDTH: usize = 60;

const EXAMPLES: &str = "\
Examples:
  dyad fetch --interactions hint:HomoSapiens --out human.fasta
  dyad fetch --interactions hint.txt --sequences proteins.fasta --out missing.fasta
  dyad fetch --accessions list.txt --out proteins.fasta
  dyad fetch --encoder esm2_t33_650M_UR50D

Of pairs that `train` would not use with the same settings nothing is fetched. FILE is named by the
accessions that were asked for: a merged one has the sequence of the entry that took its place, a
deleted one its last sequence in UniParc. FILE.outcomes.tsv says what became of each. Answers are kept in the cache folder, and with --storage-uri in S3: a fetch that was stopped
goes on where it was, and `train` with missing_sequences=fetch asks for nothing again. Of an encoder
the folder is printed: in the cache of Hugging Face's own programs (HF_HOME), and with --storage-uri
also in S3.";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Fetches sequences from UniProt, or an encoder from Hugging Face")
        .after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
        .group(
            ArgGroup::new("wanted").args(["interactions", "accessions", "encoder"]).required(true),
        )
        .arg(options::path(
            "interactions",
            "PATH",
            "pairs whose proteins are fetched: a file, a folder, or hint:SPECIES",
        ))
        .arg(options::path("accessions", "FILE", "accessions to fetch, one per line"))
        .arg(options::path(
            "sequences",
            "PATH",
            "FASTA that is there already; what it has is not fetched",
        ))
        .arg(options::path("out", "FILE", "FASTA file to write").required_unless_present("encoder"))
        .arg(
            Arg::new("refresh")
                .long("refresh")
                .action(ArgAction::SetTrue)
                .conflicts_with("offline")
                .help("ask for everything again, for the sequences of today's release"),
        )
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|key| KEYS.contains(&key.name)))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let config = options::resolve(matches, context, Sources::default())?.config;
    if matches.contains_id("encoder") {
        return fetch_encoder(matches, context, &config);
    }
    let out = output::file(matches)?.unwrap_or_default();
    let cache = bucket::cache(matches, context, &config)?;
    let observer = context.observer();
    let fetching = Fetching {
        config: &config,
        cache: &cache,
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let names = wanted(matches, &fetching)?;
    let reuse = if matches.get_flag("refresh") { Reuse::Nothing } else { Reuse::Kept };
    let job = uniprot::Job {
        settings: &config.sequences.uniprot,
        kept: &KeptAnswers::new(&cache.folder, cache.remote.clone()),
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let fetched = uniprot::fetch(&job, &names, reuse)?;
    let mut report = out.clone().into_os_string();
    report.push(".outcomes.tsv");
    storage::write_atomic(&PathBuf::from(report), outcomes(&names, &fetched).as_bytes())?;
    storage::write_atomic(&out, fasta(&fetched).as_bytes())?;
    let written = fetched.entries().count();
    info!("{written} sequences written to `{}`", out.display());
    if written == 0 && !names.is_empty() {
        warn!("not one of the {} accessions has a sequence", names.len());
    }
    let mut table = String::from("outcome\taccessions\n");
    for (outcome, count) in &fetched.audit.outcomes {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{outcome}\t{count}");
    }
    output::print(&table)
}

/// Fetches an encoder and prints its folder.
fn fetch_encoder(
    matches: &ArgMatches,
    context: &Context,
    config: &RunConfig,
) -> Result<(), Failure> {
    let source = encoder::named(config, NAME)?;
    let cache = bucket::cache(matches, context, config)?;
    let observer = context.observer();
    let fetching = Fetching {
        config,
        cache: &cache,
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let located = encoder::located(&source, context, &fetching)?;
    located.open()?;
    bucket::settle(&cache, context);
    output::print(&format!("{}\n", located.folder.display()))
}

/// The accessions that are asked for and are not in the user's FASTA.
fn wanted(matches: &ArgMatches, fetching: &Fetching<'_>) -> Result<BTreeSet<Accession>, Failure> {
    let mut names: BTreeSet<_> = match matches.get_one::<PathBuf>("accessions") {
        Some(path) => listed(path)?.into_iter().collect(),
        None => paired(matches, fetching)?,
    };
    if let Some(path) = matches.get_one::<PathBuf>("sequences") {
        let there = sequences::read(slice::from_ref(path))?;
        names.retain(|name| !there.has_own(name));
    }
    Ok(names)
}

/// The proteins of the pairs that `train` uses with the same settings.
fn paired(matches: &ArgMatches, fetching: &Fetching<'_>) -> Result<BTreeSet<Accession>, Failure> {
    let (path, _) = fetching.interactions(options::interactions(matches).as_deref())?;
    let settings = &fetching.config.interactions;
    let pairs = interactions::read(slice::from_ref(&path), settings)?;
    let names = pairs.accessions().cloned().collect();
    // A subset is drawn among pairs that have sequences, which are still to be fetched.
    let whole = Settings { max_proteins: None, max_pairs: None, ..settings.clone() };
    let InteractionSet { audit, .. } = pairs.resolve(|_| true, &whole)?;
    info!("interactions, before sequences are looked for:\n{audit}");
    Ok(names)
}

/// The first word of every line.
pub(super) fn listed(path: &Path) -> Result<Vec<Accession>, Failure> {
    let (mut lines, _) = Lines::open(path)?;
    let mut names = Vec::new();
    while let Some((number, line)) = lines.next_line().map_err(sequences::Error::from)? {
        let word = line.split_whitespace().next().unwrap_or_default();
        let name = word.parse::<Accession>().map_err(|error| {
            let path = path.display();
            Failure::usage(format!("`{path}` line {number}: {error}; give one accession per line"))
        })?;
        names.push(name);
    }
    Ok(names)
}

fn fasta(fetched: &Fetched) -> String {
    let mut text = String::new();
    for (name, record) in &fetched.records {
        let Some(sequence) = record.sequence() else { continue };
        let origin = match &record.outcome {
            Outcome::Merged { into } => format!(" merged into {into}"),
            Outcome::Deleted { uniparc: Some(uniparc) } => {
                format!(" deleted, {uniparc} of UniParc")
            }
            _ => String::new(),
        };
        let _ = writeln!(text, ">{name}{origin}");
        for line in sequence.residues().as_bytes().chunks(WIDTH) {
            let _ = writeln!(text, "{}", String::from_utf8_lossy(line));
        }
    }
    text
}

fn outcomes(names: &BTreeSet<Accession>, fetched: &Fetched) -> String {
    let mut text = String::from("accession\toutcome\tdetail\trelease\n");
    for name in names {
        let record = fetched.records.get(name);
        let (outcome, detail) = uniprot::bucket(name, record);
        let release = record.map(|record| record.release.as_str()).unwrap_or_default();
        let _ = writeln!(text, "{name}\t{outcome}\t{detail}\t{release}");
    }
    text
}
