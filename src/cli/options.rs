//! Options shared by commands: one per configuration key, paths, the device.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Arg, ArgMatches, value_parser};

use super::context::Context;
use super::failure::Failure;
use crate::config::{self, KEYS, Key, Kind, Resolved, RunConfig, Sources};
use crate::interactions::hint;

/// The section of the help that lists the configuration.
pub(super) const CONFIGURATION: &str = "Configuration";

/// What every help with a configuration section says about its layers.
pub(super) const LAYERS: &str = "\
Configuration: an option wins over the environment variable (DYAD_TOKEN_BUDGET for --token-budget),
which wins over the --config file (token_budget = 4096 in TOML).";

/// An option that takes a path.
pub(super) fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).value_parser(value_parser!(PathBuf))
}

/// Reads a number, or says in plain words what was `expected`.
pub(super) fn number<T: FromStr>(
    expected: &'static str,
) -> impl Fn(&str) -> Result<T, &'static str> + Clone {
    move |text| text.parse().map_err(|_| expected)
}

/// The key whose option takes a path as well, and therefore stands among the paths.
pub(super) const INTERACTIONS: &str = "interactions";

/// The options of the keys that `wanted` accepts, in their own section of the help.
pub(super) fn keys(wanted: impl Fn(&Key) -> bool) -> impl Iterator<Item = Arg> {
    let wanted = move |key: &&Key| key.name != INTERACTIONS && wanted(key);
    KEYS.iter().filter(wanted).map(|key| {
        let option = Key::option(key.name);
        let (value, choices) = value_of(key.kind);
        let argument = Arg::new(key.name)
            .long(option.trim_start_matches('-').to_owned())
            .alias(key.name)
            .value_name(value)
            .allow_negative_numbers(true)
            .help(format!("{} [{choices}default: {}]", key.help, key.default))
            .help_heading(CONFIGURATION);
        match key.kind {
            Kind::Bool => argument.num_args(0..=1).default_missing_value("true"),
            _ => argument,
        }
    })
}

/// How the help names the value of a key, and the words that it is chosen from.
fn value_of(kind: Kind) -> (&'static str, String) {
    let any_of = |words: &[&str]| format!("{}; ", words.join(", "));
    match kind {
        Kind::Integer { .. } | Kind::OptionalInteger { .. } => ("N", String::new()),
        Kind::Integers { .. } => ("N,N,...", String::new()),
        Kind::Float(..) | Kind::OptionalFloat { .. } => ("NUMBER", String::new()),
        Kind::Bool => ("BOOL", any_of(&["true", "false"])),
        Kind::Choice(words) => ("WORD", any_of(words)),
        Kind::OptionalText { .. } | Kind::OptionalSpecies { .. } => ("NAME", String::new()),
        Kind::Url => ("URL", String::new()),
        Kind::OptionalS3Uri { .. } => ("S3URI", String::new()),
        Kind::Device => ("DEVICE", any_of(&["auto", "cpu", "cuda", "cuda:N"])),
    }
}

/// The option for a configuration file.
pub(super) fn config_file() -> Arg {
    path("config", "FILE", "file with settings in TOML or JSON; the config.json of a model is one")
        .help_heading(CONFIGURATION)
}

/// The option for the embedding store.
pub(super) fn cache() -> Arg {
    path("cache", "DIR", "embedding store, shared by all runs [default: the user's cache folder]")
}

/// The options for parts that the user has cut.
pub(super) fn parts() -> [Arg; 2] {
    [
        path("validation", "PATH", "your own validation pairs (with --test)"),
        path("test", "PATH", "your own test pairs; implies split=given"),
    ]
}

/// The options for what is known besides the pairs.
pub(super) fn background() -> [Arg; 2] {
    [
        path(
            "known-interactions",
            "PATH",
            "more pairs that interact, in the formats of --interactions: none becomes a negative",
        ),
        path(
            "clusters",
            "PATH",
            "your own clusters for split=clusters: a representative, a tab and a member per line",
        ),
    ]
}

/// What such parts imply, if they are `given`.
pub(super) fn implied_by_parts(given: bool) -> Vec<(&'static str, &'static str)> {
    given.then_some(("split", "given")).into_iter().collect()
}

/// What sequences imply, or that none are `given`.
pub(super) fn implied_by_sequences(given: bool) -> Vec<(&'static str, &'static str)> {
    (!given).then_some(("missing_sequences", "fetch")).into_iter().collect()
}

/// The keys of what a command fetches where it is not given: sequences and the encoder.
pub(super) const FETCHED: [&str; 6] =
    ["encoder", "missing_sequences", "uniprot_url", "uniprot_parallel", "fetch_seconds", "offline"];

/// The configuration of a command whose option `sequences` may be missing.
pub(super) fn resolve_with_sequences(
    matches: &ArgMatches,
    context: &Context,
) -> Result<RunConfig, Failure> {
    let implied = implied_by_sequences(matches.contains_id("sequences"));
    let sources = Sources { implied, ..Sources::default() };
    Ok(resolve(matches, context, sources)?.config)
}

/// The configuration from file, environment and options; `sources` brings what else there is.
pub(super) fn resolve(
    matches: &ArgMatches,
    context: &Context,
    sources: Sources,
) -> Result<Resolved, Failure> {
    let given = |key: &Key| {
        let value = match key.name {
            INTERACTIONS => named_interactions(matches)?,
            name => matches.try_get_one::<String>(name).ok().flatten()?.clone(),
        };
        Some((key.name.to_owned(), value))
    };
    let sources = Sources {
        file: matches.get_one::<PathBuf>("config").cloned(),
        environment: context.environment.clone(),
        command_line: KEYS.iter().filter_map(given).collect(),
        ..sources
    };
    Ok(config::resolve(&sources)?)
}

/// What `--interactions` means for its key: the species, or that files are given.
fn named_interactions(matches: &ArgMatches) -> Option<String> {
    let given = matches.try_get_one::<PathBuf>(INTERACTIONS).ok().flatten()?;
    let absent = Key::named(INTERACTIONS).map_or("", |key| key.default);
    let named = hint::is_name(given).then(|| given.to_string_lossy().into_owned());
    Some(named.unwrap_or_else(|| absent.to_owned()))
}

/// The file or folder that `--interactions` gives, if it names no species.
pub(super) fn interactions(matches: &ArgMatches) -> Option<PathBuf> {
    matches.get_one::<PathBuf>(INTERACTIONS).filter(|given| !hint::is_name(given)).cloned()
}

/// The value of a path option that clap has made sure of.
pub(super) fn required(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<PathBuf>(name).cloned().unwrap_or_default()
}
