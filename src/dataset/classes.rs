//! Test pairs by how many of their proteins training has seen.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Dataset, Example, Part};

/// How much training has seen of a test pair, in the classes of Park and Marcotte (2012,
/// doi:10.1038/nmeth.2259). A protein counts as seen under any name of its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestClass {
    /// Both proteins, in other pairs.
    C1,
    /// One of them.
    C2,
    /// Neither.
    C3,
}

/// One value for each class of test pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes<T> {
    /// The value of [`TestClass::C1`].
    pub c1: T,
    /// The value of [`TestClass::C2`].
    pub c2: T,
    /// The value of [`TestClass::C3`].
    pub c3: T,
}

/// A set of pairs that gets negatives of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// The training part.
    Train,
    /// The validation part.
    Validation,
    /// The test part.
    Test,
    /// Pairs held out beside the test part, of proteins that training has seen.
    C1,
    /// Pairs of a test protein with one that training has seen.
    C2,
}

impl Dataset {
    /// The test part and what is tested beside it, by class.
    pub fn test_classes(&self) -> Classes<Vec<Example>> {
        let digest = |protein: u32| self.manifest.proteins[protein as usize].1;
        classes(digest, &self.train, self.test.iter().chain(&self.held_out))
    }
}

/// The pairs of `tested` by class; `unit` is what two names of one protein have in common.
pub(super) fn classes<'e, T: Ord>(
    unit: impl Fn(u32) -> T,
    train: &[Example],
    tested: impl IntoIterator<Item = &'e Example>,
) -> Classes<Vec<Example>> {
    let seen: BTreeSet<T> = train.iter().flat_map(|e| [unit(e.left), unit(e.right)]).collect();
    let mut classes = Classes::<Vec<Example>>::default();
    for example in tested {
        let seen = [example.left, example.right].map(|protein| seen.contains(&unit(protein)));
        classes.get_mut(TestClass::of(seen)).push(*example);
    }
    classes
}

impl TestClass {
    /// The class of a pair, from whether training has seen each of its proteins.
    fn of(seen: [bool; 2]) -> Self {
        match seen {
            [true, true] => Self::C1,
            [false, false] => Self::C3,
            _ => Self::C2,
        }
    }
}

impl fmt::Display for TestClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::C1 => "C1",
            Self::C2 => "C2",
            Self::C3 => "C3",
        })
    }
}

impl<T> Classes<T> {
    fn get_mut(&mut self, class: TestClass) -> &mut T {
        match class {
            TestClass::C1 => &mut self.c1,
            TestClass::C2 => &mut self.c2,
            TestClass::C3 => &mut self.c3,
        }
    }

    /// Every class with its value: C1, C2, C3.
    pub fn each(&self) -> [(TestClass, &T); 3] {
        [(TestClass::C1, &self.c1), (TestClass::C2, &self.c2), (TestClass::C3, &self.c3)]
    }

    /// What `f` makes of every value.
    pub fn map<U>(&self, f: impl Fn(&T) -> U) -> Classes<U> {
        Classes { c1: f(&self.c1), c2: f(&self.c2), c3: f(&self.c3) }
    }
}

impl Section {
    /// The part, where it is one.
    pub(super) fn part(self) -> Option<Part> {
        match self {
            Self::Train => Some(Part::Train),
            Self::Validation => Some(Part::Validation),
            Self::Test => Some(Part::Test),
            Self::C1 | Self::C2 => None,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train part",
            Self::Validation => "validation part",
            Self::Test => "test part",
            Self::C1 => "test class C1",
            Self::C2 => "test class C2",
        })
    }
}
