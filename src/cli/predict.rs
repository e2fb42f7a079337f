//! `dyad predict`: probabilities of pairs as a table.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{bucket, encoder, options, output};
use crate::artifacts::Model;
use crate::config::Key;
use crate::device;
use crate::embeddings::esm2::Source;
use crate::inference::Predictor;
use crate::interactions::{self, ListedPair};
use crate::pipeline::Fetching;
use crate::storage::write_atomic;

pub(super) const NAME: &str = "predict";

/// Settings of the machine; everything else comes with the model.
const KEYS: [&str; 4] = ["token_budget", "device", "storage_uri", "sse_kms_key_id"];

/// What stands in the place of a probability where a sequence is missing.
const NO_SCORE: &str = "NA";

const EXAMPLES: &str = "\
Example:
  dyad predict --model run --pairs pairs.tsv --sequences proteins.fasta --encoder esm2_t33_650M_UR50D

Pairs are read like interactions: a HINT, MITAB or STRING file, or a table of two identifiers. Every
row gives one row of output in the same order, identifiers first, probability last; `NA` where a
protein has no sequence. The order of the two proteins makes no difference. Without --sequences all
sequences come from UniProt, with --missing-sequences fetch those that the FASTA files lack.";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Scores pairs with a trained model")
        .after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
        .arg(options::path("model", "DIR", "model directory of `dyad train`").required(true))
        .arg(options::path("pairs", "PATH", "pairs to score").required(true))
        .arg(sequences())
        .arg(options::path("out", "FILE", "table to write [default: standard output]"))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(takes))
}

/// Whether `predict` and `evaluate` take a key; the encoder is one unless the model bundles it.
pub(super) fn takes(key: &Key) -> bool {
    options::FETCHED.contains(&key.name) || KEYS.contains(&key.name)
}

/// The option for the sequences of pairs, for `predict` and `evaluate`.
pub(super) fn sequences() -> Arg {
    options::path("sequences", "PATH", "FASTA file, or a folder of them; else from UniProt")
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let out = output::file(matches)?;
    let pairs = interactions::list(&options::required(matches, "pairs"), None)?;
    let (_, scores) = score(matches, context, &pairs)?;
    let mut table = String::from("protein_a\tprotein_b\tprobability\n");
    for (ListedPair { first, second, .. }, score) in pairs.iter().zip(scores) {
        let score = score.map_or_else(|| NO_SCORE.to_owned(), |score| format!("{score:.6}"));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{first}\t{second}\t{score}");
    }
    let Some(path) = out else { return output::print(&table) };
    write_atomic(&path, table.as_bytes())?;
    info!("{} rows written to `{}`", pairs.len(), path.display());
    Ok(())
}

/// The model and the probability of each pair, for `predict` and `evaluate`.
pub(super) fn score(
    matches: &ArgMatches,
    context: &Context,
    pairs: &[ListedPair],
) -> Result<(Model, Vec<Option<f64>>), Failure> {
    let config = options::resolve_with_sequences(matches, context)?;
    let device = device::resolve(config.device)?;
    info!("device: {} ({})", device.name, device.reason);
    let model = Model::read(&options::required(matches, "model"))?;
    if !model.complete {
        warn!("the run that wrote this model was stopped: it may be the best of the epochs so far");
    }
    let observer = context.observer();
    let cache = bucket::cache(matches, context, &config)?;
    let fetching = Fetching {
        config: &config,
        cache: &cache,
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let source = config.encoder.name.as_deref().map(Source::of).transpose()?;
    let given = source.map(|source| encoder::located(&source, context, &fetching)).transpose()?;
    let encoder = model.open_encoder(given.as_ref().map(|given| given.folder.as_path()))?;
    let mut sequences = fetching.sequences(matches.get_one::<PathBuf>("sequences"))?;
    let names = pairs.iter().flat_map(|pair| [&pair.first, &pair.second]);
    fetching.complete(names, &mut sequences)?;
    let predictor = Predictor {
        device: &device,
        cache: &cache,
        token_budget: config.embeddings.token_budget,
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let scores = predictor.score(&model, &encoder, &sequences, pairs);
    bucket::settle(&cache, context);
    Ok((model, scores?))
}
