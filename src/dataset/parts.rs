//! Labelled pairs and the three parts they fall into.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One pair of proteins, as indices of the catalogue, and whether they interact.
///
/// Serialised as `[left, right, 0 or 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u32, u32, u8)", try_from = "(u32, u32, u8)")]
pub struct Example {
    /// One protein.
    pub left: u32,
    /// The other, or the same one in a self-pair.
    pub right: u32,
    /// Whether they interact.
    pub label: bool,
}

/// The labels of `examples`, in their order.
pub fn labels(examples: &[Example]) -> Vec<bool> {
    examples.iter().map(|example| example.label).collect()
}

/// A label other than 0 and 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the label `{0}` is neither 0 nor 1")]
pub struct LabelError(u8);

impl From<Example> for (u32, u32, u8) {
    fn from(Example { left, right, label }: Example) -> Self {
        (left, right, u8::from(label))
    }
}

impl TryFrom<(u32, u32, u8)> for Example {
    type Error = LabelError;

    fn try_from((left, right, label): (u32, u32, u8)) -> Result<Self, Self::Error> {
        match label {
            0 | 1 => Ok(Self { left, right, label: label == 1 }),
            other => Err(LabelError(other)),
        }
    }
}

/// Pairs from one input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// The pairs.
    pub examples: Vec<Example>,
    /// Whether the input had negatives of its own, even where none of them was usable.
    pub has_negatives: bool,
}

impl Pairs {
    /// The number of interacting pairs.
    pub fn positives(&self) -> usize {
        self.examples.iter().filter(|e| e.label).count()
    }

    /// Whether the pairs are used as labelled, without sampled negatives.
    pub(super) fn is_labelled(&self) -> bool {
        self.has_negatives || self.examples.iter().any(|e| !e.label)
    }
}

/// The pairs of a run as the user gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One set to be split, by any other rule than [`SplitRule::Given`](super::SplitRule::Given).
    Whole(Pairs),
    /// The user's own parts, for [`SplitRule::Given`](super::SplitRule::Given).
    Given {
        /// What the classifier learns from.
        train: Pairs,
        /// What selects the epoch and the threshold; where missing, it is carved from `train` by
        /// proteins.
        validation: Option<Pairs>,
        /// What the final metrics are measured on.
        test: Pairs,
    },
}

impl Source {
    /// All examples of all parts.
    pub(super) fn examples(&self) -> impl Iterator<Item = &Example> {
        let parts = match self {
            Self::Whole(pairs) => [Some(pairs), None, None],
            Self::Given { train, validation, test } => {
                [Some(train), validation.as_ref(), Some(test)]
            }
        };
        parts.into_iter().flatten().flat_map(|pairs| &pairs.examples)
    }
}

/// A part of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the classifier learns from.
    Train,
    /// What selects the epoch and the threshold.
    Validation,
    /// What the final metrics are measured on.
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// One value for each part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts<T> {
    /// The value of the training part.
    pub train: T,
    /// The value of the validation part.
    pub validation: T,
    /// The value of the test part.
    pub test: T,
}

impl<T> Parts<T> {
    /// The value of `part`.
    pub fn get(&self, part: Part) -> &T {
        match part {
            Part::Train => &self.train,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
        }
    }

    /// The value of `part`, to be changed.
    pub fn get_mut(&mut self, part: Part) -> &mut T {
        match part {
            Part::Train => &mut self.train,
            Part::Validation => &mut self.validation,
            Part::Test => &mut self.test,
        }
    }

    /// Every part with its value: training, validation, test.
    pub fn each(&self) -> [(Part, &T); 3] {
        [(Part::Train, &self.train), (Part::Validation, &self.validation), (Part::Test, &self.test)]
    }

    /// Every part with its value, to be changed.
    pub fn each_mut(&mut self) -> [(Part, &mut T); 3] {
        [
            (Part::Train, &mut self.train),
            (Part::Validation, &mut self.validation),
            (Part::Test, &mut self.test),
        ]
    }

    /// What `f` makes of every value.
    pub fn map<U>(&self, f: impl Fn(&T) -> U) -> Parts<U> {
        Parts { train: f(&self.train), validation: f(&self.validation), test: f(&self.test) }
    }
}
