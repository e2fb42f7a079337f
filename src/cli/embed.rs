//! `dyad embed`: the embeddings of a FASTA file as one safetensors file.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Command};
use tracing::info;

use super::context::Context;
use super::failure::Failure;
use super::{bucket, encoder, options, output};
use crate::classifier::{NamedTensors, tensor_file};
use crate::config::Sources;
use crate::embeddings::{self, EmbeddingSpace, EmbeddingStore};
use crate::{device, sequences, storage};

pub(super) const NAME: &str = "embed";

const KEYS: [&str; 11] = [
    "encoder",
    "offline",
    "max_residues",
    "long_sequences",
    "precision",
    "embedding_dtype",
    "token_budget",
    "seal_seconds",
    "device",
    "storage_uri",
    "sse_kms_key_id",
];

const EXAMPLES: &str = "\
Example:
  dyad embed --sequences proteins.fasta --encoder esm2_t33_650M_UR50D --out proteins.safetensors

FILE holds the tensor `embeddings`, [proteins, dimension] in 32-bit floating point, in the order of
the FASTA file; FILE.ids.txt names its rows. Embeddings in the store are not computed again.";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Writes the embedding of every protein of a FASTA file")
        .after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
        .arg(options::path("sequences", "PATH", "FASTA file, or a folder of them").required(true))
        .arg(options::path("out", "FILE", "safetensors file to write").required(true))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|key| KEYS.contains(&key.name)))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let config = options::resolve(matches, context, Sources::default())?.config;
    let source = encoder::named(&config, NAME)?;
    let out = output::file(matches)?.unwrap_or_default();
    let device = device::resolve(config.device)?;
    info!("device: {} ({})", device.name, device.reason);
    let set = sequences::read(&[options::required(matches, "sequences")])?;
    let cache = bucket::cache(matches, context, &config)?;
    let observer = context.observer();
    let encoder = encoder::located(&source, &config, context, &cache, observer.as_ref())?.open()?;
    let (precision, reason) = device.precision(config.embeddings.precision)?;
    info!("precision: {precision} ({reason})");
    let space = EmbeddingSpace::new(&encoder, &config.embeddings, precision);
    let mut store = EmbeddingStore::open(cache.clone(), space, &device.name)
        .map_err(embeddings::Error::from)?;
    store.seal_after(Duration::from_secs(config.seal_seconds));
    let job = embeddings::Job {
        encoder: &encoder,
        device: &device,
        precision,
        settings: &config.embeddings,
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let wanted: Vec<_> = set.entries().iter().map(|entry| &entry.sequence).collect();
    let table = embeddings::table(&job, &mut store, &wanted);
    bucket::settle(&cache, context);
    let table = table?;

    let shape = vec![wanted.len(), store.space().dimension];
    let tensors = NamedTensors::from([("embeddings".to_owned(), (table, shape))]);
    let description = String::from_utf8_lossy(&store.space().canonical_json()).into_owned();
    let mut ids = out.clone().into_os_string();
    ids.push(".ids.txt");
    let names: Vec<_> = set.entries().iter().map(|entry| entry.accession.as_str()).collect();
    storage::write_atomic(&PathBuf::from(ids), (names.join("\n") + "\n").as_bytes())?;
    storage::write_atomic(&out, &tensor_file::encode(&tensors, description))?;
    info!("{} embeddings written to `{}`", wanted.len(), out.display());
    Ok(())
}
