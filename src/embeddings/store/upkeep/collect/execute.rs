//! Carrying a plan out: dumb, idempotent, and stopped by the first thing that is not as planned.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use tracing::{info, warn};

use super::survey::{Survey, pins};
use super::{Merge, Plan, Removal, SpacePlan};
use crate::digest::Digest;
use crate::embeddings::store::shard::ShardWriter;
use crate::embeddings::store::upkeep::whole::{WholeShard, decode};
use crate::embeddings::store::upkeep::{Cache, CacheError, SHARDS, SpaceInventory, go_on};
use crate::embeddings::store::{Row, shard_name};
use crate::shutdown::Shutdown;
use crate::storage::remote::{Content, Folder, Put};

/// Whole shards kept in memory while their rows are compared.
const HELD: usize = 3;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Shards removed.
    pub removed: usize,
    /// Other files removed.
    pub discarded: usize,
    /// Shards written.
    pub merged: usize,
}

/// Carries out `plan`, made from `survey` a moment ago.
///
/// Before a shard is removed, it and those that hold its rows are read and verified in full, and
/// their rows compared bit for bit.
pub fn collect(
    cache: &Cache,
    runs: &[Folder],
    survey: &Survey,
    plan: &Plan,
    shutdown: &Shutdown,
) -> Result<Done, CacheError> {
    let mut done = Done::default();
    for space in &plan.spaces {
        let Some(known) = survey.spaces.iter().find(|known| known.inventory.id == space.id) else {
            continue;
        };
        let known = &known.inventory;
        if !space.removals.is_empty() && is_as_planned(cache, runs, known, space, shutdown)? {
            let mut held = Held { cache, space: known, shards: BTreeMap::new() };
            for removal in &space.removals {
                go_on(shutdown)?;
                held.compare(removal)?;
                cache.objects.remove(&cache.shard_key(&space.id, &removal.shard))?;
                done.removed += 1;
            }
        }
        for discard in &space.discards {
            go_on(shutdown)?;
            cache.objects.remove(&cache.key(&space.id, &discard.name))?;
            done.discarded += 1;
        }
        for merge in &space.merges {
            go_on(shutdown)?;
            let name = write_merged(cache, known, merge)?;
            info!(space = %space.id, shard = %name, sources = merge.sources.len(), "merged");
            done.merged += 1;
        }
    }
    Ok(done)
}

/// Whether nothing has come since the survey that would have changed the removals: a pin of one of
/// them, or a shard with one of their sequences.
fn is_as_planned(
    cache: &Cache,
    runs: &[Folder],
    known: &SpaceInventory,
    plan: &SpacePlan,
    shutdown: &Shutdown,
) -> Result<bool, CacheError> {
    let going: BTreeSet<_> = plan.removals.iter().map(|removal| removal.shard).collect();
    let pins = pins(cache, runs, shutdown)?;
    let pinned = going.iter().any(|shard| pins.0.contains_key(&(plan.id.clone(), *shard)));
    let listing = cache.objects.list(&cache.key(&plan.id, &format!("{SHARDS}/")))?;
    let names: BTreeSet<_> =
        listing.objects.iter().filter_map(|object| shard_name(&object.name)).collect();
    let before: BTreeSet<_> = known.names().into_iter().collect();
    let mut shared = false;
    for name in names.difference(&before) {
        let rows: BTreeSet<_> = match WholeShard::read(cache, known, name) {
            // Readers do not see it either.
            Err(CacheError::Gone(_) | CacheError::Damaged { .. }) => continue,
            shard => shard?.index.keys.into_iter().collect(),
        };
        let going = known.shards.iter().filter(|shard| going.contains(&shard.name));
        shared |= going.flat_map(|shard| &shard.index.keys).any(|key| rows.contains(key));
    }
    if pinned || shared {
        warn!(space = %plan.id, "jobs changed the space meanwhile; nothing is removed, run again");
    }
    Ok(!pinned && !shared)
}

/// Whole shards, read once for several comparisons.
struct Held<'a> {
    cache: &'a Cache,
    space: &'a SpaceInventory,
    shards: BTreeMap<Digest, WholeShard>,
}

impl Held<'_> {
    /// Makes sure that every row of a shard lies bit for bit in those that are to hold it.
    fn compare(&mut self, removal: &Removal) -> Result<(), CacheError> {
        let key = self.cache.shard_key(&self.space.id, &removal.shard);
        let going = match WholeShard::read(self.cache, self.space, &removal.shard) {
            // By an earlier run that was stopped.
            Err(CacheError::Gone(_)) => return Ok(()),
            shard => shard?,
        };
        let mut missing: BTreeSet<usize> = (0..going.index.rows()).collect();
        for name in &removal.holders {
            let holder = self.shard(name)?;
            missing.retain(|row| holder.row_of(&going.index.keys[*row]) != Some(going.row(*row)));
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(CacheError::OnlyCopy(self.cache.uri_of(&key))),
        }
    }

    fn shard(&mut self, name: &Digest) -> Result<&WholeShard, CacheError> {
        if !self.shards.contains_key(name) && self.shards.len() == HELD {
            self.shards.clear();
        }
        match self.shards.entry(*name) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(free) => Ok(free.insert(WholeShard::read(self.cache, self.space, name)?)),
        }
    }
}

/// Writes one shard of the rows of several; they stay.
fn write_merged(
    cache: &Cache,
    space: &SpaceInventory,
    merge: &Merge,
) -> Result<Digest, CacheError> {
    let mut rows: BTreeMap<Digest, Row> = BTreeMap::new();
    for name in &merge.sources {
        let shard = WholeShard::read(cache, space, name)?;
        for (row, key) in shard.index.keys.iter().enumerate() {
            let values = decode(&space.space, shard.row(row));
            let residues = shard.index.residues[row];
            rows.entry(*key).or_insert(Row { key: *key, residues, values });
        }
    }
    let rows: Vec<Row> = rows.into_values().collect();
    let bytes = ShardWriter { space: &space.space, engine: &merge.engine }.write(&rows);
    let content = Content::of(&bytes);
    let key = cache.shard_key(&space.id, &content.digest);
    match cache.objects.create(&key, &content)? {
        Put::New | Put::Same => Ok(content.digest),
        Put::Other => {
            let problem = "its SHA-256 is not its name".to_owned();
            Err(CacheError::Damaged { uri: cache.uri_of(&key), problem })
        }
    }
}
