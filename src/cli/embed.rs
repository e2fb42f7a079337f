//! `dyad embed`: the embeddings of a FASTA file as one safetensors file.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::{bucket, encoder, fetch, options, output};
use crate::classifier::{NamedTensors, tensor_file};
use crate::embeddings::{self, EmbeddingSpace, EmbeddingStore};
use crate::pipeline::Fetching;
use crate::sequences::Entry;
use crate::{device, storage};

pub(super) const NAME: &str = "embed";

const KEYS: [&str; 9] = [
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
Examples:
  dyad embed --sequences proteins.fasta --encoder esm2_t33_650M_UR50D --out proteins.safetensors
  dyad embed --accessions list.txt --encoder esm2_t33_650M_UR50D --out listed.safetensors

FILE holds the tensor `embeddings`, [proteins, dimension] in 32-bit floating point, in the order of
the FASTA file or of the list; FILE.ids.txt names its rows. Embeddings in the store are not computed
again. Listed proteins without --sequences come from UniProt; with it, those that it lacks do with
--missing-sequences fetch. Those that have no sequence are left out and counted in the log.";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Writes the embedding of every protein of a FASTA file")
        .after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
        .group(
            ArgGroup::new("embedded")
                .args(["sequences", "accessions"])
                .multiple(true)
                .required(true),
        )
        .arg(options::path("sequences", "PATH", "FASTA file, or a folder of them"))
        .arg(options::path("accessions", "FILE", "the proteins to embed, one accession per line"))
        .arg(options::path("out", "FILE", "safetensors file to write").required(true))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|key| options::FETCHED.contains(&key.name) || KEYS.contains(&key.name)))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let config = options::resolve_with_sequences(matches, context)?;
    let source = encoder::named(&config, NAME)?;
    let out = output::file(matches)?.unwrap_or_default();
    let device = device::resolve(config.device)?;
    info!("device: {} ({})", device.name, device.reason);
    let observer = context.observer();
    let cache = bucket::cache(matches, context, &config)?;
    let fetching = Fetching {
        config: &config,
        cache: &cache,
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    };
    let entries = entries(matches, &fetching)?;
    let encoder = encoder::located(&source, context, &fetching)?.open()?;
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
    let wanted: Vec<_> = entries.iter().map(|entry| &entry.sequence).collect();
    let table = embeddings::table(&job, &mut store, &wanted);
    bucket::settle(&cache, context);
    let table = table?;

    let shape = vec![wanted.len(), store.space().dimension];
    let tensors = NamedTensors::from([("embeddings".to_owned(), (table, shape))]);
    let description = String::from_utf8_lossy(&store.space().canonical_json()).into_owned();
    let mut ids = out.clone().into_os_string();
    ids.push(".ids.txt");
    let names: Vec<_> = entries.iter().map(|entry| entry.accession.as_str()).collect();
    storage::write_atomic(&PathBuf::from(ids), (names.join("\n") + "\n").as_bytes())?;
    storage::write_atomic(&out, &tensor_file::encode(&tensors, description))?;
    info!("{} embeddings written to `{}`", wanted.len(), out.display());
    Ok(())
}

/// The proteins to embed: those of the list, whosever sequence stands for them, or all of the FASTA
/// files.
fn entries(matches: &ArgMatches, fetching: &Fetching<'_>) -> Result<Vec<Entry>, Failure> {
    let listed = matches.get_one::<PathBuf>("accessions");
    let listed = listed.map(|path| fetch::listed(path)).transpose()?;
    let mut sequences = fetching.sequences(matches.get_one::<PathBuf>("sequences"))?;
    let Some(listed) = listed else { return Ok(sequences.entries().to_vec()) };
    fetching.complete(listed.iter(), &mut sequences)?;
    let found = listed.iter().filter_map(|accession| {
        let sequence = sequences.get(accession)?.sequence().clone();
        Some(Entry { accession: accession.clone(), sequence })
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        let text = format!("not one of the {} listed proteins has a sequence", listed.len());
        return Err(Failure::usage(text));
    }
    if found.len() < listed.len() {
        let missing = listed.len() - found.len();
        warn!("{missing} of {} listed proteins have no sequence: left out", listed.len());
    }
    Ok(found)
}
