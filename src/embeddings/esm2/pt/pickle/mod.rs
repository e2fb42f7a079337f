//! What a pickle says, without doing what it says: classes stay names, and calls are written down,
//! never made.
//!
//! Values lie in one list and name each other by their places in it, so that nothing is copied and
//! nothing is nested.

mod reader;

/// The place of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

/// A value of Python as far as it matters for weights.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// `None`, bytes, a number that counts nothing.
    Other,
    Bool(bool),
    Count(usize),
    Text(&'a str),
    /// A list, tuple or set.
    Items(Vec<Place>),
    Pairs(Vec<(Place, Place)>),
    /// A class or function.
    Global {
        module: &'a str,
        name: &'a str,
    },
    /// An object as the pickle says how to make it.
    Object {
        /// The class or function to call.
        callee: Place,
        arguments: Place,
        /// What is put into it as into a dictionary.
        pairs: Vec<(Place, Place)>,
        /// Its attributes.
        state: Option<Place>,
    },
    /// What lies beside the pickle, by its description.
    Outside(Place),
}

/// The values of a pickle.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Place,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle to its end.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let (values, root) = reader::read(bytes)?;
        Ok(Self { values, root })
    }

    /// The value that was saved.
    pub(super) fn root(&self) -> Place {
        self.root
    }

    /// The value at a place.
    pub(super) fn value(&self, place: Place) -> &Value<'a> {
        &self.values[place.0]
    }

    /// The entries of a dictionary, also of an ordered one.
    pub(super) fn pairs(&self, place: Place) -> Option<&[(Place, Place)]> {
        match self.value(place) {
            Value::Pairs(pairs) | Value::Object { pairs, .. } => Some(pairs),
            _ => None,
        }
    }

    /// What a dictionary holds under `name` or, of an object, its attribute of that name. As in
    /// Python the last one counts.
    pub(super) fn get(&self, place: Place, name: &str) -> Option<Place> {
        let attributes = match self.value(place) {
            Value::Object { state: Some(state), .. } => self.pairs(*state),
            _ => None,
        };
        let pairs = self.pairs(place).unwrap_or_default().iter();
        let mut pairs = pairs.chain(attributes.unwrap_or_default()).rev();
        let (_, value) = pairs.find(|(key, _)| self.text(*key) == Some(name))?;
        Some(*value)
    }

    /// The arguments of a call of `module.name`, if the object is made by one.
    pub(super) fn arguments(&self, place: Place, module: &str, name: &str) -> Option<&[Place]> {
        let Value::Object { callee, arguments, .. } = self.value(place) else { return None };
        let Value::Global { module: of, name: called } = self.value(*callee) else { return None };
        (*of == module && *called == name).then(|| self.items(*arguments))?
    }

    /// The elements of a list or tuple.
    pub(super) fn items(&self, place: Place) -> Option<&[Place]> {
        match self.value(place) {
            Value::Items(items) => Some(items),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self, place: Place) -> Option<&'a str> {
        match self.value(place) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is not negative.
    pub(super) fn count(&self, place: Place) -> Option<usize> {
        match self.value(place) {
            Value::Count(count) => Some(*count),
            _ => None,
        }
    }

    /// The counts in a list or tuple.
    pub(super) fn counts(&self, place: Place) -> Option<Vec<usize>> {
        self.items(place)?.iter().map(|item| self.count(*item)).collect()
    }
}
