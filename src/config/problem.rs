//! What can be wrong with a configuration, in words.

use std::path::PathBuf;

use super::keys::Key;
use crate::storage::StorageError;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Mistakes in what the user gave, all that there are.
    #[error("{}", listed(.0))]
    Problems(Vec<Problem>),
    /// The table of keys and the stages' settings disagree: a defect of the program.
    #[error("the table of keys does not fit the settings: {0}")]
    Table(Box<figment::Error>),
}

/// One mistake.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A config file that cannot be read.
    #[error("{0}: give `--config` a file that can be read")]
    Unreadable(#[from] StorageError),
    /// A config file in no known format.
    #[error("config file `{}` must end in `.toml` or `.json`", .0.display())]
    Format(PathBuf),
    /// A config file that is not valid TOML or JSON.
    #[error("config file `{}` is not valid {format}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// TOML or JSON.
        format: &'static str,
        /// Where and why.
        reason: String,
    },
    /// A key that does not exist.
    #[error(
        "unknown key `{written}` ({layer}): expected a key of `dyad train --help`, the nearest is \
         `{nearest}`"
    )]
    Unknown {
        /// The key as the layer spells it.
        written: String,
        /// The layer.
        layer: String,
        /// The most similar key that exists, spelled in the same way.
        nearest: String,
    },
    /// A value that its key does not accept.
    #[error("`{written}` = `{value}` ({layer}): expected {expected}")]
    Value {
        /// The key.
        key: &'static Key,
        /// The key as the layer spells it.
        written: String,
        /// The value, shortened.
        value: String,
        /// The layer.
        layer: String,
        /// What the key accepts.
        expected: String,
    },
    /// Values that exclude each other.
    #[error("{first} and {second}: expected {expected}")]
    Together {
        /// One key with its value and layer.
        first: String,
        /// The other.
        second: String,
        /// What they must satisfy.
        expected: &'static str,
    },
}

impl Problem {
    /// Whether a value of this key was refused.
    pub(super) fn refuses(&self, name: &str) -> bool {
        matches!(self, Self::Value { key, .. } if key.name == name)
    }
}

/// `text` on one line and at most 80 characters, for messages.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() { shown + "…" } else { shown }
}

fn listed(problems: &[Problem]) -> String {
    if let [problem] = problems {
        return problem.to_string();
    }
    let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    format!("the configuration has {} problems:{}", problems.len(), lines.join(";"))
}
