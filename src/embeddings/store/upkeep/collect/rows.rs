//! Which shards hold which rows, while some of them go.

use std::collections::BTreeSet;

use super::Why;
use crate::digest::Digest;
use crate::embeddings::store::upkeep::ShardEntry;

/// What has been decided about a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It stays.
    Stays,
    /// It will go in a later run.
    Waits,
    /// It goes.
    Goes,
}

/// All rows of a space.
pub(super) struct Rows<'a> {
    shards: &'a [ShardEntry],
    /// By sequence, then by shard.
    sorted: Vec<Row>,
    pub(super) states: Vec<State>,
    /// Whether a shard has been there for the grace period.
    pub(super) settled: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    key: Digest,
    shard: u32,
    checksum: u32,
}

/// Whether the other shards can do without one.
pub(super) enum Verdict {
    /// Some row lies nowhere else.
    Needed,
    /// They can, but for that.
    Stays(Why),
    /// They can; which of them hold its rows.
    Superseded(BTreeSet<usize>),
}

impl<'a> Rows<'a> {
    /// The rows of `shards`, which are sorted by name.
    pub(super) fn new(shards: &'a [ShardEntry], settled: Vec<bool>) -> Self {
        let mut sorted = Vec::with_capacity(shards.iter().map(|shard| shard.index.rows()).sum());
        for (shard, entry) in (0..).zip(shards) {
            let index = entry.index.keys.iter().zip(&entry.index.checksums);
            sorted.extend(index.map(|(key, checksum)| Row {
                key: *key,
                shard,
                checksum: *checksum,
            }));
        }
        sorted.sort_unstable();
        Self { shards, sorted, states: vec![State::Stays; shards.len()], settled }
    }

    /// What would become of the rows of a shard without it.
    pub(super) fn without(&self, shard: usize) -> Verdict {
        let index = &self.shards[shard].index;
        let mut holders = BTreeSet::new();
        let (mut contested, mut young) = (false, false);
        for (key, checksum) in index.keys.iter().zip(&index.checksums) {
            // What readers see is the row of the first.
            let seen = self.of(key).next().map(|row| row.checksum);
            let others = || self.of(key).filter(|row| row.shard as usize != shard);
            let same = |row: &&Row| {
                row.checksum == *checksum && self.states[row.shard as usize] == State::Stays
            };
            let held: Vec<_> = others().filter(same).map(|row| row.shard as usize).collect();
            let settled = || held.iter().filter(|holder| self.settled[**holder]);
            let holder = settled()
                .find(|holder| holders.contains(*holder))
                .or_else(|| settled().max_by_key(|holder| self.shards[**holder].index.rows()));
            match holder {
                Some(holder) => drop(holders.insert(*holder)),
                None if held.is_empty() => return Verdict::Needed,
                None => young = true,
            }
            // Now, and without the shard.
            contested |= seen != Some(*checksum);
            contested |= others().next().map(|row| row.checksum) != seen;
        }
        match (contested, young) {
            (true, _) => Verdict::Stays(Why::Contested),
            (false, true) => Verdict::Stays(Why::Young),
            (false, false) => Verdict::Superseded(holders),
        }
    }

    /// Whether some sequence of a shard has other values elsewhere.
    pub(super) fn is_contested(&self, shard: usize) -> bool {
        let index = &self.shards[shard].index;
        let mut rows = index.keys.iter().zip(&index.checksums);
        rows.any(|(key, checksum)| self.of(key).any(|row| row.checksum != *checksum))
    }

    /// The rows of a sequence in shards that do not go, by the name of the shard.
    fn of(&self, key: &Digest) -> impl Iterator<Item = &Row> {
        let first = self.sorted.partition_point(|row| row.key < *key);
        let rows = self.sorted[first..].iter().take_while(move |row| row.key == *key);
        rows.filter(|row| self.states[row.shard as usize] != State::Goes)
    }
}
