//! The encoder of a command: what it is, and with what it is looked for.

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use crate::config::RunConfig;
use crate::embeddings::CacheLocation;
use crate::embeddings::esm2::{Located, Source};
use crate::http::hub::{HubAccess, Token};
use crate::pipeline::Fetching;

/// Where the hub is unless the environment says otherwise.
const ENDPOINT: &str = "https://huggingface.co";

/// The encoder that the configuration names, without which `command` cannot do.
pub(super) fn named(config: &RunConfig, command: &str) -> Result<Source, Failure> {
    let missing = || {
        Failure::usage(format!("`dyad {command}` needs `--encoder`; see `dyad {command} --help`"))
    };
    let name = config.encoder.name.as_ref().ok_or_else(missing)?;
    Ok(Source::of(name)?)
}

/// The files of `source`, fetched if they are the hub's and not here.
pub(super) fn located(
    source: &Source,
    context: &Context,
    fetching: &Fetching<'_>,
) -> Result<Located, Failure> {
    Ok(fetching.encoder(source, &access(context, fetching.cache)?)?)
}

/// The hub as its own programs find it: `HF_ENDPOINT`, `HF_TOKEN` (or `HUGGING_FACE_HUB_TOKEN`, or the
/// file `token`) and `HF_HOME`; below a SageMaker root without `HF_HOME` a folder of the cache.
pub(super) fn access(context: &Context, cache: &CacheLocation) -> Result<HubAccess, Failure> {
    let endpoint = context.variable("HF_ENDPOINT").unwrap_or(ENDPOINT).parse();
    let endpoint = endpoint
        .map_err(|error| Failure::usage(format!("`HF_ENDPOINT` cannot be used: {error}")))?;
    let home = match context.variable("HF_HOME") {
        Some(home) => PathBuf::from(home),
        None if context.root.exists() => cache.folder.join("huggingface"),
        None => context.user_folder("huggingface"),
    };
    let hub = home.join("hub");
    let given = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].into_iter();
    let token = given.filter_map(|name| context.variable(name)).find_map(Token::of);
    let token = token.or_else(|| Token::kept_beside(&hub));
    Ok(HubAccess { endpoint, token, cache: hub })
}
