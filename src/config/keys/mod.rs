//! The table of keys: command line options, documentation and checks all derive from it.

mod conduct;
mod pairs;
mod sources;
mod training;

use super::kind::Kind;

/// Begins the name of every environment variable that is ours.
pub(super) const VARIABLE_PREFIX: &str = "DYAD_";

/// One setting: its name, what it accepts and what it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The name in every layer, in snake case.
    pub name: &'static str,
    /// What values it accepts.
    pub kind: Kind,
    /// The default, as a user would write it.
    pub default: &'static str,
    /// Whether another value gives another result.
    pub effect: Effect,
    /// What it does, in one line.
    pub help: &'static str,
}

/// What changing a key does to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes the result: another value is another run.
    Result,
    /// It changes how far, where or how fast a run goes, or what is kept of it.
    Conduct,
}

impl Key {
    /// The key of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key whose name is most similar to `name`, by Jaro-Winkler similarity.
    pub fn nearest(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase().replace('-', "_");
        let similarity = |key: &Self| strsim::jaro_winkler(key.name, &name);
        KEYS.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)))
    }

    /// The command line option of a key: `--learning-rate` for `learning_rate`.
    pub fn option(name: &str) -> String {
        format!("--{}", name.replace('_', "-"))
    }

    /// The environment variable of a key: `DYAD_LEARNING_RATE` for `learning_rate`.
    pub fn variable(name: &str) -> String {
        format!("{VARIABLE_PREFIX}{}", name.to_uppercase())
    }
}

/// Every key, in the order of help and documentation.
///
/// Upper limits of counts only catch slips of the pen; they are far above any sensible value.
pub const KEYS: &[Key] = &one_behind_the_other::<
    { training::KEYS.len() + pairs::KEYS.len() + sources::KEYS.len() + conduct::KEYS.len() },
>([&training::KEYS, &pairs::KEYS, &sources::KEYS, &conduct::KEYS]);

const fn one_behind_the_other<const N: usize>(parts: [&[Key]; 4]) -> [Key; N] {
    let mut keys = [parts[0][0]; N];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() {
            keys[at] = parts[part][i];
            (i, at) = (i + 1, at + 1);
        }
        part += 1;
    }
    keys
}
