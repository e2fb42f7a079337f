//! `dyad cache gc`: many small shards become few, what is superseded goes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use tracing::{info, warn};

use super::{Context, Failure, on_a_cache, open, warn_of};
use crate::cli::{options, output};
use crate::embeddings::upkeep::{collect, plan, survey};
use crate::storage;
use crate::storage::remote::Folder;

pub(super) const NAME: &str = "gc";

const EXAMPLES: &str = "\
Examples:
  dyad cache gc                       what would be done, and why
  dyad cache gc --apply
  dyad cache gc --cache cache --checkpoints run/checkpoints --apply
  dyad cache gc --storage-uri s3://bucket/prefix/ --grace-days 14 --apply

Small shards are merged; a later run removes those whose rows all lie in others that have been there
for the grace period. Shards that runs have pinned stay; runs of a bucket are found there, those of
a folder below the folders that `--checkpoints` names. Also removed after the grace period: shards
in quarantine, temporary files, and unit plans whose sequences are all embedded. Checkpoints and
models are not touched. Jobs may go on meanwhile.

In S3, `--apply` needs s3:DeleteObject on PREFIX/cache/*, which jobs need not have.";

pub(super) fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    on_a_cache(NAME)
        .about("Merges small shards and removes what is superseded")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("grace-days")
                .long("grace-days")
                .value_name("N")
                .default_value("7")
                .value_parser(options::number::<u32>("expected a number of days from 0 on"))
                .help("how long something must have been there; jobs should be shorter than that"),
        )
        .arg(
            options::path("checkpoints", "DIR", "folder with `runs`, whose pins are respected")
                .action(ArgAction::Append),
        )
        .arg(flag("dry-run").help("only show what would be done, which is the default"))
        .arg(flag("apply").conflicts_with("dry-run").help("do it"))
}

pub(super) fn run(matches: &ArgMatches, context: &Context) -> Result<(), Failure> {
    let opened = open(matches, context)?;
    let cache = opened.cache;
    let days = matches.get_one::<u32>("grace-days").copied().unwrap_or_default();
    let grace = Duration::from_secs(u64::from(days) * 86_400);
    let runs = runs(matches, context)?;
    if opened.folder.is_some() && runs.is_empty() {
        info!("runs are not looked at: name their folders of checkpoints with `--checkpoints`");
    }
    let survey = survey(&cache, &runs, &context.shutdown)?;
    warn_of(&survey.foreign);
    warn_of(&survey.unreadable);
    let plan = plan(&survey, grace);
    output::print(&plan.to_string())?;
    if !matches.get_flag("apply") {
        let how = if plan.is_empty() { "" } else { "; nothing was changed, `--apply` does it" };
        info!("gc plan {}{how}", plan.summary());
        return Ok(());
    }
    info!("gc plan {}", plan.summary());
    if days == 0 {
        warn!("without a grace period, jobs that read the cache now may compute some rows again");
    }
    let done = collect(&cache, &runs, &survey, &plan, &context.shutdown)?;
    info!("gc done removed={} discarded={} merged={}", done.removed, done.discarded, done.merged);
    Ok(())
}

/// Folders of checkpoints: those that are named, else that of a SageMaker root.
fn runs(matches: &ArgMatches, context: &Context) -> Result<Vec<Folder>, Failure> {
    let mut folders = Vec::new();
    for folder in matches.get_many::<PathBuf>("checkpoints").into_iter().flatten() {
        if !storage::list_folders(folder)?.iter().any(|name| name == "runs") {
            return Err(Failure::usage(format!(
                "`--checkpoints` `{}` has no folder `runs`: give `OUT/checkpoints` of a run",
                folder.display()
            )));
        }
        folders.push(Folder::new(folder));
    }
    if folders.is_empty() && context.root.exists() {
        folders.push(Folder::new(&context.root.checkpoints()?));
    }
    Ok(folders)
}
