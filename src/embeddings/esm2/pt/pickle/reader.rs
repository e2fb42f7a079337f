//! The steps of a pickle, as Python's `pickletools` documents them, of protocols 2 to 5.

use std::collections::BTreeMap;

use super::{Place, Value};

/// More than any published file takes by far; it also bounds the memory.
const MOST_STEPS: usize = 1 << 20;

/// The values of a pickle and the place of the one that was saved.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Value<'_>>, Place), String> {
    let mut reader = Reader { rest: bytes, ..Reader::default() };
    for _ in 0..MOST_STEPS {
        if let Some(root) = reader.step()? {
            return Ok((reader.values, root));
        }
    }
    Err(format!("its pickle has more than {MOST_STEPS} steps"))
}

#[derive(Default)]
struct Reader<'a> {
    rest: &'a [u8],
    values: Vec<Value<'a>>,
    stack: Vec<Place>,
    /// The heights of the stack at open marks.
    marks: Vec<usize>,
    memo: BTreeMap<usize, Place>,
}

impl<'a> Reader<'a> {
    /// Takes one step; the last gives the root.
    fn step(&mut self) -> Result<Option<Place>, String> {
        match self.byte()? {
            0x80 => self.protocol()?,
            0x95 => drop(self.take(8)?),
            b'.' => return self.pop().map(Some),
            b'N' => self.push(Value::Other),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => self.integer(4)?,
            b'K' => self.count(1)?,
            b'M' => self.count(2)?,
            0x8a => {
                let length = self.number(1)?;
                self.integer(length)?;
            }
            b'G' => self.other(8)?,
            b'C' => self.other_of_length(1)?,
            b'B' => self.other_of_length(4)?,
            0x8e | 0x96 => self.other_of_length(8)?,
            0x8c => self.string(1)?,
            b'X' => self.string(4)?,
            0x8d => self.string(8)?,
            b')' | b']' | 0x8f => self.push(Value::Items(Vec::new())),
            b'}' => self.push(Value::Pairs(Vec::new())),
            b'(' => self.marks.push(self.stack.len()),
            b't' | b'l' | 0x91 => {
                let items = self.since_mark()?;
                self.push(Value::Items(items));
            }
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                self.append(items)?;
            }
            b'd' => {
                let items = self.since_mark()?;
                self.push(Value::Pairs(Vec::new()));
                self.insert(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.insert(&items)?;
            }
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            0x94 => self.remember_next()?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => self.stack.push(self.top()?),
            b'c' => self.global()?,
            0x93 => self.global_of_stack()?,
            b'Q' => {
                let described = self.pop()?;
                self.push(Value::Outside(described));
            }
            b'R' | 0x81 => self.object()?,
            0x92 => {
                // Named arguments are for nothing that is read here.
                self.pop()?;
                self.object()?;
            }
            b'b' => self.build()?,
            step => {
                return Err(format!("its pickle has the step 0x{step:02x}, which no weights need"));
            }
        }
        Ok(None)
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.byte()? {
            2..=5 => Ok(()),
            other => Err(format!("its pickle is of protocol {other}, expected 2 to 5")),
        }
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(Place(self.values.len()));
        self.values.push(value);
    }

    fn top(&self) -> Result<Place, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.get(floor..).and_then(<[Place]>::last).copied().ok_or_else(broken)
    }

    fn pop(&mut self) -> Result<Place, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn since_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().ok_or_else(broken)?;
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(length).filter(|start| *start >= floor);
        let items = self.stack.split_off(start.ok_or_else(broken)?);
        self.push(Value::Items(items));
        Ok(())
    }

    fn append(&mut self, new: Vec<Place>) -> Result<(), String> {
        let list = self.top()?;
        match &mut self.values[list.0] {
            Value::Items(items) => items.extend(new),
            // A list of a class of its own.
            Value::Object { .. } => {}
            _ => return Err(broken()),
        }
        Ok(())
    }

    fn insert(&mut self, new: &[Place]) -> Result<(), String> {
        let dictionary = self.top()?;
        let (new, []) = new.as_chunks::<2>() else { return Err(broken()) };
        match &mut self.values[dictionary.0] {
            Value::Pairs(pairs) | Value::Object { pairs, .. } => {
                pairs.extend(new.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err(broken()),
        }
    }

    fn object(&mut self) -> Result<(), String> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        self.push(Value::Object { callee, arguments, pairs: Vec::new(), state: None });
        Ok(())
    }

    fn build(&mut self) -> Result<(), String> {
        let new = self.pop()?;
        let object = self.top()?;
        if let Value::Object { state, .. } = &mut self.values[object.0] {
            *state = Some(new);
        }
        Ok(())
    }

    fn global(&mut self) -> Result<(), String> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global { module, name });
        Ok(())
    }

    fn global_of_stack(&mut self) -> Result<(), String> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (&self.values[module.0], &self.values[name.0]) {
            (Value::Text(module), Value::Text(name)) => {
                let (module, name) = (*module, *name);
                self.push(Value::Global { module, name });
                Ok(())
            }
            _ => Err(broken()),
        }
    }

    fn remember(&mut self, length: usize) -> Result<(), String> {
        let key = self.number(length)?;
        self.memo.insert(key, self.top()?);
        Ok(())
    }

    fn remember_next(&mut self) -> Result<(), String> {
        self.memo.insert(self.memo.len(), self.top()?);
        Ok(())
    }

    fn recall(&mut self, length: usize) -> Result<(), String> {
        let key = self.number(length)?;
        self.stack.push(*self.memo.get(&key).ok_or_else(broken)?);
        Ok(())
    }

    fn string(&mut self, length: usize) -> Result<(), String> {
        let length = self.number(length)?;
        let text = utf8(self.take(length)?)?;
        self.push(Value::Text(text));
        Ok(())
    }

    fn other(&mut self, length: usize) -> Result<(), String> {
        self.take(length)?;
        self.push(Value::Other);
        Ok(())
    }

    fn other_of_length(&mut self, length: usize) -> Result<(), String> {
        let length = self.number(length)?;
        self.other(length)
    }

    /// An integer in two's complement, little end first.
    fn integer(&mut self, length: usize) -> Result<(), String> {
        let negative = length
            .checked_sub(1)
            .and_then(|last| self.rest.get(last))
            .is_some_and(|byte| byte & 0x80 != 0);
        match negative || length > size_of::<u64>() {
            true => self.other(length),
            false => self.count(length),
        }
    }

    fn count(&mut self, length: usize) -> Result<(), String> {
        let count = self.number(length)?;
        self.push(Value::Count(count));
        Ok(())
    }

    /// A number without sign in at most eight bytes, little end first.
    fn number(&mut self, length: usize) -> Result<usize, String> {
        let mut word = [0; 8];
        word[..length].copy_from_slice(self.take(length)?);
        usize::try_from(u64::from_le_bytes(word)).map_err(|_| broken())
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or("its pickle ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let line = utf8(self.take(end)?)?;
        self.take(1)?;
        Ok(line)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    str::from_utf8(bytes).map_err(|_| broken())
}

fn broken() -> String {
    "its pickle is broken".to_owned()
}
