//! `dyad validate`: what `train` would find out before it computes, all problems at once.

use clap::{ArgMatches, Command};
use tracing::info;

use super::context::Context;
use super::failure::Failure;
use super::job::{self, Job};
use super::{bucket, encoder, options, output, train};
use crate::config::RunConfig;
use crate::embeddings::CacheLocation;
use crate::pipeline::{self, Places, Run};

pub(super) const NAME: &str = "validate";

const EXAMPLES: &str = "\
Examples:
  dyad validate --interactions hint.txt --sequences proteins.fasta --encoder esm2_t33_650M_UR50D --out run
  dyad validate                                         below a SageMaker root

Takes what `dyad train` takes and checks all that can be checked without computing: settings,
channels, folders to write to, every row and sequence, split, encoder, device, room on the disks,
and the bucket of `storage_uri`. All problems come in one message, in the words of `train`; else the
last line says what `train` would do. It counts as no attempt of the run.";

pub(super) fn command() -> Command {
    let command = Command::new(NAME).about("Checks a training run without computing anything");
    train::arguments(command).after_help(format!("{EXAMPLES}\n\n{}", options::LAYERS))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let mut failures = Vec::new();
    let mut note = |failure| failures.push(failure);
    let job = job::find(matches, context).map_err(&mut note).ok();
    let config = train::resolve(matches, context, job.as_ref()).map_err(&mut note).ok();
    let required = job.as_ref().map_or(Ok(()), |job| {
        job.require(context, config.as_ref().map(|resolved| &resolved.config)) //
    });
    let complete = required.map_err(&mut note).is_ok();
    let config = config.map(|resolved| {
        resolved.settings.iter().for_each(|setting| info!("{setting}"));
        resolved.config
    });
    let cache = config.as_ref().and_then(|config| {
        let cache = bucket::cache(matches, context, config).map_err(&mut note);
        cache.or_else(|()| without_bucket(matches, context, config).map_err(&mut note)).ok()
    });
    let named = job.as_ref().zip(config.as_ref()).filter(|_| complete);
    let encoder = named.and_then(|(job, config)| job.encoder(config).map_err(&mut note).ok());
    let hub = cache.as_ref();
    let hub = hub.and_then(|cache| encoder::access(context, cache).map_err(&mut note).ok());
    let mut plan = None;
    if let (Some(job), Some(config), Some(cache), Some(encoder), Some(hub), true) =
        (job, config, cache, encoder, hub, complete)
    {
        let Job { inputs, model, checkpoints, record, .. } = job;
        let places = Places { model, checkpoints, cache, record };
        let observer = context.observer();
        let checked = pipeline::check(&Run {
            inputs: &inputs,
            encoder: &encoder,
            hub: &hub,
            places: &places,
            config: &config,
            instance: None,
            observer: observer.as_ref(),
            shutdown: &context.shutdown,
        });
        match checked {
            Ok(checked) => plan = Some(checked),
            Err(problems) => problems.into_iter().for_each(|problem| {
                train::show_audit(&problem);
                failures.push(problem.into());
            }),
        }
    }
    match (Failure::all(failures), plan) {
        (None, Some(plan)) => output::print(&format!("`dyad train` {plan}\n")),
        (Some(failure), _) => Err(failure),
        (None, None) => Ok(()),
    }
}

/// Where embeddings are kept if the bucket cannot be used: the rest is checked all the same.
fn without_bucket(
    matches: &ArgMatches,
    context: &Context,
    config: &RunConfig,
) -> Result<CacheLocation, Failure> {
    let local = RunConfig { storage_uri: None, ..config.clone() };
    bucket::cache(matches, context, &local)
}
