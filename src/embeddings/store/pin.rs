//! The pin: which shards a training run reads, written once by its first attempt.
//!
//! Other jobs may add shards at any time, and a row that several shards hold may differ in its last
//! bits between them. The pin keeps later attempts on the rows that the first one trained on.

use serde::{Deserialize, Serialize};

use super::distant::Need;
use super::{EmbeddingStore, MAX_SHARD_BYTES, StoreError};
use crate::digest::{Digest, Hasher};
use crate::storage;
use crate::storage::sync::SharedFolder;

const SCHEMA: &str = "dyad.pin.v1";
const NAME: &str = "pin.json";
const MAX_BYTES: u64 = 64 << 20;
/// A run on a million proteins reads a few hundred shards.
const MAX_SHARDS: usize = 1_000_000;

/// The shards a run reads, and the digest of what it read from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    schema: String,
    space_id: String,
    /// Sorted, unique.
    shards: Vec<Digest>,
    /// SHA-256 over the keys of all rows and then their values as 32-bit little-endian floats, in
    /// the order of the run's proteins.
    table_sha256: Digest,
}

impl Pin {
    /// The pin of the rows of `keys`, whose values are `table`.
    pub fn new(store: &EmbeddingStore, keys: &[Digest], table: &[f32]) -> Self {
        let mut shards: Vec<_> =
            keys.iter().filter_map(|key| store.index.get(key)).map(|(shard, _)| shard).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut hasher = Hasher::default();
        keys.iter().for_each(|key| hasher.update(key.as_bytes()));
        table.iter().for_each(|value| hasher.update(&value.to_le_bytes()));
        Self {
            schema: SCHEMA.to_owned(),
            space_id: store.space.id(),
            shards,
            table_sha256: hasher.finish(),
        }
    }

    /// A pin as it was stored, if it is one of `store`'s space.
    pub fn parse(bytes: &[u8], store: &EmbeddingStore) -> Result<Self, String> {
        let pin: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if pin.schema != SCHEMA || pin.space_id != store.space.id() {
            return Err("it is of another format or embedding space".to_owned());
        }
        let sorted = pin.shards.is_sorted_by(|one, next| one < next);
        if !sorted || pin.shards.is_empty() || pin.shards.len() > MAX_SHARDS {
            return Err("its list of shards is empty, too long or not sorted".to_owned());
        }
        Ok(pin)
    }

    /// The pin of a run, if an earlier attempt has written one. One that cannot be used is an
    /// error: the run would go on with other bits than it was trained on.
    pub fn of(run: &SharedFolder, store: &EmbeddingStore) -> Result<Option<Self>, StoreError> {
        let bytes = run.read(NAME, MAX_BYTES)?;
        bytes.map(|bytes| Self::parse_shared(&bytes, run, store)).transpose()
    }

    /// Pins the run to these shards unless it is pinned already; the pin that holds.
    pub fn create_once(
        &self,
        run: &SharedFolder,
        store: &EmbeddingStore,
    ) -> Result<Self, StoreError> {
        let (_, there) = run.create_once(NAME, &self.to_bytes(), MAX_BYTES)?;
        Self::parse_shared(&there, run, store)
    }

    fn parse_shared(
        bytes: &[u8],
        run: &SharedFolder,
        store: &EmbeddingStore,
    ) -> Result<Self, StoreError> {
        let pin = Self::parse(bytes, store);
        pin.map_err(|problem| StoreError::Pin { places: run.places(NAME), problem })
    }

    /// The bytes of `pin.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and lists always serialise.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The digest of the numbers, from whatever shards they came.
    pub fn table_digest(&self) -> Digest {
        self.table_sha256
    }
}

impl EmbeddingStore {
    /// Prefers the rows of pinned shards from now on. Shards that are lost are left out; the digest
    /// of the table tells whether that made a difference. A server that does not answer is an error:
    /// to go on with other bits would be worse than to wait.
    pub fn follow(&mut self, pin: &Pin) -> Result<(), StoreError> {
        self.index.pin(pin.shards.iter().copied());
        self.fetch_shards(&pin.shards, Need::SameBits)?;
        for name in &pin.shards {
            if !self.local.contains(name) {
                continue;
            }
            let bytes = storage::read(&self.shard_path(name), MAX_SHARD_BYTES)?;
            let keys: Option<Vec<_>> = self.verify(name, &bytes).ok().map(|s| s.keys().collect());
            self.index.add(*name, keys.unwrap_or_default());
        }
        Ok(())
    }
}
