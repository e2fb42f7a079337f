//! What a cache holds, from listings and the starts of its shards.

use std::time::{Duration, SystemTime};

use super::super::distant::in_parallel;
use super::super::{MAX_SHARD_BYTES, MAX_SPACE_BYTES, SPACE, shard_name};
use super::index::{ShardIndex, index_bytes};
use super::{Cache, CacheError, SHARDS, SPACES, go_on};
use crate::digest::Digest;
use crate::embeddings::EmbeddingSpace;
use crate::shutdown::Shutdown;
use crate::storage::remote::{Listing, Object};

/// No encoder has embeddings of this length.
const MAX_DIMENSION: usize = 1 << 20;
/// Indexes read at a time: of a bucket each takes a round trip.
const PARALLEL: usize = 8;

/// All spaces of a cache.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Those that this version understands, by id.
    pub spaces: Vec<SpaceInventory>,
    /// Folders that look like spaces and are none that it understands.
    pub foreign: Vec<Flaw>,
}

/// One space of a cache.
#[derive(Clone, Debug)]
pub struct SpaceInventory {
    /// Its id, the name of its folder.
    pub id: String,
    /// What makes its embeddings comparable.
    pub space: EmbeddingSpace,
    /// Its shards, by name.
    pub shards: Vec<ShardEntry>,
    /// Shards whose index cannot be read.
    pub unreadable: Vec<(Digest, Flaw)>,
}

/// A shard as its listing and its index show it.
#[derive(Clone, Debug)]
pub struct ShardEntry {
    /// The digest of its content.
    pub name: Digest,
    /// Its size.
    pub bytes: u64,
    /// How long it has been there, by the clock that dated it.
    pub age: Duration,
    /// What it holds.
    pub index: ShardIndex,
}

/// Something that is not as it should be.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// The file or folder.
    pub uri: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Looks at all spaces.
pub fn inventory(cache: &Cache, shutdown: &Shutdown) -> Result<Inventory, CacheError> {
    let mut found = Inventory::default();
    for id in ids(cache)? {
        match describe(cache, &id)? {
            Ok(space) => found.spaces.push(shards(cache, id, space, shutdown)?),
            Err(flaw) => found.foreign.push(flaw),
        }
    }
    Ok(found)
}

/// Looks at the one space whose id begins with `prefix`.
pub fn find_space(
    cache: &Cache,
    prefix: &str,
    shutdown: &Shutdown,
) -> Result<SpaceInventory, CacheError> {
    let all = ids(cache)?;
    let meant: Vec<_> = all.iter().filter(|id| id.starts_with(prefix)).cloned().collect();
    match meant.as_slice() {
        [id] => match describe(cache, id)? {
            Ok(space) => shards(cache, id.clone(), space, shutdown),
            Err(Flaw { uri, problem }) => Err(CacheError::Damaged { uri, problem }),
        },
        [] => {
            let there = match all.is_empty() {
                true => "there is none".to_owned(),
                false => format!("there are `{}`", all.join("`, `")),
            };
            Err(CacheError::NoSpace { place: cache.place(), id: prefix.to_owned(), there })
        }
        _ => Err(CacheError::Ambiguous { id: prefix.to_owned(), ids: meant }),
    }
}

impl SpaceInventory {
    /// Rows of all shards.
    pub fn rows(&self) -> usize {
        self.shards.iter().map(|shard| shard.index.rows()).sum()
    }

    /// Sequences, each counted once.
    pub fn sequences(&self) -> usize {
        self.view().len()
    }

    /// The names of all shards, readable or not.
    pub(super) fn names(&self) -> Vec<Digest> {
        let readable = self.shards.iter().map(|shard| shard.name);
        let mut names: Vec<_> =
            readable.chain(self.unreadable.iter().map(|(name, _)| *name)).collect();
        names.sort_unstable();
        names
    }

    /// Bytes of all shards.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }

    /// How long ago the last shard came; `None` without shards.
    pub fn age(&self) -> Option<Duration> {
        self.shards.iter().map(|shard| shard.age).min()
    }

