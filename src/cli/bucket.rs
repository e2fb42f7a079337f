//! The bucket of a command: connecting to it, and waiting for uploads at the end.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use tracing::{info, warn};

use super::context::Context;
use super::failure::Failure;
use crate::config::RunConfig;
use crate::embeddings::CacheLocation;
use crate::storage::remote::Problem;
use crate::storage::sync::Remote;

/// A finished job waits for uploads until the server has been away for so long,
const PATIENCE: Duration = Duration::from_mins(10);
/// or so long if it has never been there.
const PATIENCE_WITH_NOBODY: Duration = Duration::from_mins(1);

/// Where embeddings are kept: `--cache`, else below a SageMaker root, else the user's cache folder;
/// shared through the bucket that the configuration names.
pub(super) fn cache(
    matches: &ArgMatches,
    context: &Context,
    config: &RunConfig,
) -> Result<CacheLocation, Failure> {
    let remote = connect(context, config)?;
    let given = matches.get_one::<PathBuf>("cache").cloned();
    let kept = given.is_none().then(|| context.kept_cache()).flatten();
    // With a bucket that answers, what the platform copies to S3 by itself need not hold the
    // embeddings too.
    let reached = remote.as_ref().is_some_and(Remote::has_answered);
    let scratch = reached.then(|| context.root.scratch());
    let folder = match (&kept, scratch) {
        (Some(_), Some(scratch)) => scratch,
        (Some(kept), None) => kept.clone(),
        (None, _) => given.unwrap_or_else(|| context.user_cache()),
    };
    if let (Some(kept), false) = (&kept, reached) {
        info!(
            "embeddings are kept in `{}`: attempts of this job share them, other jobs compute their own",
            kept.display()
        );
    }
    let adopted = kept.filter(|kept| *kept != folder);
    Ok(CacheLocation { folder, adopted, remote })
}

fn connect(context: &Context, config: &RunConfig) -> Result<Option<Remote>, Failure> {
    let Some(access) = config.access() else { return Ok(None) };
    match Remote::connect(access, context.shutdown.flag()) {
        // A job under network isolation, or without a role, does what it can.
        Err(error) if matches!(error.problem, Problem::Credentials(_)) => {
            warn!(%error, "working without S3: nothing is shared with other jobs");
            Ok(None)
        }
        remote => Ok(Some(remote?)),
    }
}

/// Waits for the uploads that are left: until they are done, the server has been away for ten
/// minutes (one minute if it never answered), or a stop leaves no more time.
pub(super) fn settle(cache: &CacheLocation, context: &Context) {
    let Some(remote) = &cache.remote else { return };
    let patience = if remote.has_answered() { PATIENCE } else { PATIENCE_WITH_NOBODY };
    let hopeless = || remote.uploader().away_since().map(|since| since + patience);
    let drained = remote.uploader().drain(|| context.shutdown.deadline().or_else(hopeless));
    let place = remote.objects().place();
    match drained.left {
        0 => info!("{} file(s) uploaded to `{place}`", drained.uploaded),
        left => warn!(
            "{left} file(s) are not in `{place}`; they stay on this disk (embeddings in `{}`), and the \
             next run here uploads them",
            cache.folder.display()
        ),
    }
}
