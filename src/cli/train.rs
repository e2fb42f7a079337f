//! `dyad train`: the pipeline, on paths or below a SageMaker root.

use clap::{ArgMatches, Command};
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use super::job::{self, Job, in_root};
use super::{bucket, encoder, options, output};
use crate::artifacts;
use crate::config::{Resolved, Sources};
use crate::estimate::{self, Instance};
use crate::pipeline::{self, Places, Run, Summary};
use crate::storage::sync::Remote;

pub(super) const NAME: &str = "train";

const EXAMPLES: &str = "\
Examples:
  dyad train --interactions hint.txt --sequences proteins.fasta --encoder esm2_t33_650M_UR50D --out run
  dyad train --interactions hint:HomoSapiens --encoder esm2_t33_650M_UR50D --out run
  dyad train ... --max-proteins 500 --epochs 3          a quick test
  dyad train                                            below a SageMaker root

Run it again to continue a run that was stopped, or with more --epochs to go on with a finished one.

Below a SageMaker root (/opt/ml, or what SAGEMAKER_BASE_DIR names) no path is given: the channels
are `interactions` (or `train`, `training`), `encoder` (or `model`) and, if you like, `sequences`,
`validation`, `test`, `known_interactions` and `clusters`. The configuration comes as hyperparameters
(learning_rate for --learning-rate), which win over a --config file; interactions=hint:HomoSapiens
and encoder=esm2_t33_650M_UR50D stand for channels.";

pub(super) fn command() -> Command {
    let about = "Trains a classifier from pairs, sequences and an encoder, and measures it";
    let command = Command::new(NAME).about(about);
    arguments(command).after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
}

/// The arguments of `train`, which `validate` takes as well.
pub(super) fn arguments(command: Command) -> Command {
    command
        .arg(options::path(
            "interactions",
            "PATH",
            "HINT, MITAB or STRING file or table of pairs (also gzip), a folder of them, or hint:SPECIES",
        ))
        .arg(options::path(
            "sequences",
            "PATH",
            "FASTA file, or a folder of them; else from UniProt",
        ))
        .args(options::parts())
        .args(options::background())
        .arg(options::path("out", "DIR", "model directory; checkpoints go to DIR/checkpoints"))
        .arg(options::cache())
        .arg(options::config_file())
        .args(options::keys(|_| true))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let job = job::find(matches, context)?;
    let resolved = resolve(matches, context, Some(&job))?;
    job.require(context, Some(&resolved.config))?;
    let encoder = job.encoder(&resolved.config)?;
    let Job { inputs, model, checkpoints, record, .. } = job;
    resolved.settings.iter().for_each(|setting| info!("{setting}"));
    let cache = bucket::cache(matches, context, &resolved.config)?;
    let hub = encoder::access(context, &cache)?;
    let in_root = in_root(matches, context);
    let places = Places { model, checkpoints, cache, record };
    let instance = if in_root { known_instance(context) } else { None };
    let price = instance.as_ref().and_then(|instance| instance.price.as_ref());
    let observer = context.observer_of(price.map(|price| price.usd_per_hour));
    let summary = pipeline::train(&Run {
        inputs: &inputs,
        encoder: &encoder,
        hub: &hub,
        places: &places,
        config: &resolved.config,
        instance: instance.as_ref(),
        observer: observer.as_ref(),
        shutdown: &context.shutdown,
    });
    bucket::settle(&places.cache, context);
    let summary = summary.inspect_err(show_audit)?;
    report(&summary, &places);
    if resolved.config.evaluation.strict
        && let Some(evaluation) = &summary.evaluation
    {
        evaluation.without_doubt()?;
    }
    // Below a root the platform takes the model away by itself.
    match &places.cache.remote {
        Some(remote) if summary.complete && !in_root => publish(&summary, &places, remote),
        _ => Ok(()),
    }
}

/// The instance type that the platform names, if the table of prices has it.
fn known_instance(context: &Context) -> Option<Instance> {
    estimate::named_instance(&context.root.instance_type()?).ok()
}

/// The configuration of a run; `job` says what the input implies, if it is known.
pub(super) fn resolve(
    matches: &ArgMatches,
    context: &Context,
    job: Option<&Job>,
) -> Result<Resolved, Failure> {
    let given = job.is_some_and(|job| job.inputs.test.is_some());
    let mut implied = options::implied_by_parts(given);
    let sequences = job.is_none_or(|job| job.inputs.sequences.is_some());
    implied.extend(options::implied_by_sequences(sequences));
    let mut sources = Sources { implied, ..Sources::default() };
    if in_root(matches, context) {
        sources.hyperparameters = context.root.hyperparameters()?;
    }
    options::resolve(matches, context, sources)
}

/// Logs the account of the rows up to the one that ended a run.
pub(super) fn show_audit(error: &pipeline::Error) {
    if let pipeline::Error::Interactions(error) = error
        && let Some(audit) = error.audit()
    {
        info!("the account of the rows so far:\n{audit}");
    }
}

/// Uploads a finished model, which a failure leaves where it is.
fn publish(summary: &Summary, places: &Places, remote: &Remote) -> Result<(), Failure> {
    let place = artifacts::publish(&places.model, &summary.run_id, remote).inspect_err(|_| {
        let model = places.model.display();
        warn!("the model is complete in `{model}`; run again to upload it");
    })?;
    info!("model uploaded to `{place}`");
    Ok(())
}

fn report(summary: &Summary, places: &Places) {
    let Some(test) = &summary.test else {
        info!("stopped before the end; run again to continue");
        return;
    };
    if !summary.complete {
        info!("stopped before the last of the trainings; run again to continue");
    }
    info!("model written to `{}`; begin with `report.html` there", places.model.display());
    let auroc = summary.validation.as_ref().and_then(|metrics| metrics.auroc).unwrap_or_default();
    let epoch = summary.best_epoch.unwrap_or_default();
    let table = format!("Test part (best epoch {epoch}, validation AUROC {auroc:.4})\n{test}\n");
    // The table is also in metrics.json; a closed output loses nothing.
    let _ = output::print(&table);
}