    /// Where each sequence is read from: shard and row, sorted by sequence. Of several shards that
    /// hold a sequence it is the one with the smallest name, as for every reader.
    pub(super) fn view(&self) -> Vec<(Digest, u32, u32)> {
        let mut rows = Vec::with_capacity(self.rows());
        for (shard, entry) in (0..).zip(&self.shards) {
            rows.extend((0..).zip(&entry.index.keys).map(|(row, key)| (*key, shard, row)));
        }
        rows.sort_unstable();
        rows.dedup_by_key(|(key, ..)| *key);
        rows
    }
}

/// The ids of all folders that look like spaces.
fn ids(cache: &Cache) -> Result<Vec<String>, CacheError> {
    let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    let mut ids = cache.objects.list(&format!("{}{SPACES}", cache.root))?.folders;
    ids.retain(|id| id.len() == 32 && id.bytes().all(lower_hex));
    Ok(ids)
}

/// The description of a space, unless it is not one that this version writes.
fn describe(cache: &Cache, id: &str) -> Result<Result<EmbeddingSpace, Flaw>, CacheError> {
    let key = cache.key(id, SPACE);
    let flaw =
        |problem: &str| Ok(Err(Flaw { uri: cache.uri_of(&key), problem: problem.to_owned() }));
    let bytes = match cache.objects.read(&key, MAX_SPACE_BYTES) {
        Err(error) if error.is_absent() => return flaw("it is missing"),
        bytes => bytes?,
    };
    let Ok(space) = serde_json::from_slice::<EmbeddingSpace>(&bytes) else {
        return flaw("it describes no space that this version understands");
    };
    if space.canonical_json() != bytes || space.id() != id {
        return flaw("it describes another space than its folder name says");
    }
    if !(1..=MAX_DIMENSION).contains(&space.dimension) {
        return flaw("it describes embeddings of an impossible length");
    }
    Ok(Ok(space))
}

fn shards(
    cache: &Cache,
    id: String,
    space: EmbeddingSpace,
    shutdown: &Shutdown,
) -> Result<SpaceInventory, CacheError> {
    let listing = cache.objects.list(&cache.key(&id, &format!("{SHARDS}/")))?;
    let now = now(&listing);
    let named: Vec<_> =
        listing.objects.iter().filter_map(|o| Some((shard_name(&o.name)?, o))).collect();
    let read = in_parallel(PARALLEL, &named, |(name, object)| {
        go_on(shutdown)?;
        read_index(cache, &id, &space, name, object)
    });
    let mut found = SpaceInventory { id, space, shards: Vec::new(), unreadable: Vec::new() };
    for ((name, object), index) in named.iter().zip(read) {
        match index? {
            Some(Ok(index)) => found.shards.push(ShardEntry {
                name: *name,
                bytes: object.bytes,
                age: age(now, object),
                index,
            }),
            Some(Err(flaw)) => found.unreadable.push((*name, flaw)),
            // Removed since it was listed.
            None => {}
        }
    }
    found.shards.sort_by_key(|shard| shard.name);
    Ok(found)
}

type Index = Option<Result<ShardIndex, Flaw>>;

fn read_index(
    cache: &Cache,
    id: &str,
    space: &EmbeddingSpace,
    name: &Digest,
    object: &Object,
) -> Result<Index, CacheError> {
    let key = cache.shard_key(id, name);
    if object.bytes > MAX_SHARD_BYTES {
        let problem = format!("it has {} bytes, more than any shard", object.bytes);
        return Ok(Some(Err(Flaw { uri: cache.uri_of(&key), problem })));
    }
    match cache.objects.read_start(&key, index_bytes(space, object.bytes)) {
        Err(error) if error.is_absent() => Ok(None),
        start => Ok(Some(
            ShardIndex::parse(&start?, object.bytes, space)
                .map_err(|problem| Flaw { uri: cache.uri_of(&key), problem }),
        )),
    }
}

/// The present by the clock that dates the objects. A server that does not tell it is taken to
/// live in the time of its newest object, so that nothing looks older than it is.
pub(super) fn now(listing: &Listing) -> SystemTime {
    let newest = listing.objects.iter().map(|object| object.modified).max();
    listing.at.or(newest).unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(super) fn age(now: SystemTime, object: &Object) -> Duration {
    now.duration_since(object.modified).unwrap_or_default()
}
