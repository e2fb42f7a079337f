//! Which row of which shard holds an embedding.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;

/// Rows by sequence. Those that several shards hold are read from a pinned shard if one has them,
/// and among equals from the one with the smallest name, so that all readers read the same bits.
#[derive(Debug, Default)]
pub(super) struct Index {
    shards: Vec<Digest>,
    numbers: BTreeMap<Digest, u32>,
    pinned: BTreeSet<Digest>,
    /// Numbers instead of names and of `usize`: a million rows are nothing unusual.
    rows: BTreeMap<Digest, (u32, u32)>,
}

impl Index {
    /// The shard and the row of a sequence.
    pub(super) fn get(&self, key: &Digest) -> Option<(Digest, usize)> {
        let (shard, row) = self.rows.get(key)?;
        Some((self.shards[*shard as usize], *row as usize))
    }

    /// Whether the rows of a shard are known.
    pub(super) fn knows(&self, shard: &Digest) -> bool {
        self.numbers.contains_key(shard)
    }

    /// Adds the rows of a shard, in their order.
    pub(super) fn add(&mut self, shard: Digest, keys: impl IntoIterator<Item = Digest>) {
        let next = self.shards.len() as u32;
        let number = *self.numbers.entry(shard).or_insert(next);
        if number == next {
            self.shards.push(shard);
        }
        let rank = self.rank(shard);
        for (row, key) in (0..).zip(keys) {
            let there =
                self.rows.get(&key).map(|(other, _)| self.rank(self.shards[*other as usize]));
            if there.is_none_or(|there| rank < there) {
                self.rows.insert(key, (number, row));
            }
        }
    }

    /// Lets shards go before all others from now on; their rows are to be added again.
    pub(super) fn pin(&mut self, shards: impl IntoIterator<Item = Digest>) {
        self.pinned.extend(shards);
    }

    /// Takes out a shard that cannot be had. Its rows count as absent, also where another shard
    /// holds them, until that is added again.
    pub(super) fn forget(&mut self, shard: &Digest) {
        if let Some(number) = self.numbers.remove(shard) {
            self.rows.retain(|_, (other, _)| *other != number);
        }
    }

    /// Forgets all shards, but not which go first.
    pub(super) fn clear(&mut self) {
        *self = Self { pinned: std::mem::take(&mut self.pinned), ..Self::default() };
    }

    /// Smaller goes first.
    fn rank(&self, shard: Digest) -> (bool, Digest) {
        (!self.pinned.contains(&shard), shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_shards_go_first_then_the_smallest_name() {
        let mut shards = [b"a", b"b", b"c"].map(|name| Digest::of(name));
        shards.sort_unstable();
        let [small, middle, large] = shards;
        let key = Digest::of(b"sequence");
        let mut index = Index::default();
        index.add(middle, [key]);
        index.add(large, [key]);
        assert_eq!(index.get(&key), Some((middle, 0)));
        index.add(small, [Digest::of(b"another"), key]);
        assert_eq!(index.get(&key), Some((small, 1)));
        index.pin([large]);
        index.add(large, [key]);
        index.add(small, [Digest::of(b"another"), key]);
        assert_eq!(index.get(&key), Some((large, 0)));
        index.forget(&large);
        assert_eq!(index.get(&key), None);
        assert!(!index.knows(&large) && index.knows(&small));
    }
}
