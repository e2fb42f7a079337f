//! Which request gets which fault.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Fault;

/// The requests that a plan or a count is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    method: Option<&'static str>,
    /// The query has, or has not, a parameter of this name.
    parameter: Option<(&'static str, bool)>,
    contains: String,
    ends: String,
}

impl Match {
    /// All requests.
    pub(crate) fn any() -> Self {
        Self::default()
    }

    /// All requests with this method.
    pub(crate) fn method(method: &'static str) -> Self {
        Self { method: Some(method), ..Self::default() }
    }

    /// Objects written in one piece.
    pub(crate) fn puts() -> Self {
        Self::method("PUT").parameter("partNumber", false)
    }

    /// Parts of objects written in several.
    pub(crate) fn parts() -> Self {
        Self::method("PUT").parameter("partNumber", true)
    }

    /// The requests that make objects of parts.
    pub(crate) fn completes() -> Self {
        Self::method("POST").parameter("uploadId", true)
    }

    /// Objects read, whole or in part.
    pub(crate) fn gets() -> Self {
        Self::method("GET").parameter("list-type", false)
    }

    /// Listings.
    pub(crate) fn lists() -> Self {
        Self::method("GET").parameter("list-type", true)
    }

    /// Questions about objects.
    pub(crate) fn heads() -> Self {
        Self::method("HEAD")
    }

    /// Of these only those whose path, `/bucket/key`, contains a text.
    pub(crate) fn containing(self, text: &str) -> Self {
        Self { contains: text.to_owned(), ..self }
    }

    /// Of these only those whose path ends with a text.
    pub(crate) fn ending(self, text: &str) -> Self {
        Self { ends: text.to_owned(), ..self }
    }

    fn parameter(self, name: &'static str, present: bool) -> Self {
        Self { parameter: Some((name, present)), ..self }
    }

    pub(super) fn fits(&self, method: &str, path: &str, query: &str) -> bool {
        let has = |name| query.split('&').any(|part| part.split('=').next() == Some(name));
        self.method.is_none_or(|wanted| wanted == method)
            && self.parameter.is_none_or(|(name, present)| has(name) == present)
            && path.contains(&self.contains)
            && path.ends_with(&self.ends)
    }
}

/// The plans, in the order in which they were made.
#[derive(Default)]
pub(super) struct Plan(Vec<Rule>);

struct Rule {
    when: Match,
    then: Then,
}

enum Then {
    Fail(Lasts, Fault),
    Roll(Dice),
}

/// How long a rule applies.
pub(super) enum Lasts {
    Times(usize),
    Until(Instant),
    Forever,
}

impl Plan {
    pub(super) fn add(&mut self, when: Match, lasts: Lasts, fault: Fault) {
        self.0.push(Rule { when, then: Then::Fail(lasts, fault) });
    }

    pub(super) fn add_random(
        &mut self,
        seed: u64,
        probability: f64,
        when: Match,
        faults: &[Fault],
    ) {
        let dice = Dice { seed, probability, faults: faults.to_vec(), seen: HashMap::new() };
        self.0.push(Rule { when, then: Then::Roll(dice) });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault of a request that has just come.
    pub(super) fn draw(&mut self, method: &str, path: &str, query: &str) -> Option<Fault> {
        let rules = self.0.iter_mut().filter(|rule| rule.when.fits(method, path, query));
        rules.map(|rule| &mut rule.then).find_map(|then| match then {
            Then::Fail(lasts, fault) => lasts.applies().then_some(*fault),
            Then::Roll(dice) => dice.roll(method, path),
        })
    }
}

impl Lasts {
    /// Whether it applies to one more request.
    fn applies(&mut self) -> bool {
        match self {
            Self::Times(0) => false,
            Self::Times(left) => {
                *left -= 1;
                true
            }
            Self::Until(end) => Instant::now() < *end,
            Self::Forever => true,
        }
    }
}

struct Dice {
    seed: u64,
    probability: f64,
    faults: Vec<Fault>,
    seen: HashMap<(String, String), u64>,
}

impl Dice {
    fn roll(&mut self, method: &str, path: &str) -> Option<Fault> {
        let possible: Vec<_> = self.faults.iter().filter(|fault| fault.concerns(method)).collect();
        let before = self.seen.entry((method.to_owned(), path.to_owned())).or_default();
        let mut hasher = DefaultHasher::new();
        (self.seed, method, path, *before).hash(&mut hasher);
        *before += 1;
        let mut random = ChaCha8Rng::seed_from_u64(hasher.finish());
        if possible.is_empty() || !random.random_bool(self.probability) {
            return None;
        }
        Some(*possible[random.random_range(0..possible.len())])
    }
}
