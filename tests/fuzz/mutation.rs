//! Damage to valid files that knows nothing of their format.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// What happens to bytes, one thing after the other.
pub(crate) type Mutations = Vec<Mutation>;

/// One change. Positions are relative to the length that the bytes have by then.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Remove(Index, Index),
    Insert(Index, Vec<u8>),
    /// A piece moves over another place, or in between.
    Splice(Index, Index, Index),
    Repeat(Index, Index, usize),
}

/// Bytes that mean something in one format or another.
const WORDS: [&[u8]; 24] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\t",
    b",",
    b"\"",
    b"|",
    b">",
    b"-",
    b":",
    b"{",
    b"[",
    b"[[[[[[[[[[[[[[[[",
    b"]",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1f\x8b\x08",
    b"NaN",
    b"1e999",
    b"-0.0",
    b"18446744073709551616",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"null",
];

/// One to six changes.
pub(crate) fn mutations() -> impl Strategy<Value = Mutations> {
    vec(mutation(), 1..=6)
}

/// `bytes` after the changes.
pub(crate) fn mutated(bytes: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
    bytes
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        at().prop_map(Mutation::Cut),
        (at(), at()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at(), proptest::sample::select(&WORDS[..]))
            .prop_map(|(at, word)| Mutation::Insert(at, word.to_vec())),
        (at(), at(), at()).prop_map(|(from, to, at)| Mutation::Splice(from, to, at)),
        (at(), at(), 2..20_usize).prop_map(|(from, to, n)| Mutation::Repeat(from, to, n)),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |index: &Index| index.index(bytes.len() + 1);
        let piece = |from: &Index, to: &Index| {
            let (from, to) = (place(from), place(to));
            from.min(to)..from.max(to).min(from.min(to) + 4096)
        };
        match self {
            Self::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Flip(..) | Self::Set(..) => {}
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Remove(from, to) => drop(bytes.drain(piece(from, to))),
            Self::Insert(at, inserted) => {
                let at = place(at);
                drop(bytes.splice(at..at, inserted.iter().copied()));
            }
            Self::Splice(from, to, at) => {
                let copied = bytes[piece(from, to)].to_vec();
                let at = place(at);
                let end = (at + copied.len() / 2).min(bytes.len());
                drop(bytes.splice(at..end, copied));
            }
            Self::Repeat(from, to, times) => {
                let piece = piece(from, to);
                let copies = bytes[piece.clone()].repeat(*times);
                drop(bytes.splice(piece.end..piece.end, copies));
            }
        }
    }
}
