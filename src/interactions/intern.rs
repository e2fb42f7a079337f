//! Texts as small numbers, in order of appearance.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Gives equal values equal numbers, counted from 0.
#[derive(Debug)]
pub(super) struct Interner<T> {
    numbers: HashMap<T, usize>,
}

impl<T: Eq + Hash> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// The number of `value`, which is copied only where it is new.
    pub(super) fn intern<Q>(&mut self, value: &Q) -> usize
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(value.to_owned(), number);
        number
    }

    /// The values in order of their numbers.
    pub(super) fn into_values(self) -> Vec<T> {
        let mut values: Vec<(T, usize)> = self.numbers.into_iter().collect();
        values.sort_unstable_by_key(|(_, number)| *number);
        values.into_iter().map(|(value, _)| value).collect()
    }
}
