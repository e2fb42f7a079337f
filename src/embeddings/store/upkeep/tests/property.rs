//! Whatever lies in a cache and wherever collection is stopped: no reader sees other values, and no
//! value is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::embeddings::store::upkeep::whole::WholeShard;
use crate::storage::remote::{Content, Listing, ObjectStore, Problem, Put, RemoteError};

/// All values of every sequence, and those that readers see.
type Values = BTreeMap<Digest, (Vec<u8>, BTreeSet<Vec<u8>>)>;

fn values(store: &Arc<MemoryStore>) -> Values {
    let cache = Cache::remote(store.clone());
    let found = find_space(&cache, "", &Shutdown::default()).unwrap();
    let mut values = Values::new();
    // Sorted by name: the first that has a sequence is the one that readers take.
    for entry in &found.shards {
        let shard = WholeShard::read(&cache, &found, &entry.name).unwrap();
        for (row, key) in shard.index.keys.iter().enumerate() {
            let bytes = shard.row(row).to_vec();
            let known = values.entry(*key).or_insert_with(|| (bytes.clone(), BTreeSet::new()));
            known.1.insert(bytes);
        }
    }
    values
}

/// Compares all values after every change, and fails after some of them.
#[derive(Debug)]
struct Watched {
    inner: Arc<MemoryStore>,
    expected: Values,
    pinned: Vec<Digest>,
    changes_left: Mutex<usize>,
}

impl Watched {
    fn change<T>(&self, run: impl FnOnce() -> Result<T, RemoteError>) -> Result<T, RemoteError> {
        let mut left = self.changes_left.lock().unwrap();
        if *left == 0 {
            let problem = Problem::Transient("killed".to_owned());
            return Err(RemoteError { action: "test", uri: String::new(), problem });
        }
        *left -= 1;
        let result = run();
        assert_eq!(values(&self.inner), self.expected);
        let there = shards_in(&self.inner);
        assert!(self.pinned.iter().all(|shard| there.contains(shard)));
        result
    }
}

impl ObjectStore for Watched {
    fn place(&self) -> &str {
        self.inner.place()
    }

    fn list(&self, folder: &str) -> Result<Listing, RemoteError> {
        self.inner.list(folder)
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, RemoteError> {
        self.inner.read(key, limit)
    }

    fn read_range(&self, key: &str, start: u64, length: u64) -> Result<Vec<u8>, RemoteError> {
        self.inner.read_range(key, start, length)
    }

    fn create(&self, key: &str, content: &Content<'_>) -> Result<Put, RemoteError> {
        self.change(|| self.inner.create(key, content))
    }

    fn remove(&self, key: &str) -> Result<(), RemoteError> {
        self.change(|| self.inner.remove(key))
    }
}

/// Adds shards as jobs do: mostly the same values of a sequence, sometimes others.
fn work(random: &mut ChaCha8Rng, store: &MemoryStore, cache: &Cache) {
    for _ in 0..random.random_range(1..6) {
        let names: BTreeSet<u32> =
            (0..random.random_range(1..8)).map(|_| random.random_range(0..20)).collect();
        let contested = random.random_range(0..4) == 0;
        let mut version = |name| u32::from(contested && name < 5 && random.random_range(0..2) == 0);
        let rows: Vec<_> = names.into_iter().map(|name| row(name, version(name))).collect();
        let engine = if rows.len() % 3 == 0 { "test gpu" } else { ENGINE };
        let bytes = shard(rows, engine);
        let key = cache.shard_key(&f32_space().id(), &Digest::of(&bytes));
        store.put(&key, &bytes);
    }
}

#[test]
fn collection_loses_no_value_and_changes_none_wherever_it_stops() {
    let (mut removed, mut merged, mut stopped) = (0, 0, 0);
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (store, plain) = bucket();
        let mut pinned = Vec::new();
        for _ in 0..12 {
            if random.random_range(0..2) == 0 {
                work(&mut random, &store, &plain);
            }
            if random.random_range(0..4) == 0 {
                let there = shards_in(&store);
                pinned.extend(there.first().copied());
                pin(&store, "run", &pinned);
            }
            store.wait(DAY * random.random_range(0..6));
            let changes_left = Mutex::new(random.random_range(0..10));
            let watched = Watched {
                inner: store.clone(),
                expected: values(&store),
                pinned: pinned.clone(),
                changes_left,
            };
            let cache = Cache::remote(Arc::new(watched));
            let shutdown = Shutdown::default();
            let survey = survey(&cache, &[], &shutdown).unwrap();
            let plan = plan(&survey, 7 * DAY);
            match super::super::collect(&cache, &[], &survey, &plan, &shutdown) {
                Ok(done) => {
                    removed += done.removed;
                    merged += done.merged;
                }
                Err(CacheError::Remote(_)) => stopped += 1,
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
    assert!(removed > 100 && merged > 50 && stopped > 20, "{removed} {merged} {stopped}");
}
