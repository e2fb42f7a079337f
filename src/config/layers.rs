//! The layers: where values come from, each kept with the name of its layer.

use std::path::Path;

use figment::providers::{Format, Json, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::Sources;
use super::keys::{KEYS, Key, VARIABLE_PREFIX};
use super::kind::text_of;
use super::problem::{Problem, shortened};
use super::unique::UniqueKeys;
use crate::storage;

/// Environment variables that are read elsewhere and are no keys.
const RESERVED_VARIABLES: [&str; 3] = ["DYAD_TEST_DATA", "DYAD_LOG", "DYAD_PROGRESS"];

/// More than any configuration needs, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Values of one origin, by key.
pub(super) struct Layer {
    name: String,
    spelling: Spelling,
    values: Dict,
}

/// How a layer writes a key.
#[derive(Clone, Copy)]
enum Spelling {
    Plain,
    Variable,
    Option,
}

impl Layer {
    /// The layers of `sources`, from the weakest to the strongest; a config file that cannot be
    /// read is a problem.
    pub(super) fn all(sources: &Sources, problems: &mut Vec<Problem>) -> Vec<Self> {
        let defaults = KEYS.iter().map(|key| (key.name, key.default));
        let mut layers = vec![
            Self::new("default", Spelling::Plain, defaults),
            Self::new("implied by the input", Spelling::Plain, sources.implied.iter().copied()),
        ];
        match sources.file.as_deref().map(Self::file) {
            Some(Ok(file)) => layers.push(file),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
        let hyperparameters =
            sources.hyperparameters.iter().filter(|(name, _)| !is_platforms(name));
        let environment = sources.environment.iter().filter_map(|(name, value)| {
            let key = name.strip_prefix(VARIABLE_PREFIX)?;
            let ours = !RESERVED_VARIABLES.contains(&name.as_str());
            ours.then(|| (key.to_lowercase(), value))
        });
        let command_line = sources.command_line.iter().map(|(name, value)| (name, value));
        layers.extend([
            Self::new("hyperparameters.json", Spelling::Plain, hyperparameters),
            Self::new("environment", Spelling::Variable, environment),
            Self::new("command line", Spelling::Option, command_line),
        ]);
        layers
    }

    /// The layer with typed values; what is unknown or refused becomes a problem.
    pub(super) fn checked(mut self, problems: &mut Vec<Problem>) -> Self {
        let raw_values = std::mem::take(&mut self.values);
        for (name, raw) in raw_values {
            match self.check(&name, &raw) {
                Ok(value) => drop(self.values.insert(name, value)),
                Err(problem) => problems.push(problem),
            }
        }
        self
    }

    fn check(&self, name: &str, raw: &Value) -> Result<Value, Problem> {
        let Some(key) = Key::named(name) else {
            let nearest = Key::nearest(name).map_or(name, |key| key.name);
            return Err(Problem::Unknown {
                written: shortened(&self.spelling.write(name)),
                layer: self.name.clone(),
                nearest: self.spelling.write(nearest),
            });
        };
        key.kind.read(raw).ok_or_else(|| Problem::Value {
            key,
            written: self.spelling.write(name),
            value: shortened(&text_of(raw).unwrap_or_else(|| json_of(raw))),
            layer: self.name.clone(),
            expected: key.kind.expected(),
        })
    }

    fn new<K: Into<String>, V: Into<String>>(
        name: &str,
        spelling: Spelling,
        values: impl Iterator<Item = (K, V)>,
    ) -> Self {
        let values = values.map(|(key, value)| (key.into(), Value::from(value.into()))).collect();
        Self { name: name.to_owned(), spelling, values }
    }

    fn file(path: &Path) -> Result<Self, Problem> {
        let bytes = storage::read(path, LARGEST_FILE)?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}');
        let syntax = |format, reason| Problem::Syntax { path: path.to_owned(), format, reason };
        let values: Dict = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Toml::from_str(text).map_err(|error| {
                let place = error.span().map(|span| place_of(text, span.start));
                let message = error.message().replace('\n', ", ");
                syntax("TOML", format!("{message}{}", place.unwrap_or_default()))
            })?,
            Some("json") => {
                let values: Result<UniqueKeys<Value>, _> = Json::from_str(text);
                values.map_err(|error| syntax("JSON", error.to_string()))?.0
            }
            _ => return Err(Problem::Format(path.to_owned())),
        };
        let name = format!("config file `{}`", path.display());
        Ok(Self { name, spelling: Spelling::Plain, values })
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Spelling {
    fn write(self, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Variable => Key::variable(name),
            Self::Option => Key::option(name),
        }
    }
}

/// Begins the names of the SDK's own hyperparameters.
pub const PLATFORM_PREFIX: &str = "sagemaker_";
/// A hyperparameter of the tuner's own.
pub const PLATFORM_KEY: &str = "_tuning_objective_metric";

fn is_platforms(name: &str) -> bool {
    name.starts_with(PLATFORM_PREFIX) || name == PLATFORM_KEY
}

fn json_of(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "a table".to_owned())
}

/// Where byte `index` of `text` lies, counted from 1 and in the words of JSON's errors.
fn place_of(text: &str, index: usize) -> String {
    let before = text.get(..index).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(" at line {line} column {column}")
}
