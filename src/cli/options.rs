//! Options shared by commands: one per configuration key, paths, the device.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, value_parser};

use super::context::Context;
use super::failure::Failure;
use crate::config::{self, KEYS, Key, Resolved, Sources};

/// An option that takes a path.
pub(super) fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).value_parser(value_parser!(PathBuf))
}

/// The options of the keys that `wanted` accepts, in their own section of the help.
pub(super) fn keys(wanted: impl Fn(&Key) -> bool) -> impl Iterator<Item = Arg> {
    KEYS.iter().filter(move |key| wanted(key)).map(|key| {
        let option = Key::option(key.name);
        Arg::new(key.name)
            .long(option.trim_start_matches('-').to_owned())
            .alias(key.name)
            .value_name("VALUE")
            .allow_hyphen_values(true)
            .help(format!("{} [default: {}]", key.help, key.default))
            .help_heading("Configuration")
    })
}

/// The option for a configuration file.
pub(super) fn config_file() -> Arg {
    path("config", "FILE", "settings in TOML or JSON; options override it")
        .help_heading("Configuration")
}

/// The option for the embedding store.
pub(super) fn cache() -> Arg {
    path("cache", "DIR", "embedding store, shared by all runs [default: the user's cache folder]")
}

/// The configuration from file, environment and options; `sources` brings what else there is.
pub(super) fn resolve(
    matches: &ArgMatches,
    context: &Context,
    sources: Sources,
) -> Result<Resolved, Failure> {
    let given = |key: &Key| {
        let value = matches.try_get_one::<String>(key.name).ok().flatten()?;
        Some((key.name.to_owned(), value.clone()))
    };
    let sources = Sources {
        file: matches.get_one::<PathBuf>("config").cloned(),
        environment: context.environment.clone(),
        command_line: KEYS.iter().filter_map(given).collect(),
        ..sources
    };
    Ok(config::resolve(&sources)?)
}

/// The value of a path option that clap has made sure of.
pub(super) fn required(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<PathBuf>(name).cloned().unwrap_or_default()
}
