//! Everything that decides what may go: shards, pins of runs, unit plans, leftovers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Pins, PlanSet, Spare, Surveyed, Unseen};
use crate::digest::Digest;
use crate::embeddings::plan::UnitPlan;
use crate::embeddings::store::upkeep::inventory::{age, now};
use crate::embeddings::store::upkeep::{
    Cache, CacheError, Flaw, SHARDS, SpaceInventory, go_on, inventory,
};
use crate::embeddings::store::{MAX_PLAN_BYTES, shard_name};
use crate::shutdown::Shutdown;
use crate::storage::TEMPORARY_SUFFIX;
use crate::storage::remote::{Folder, ObjectStore};

/// Where runs lie below the prefix of a bucket, and below a folder of checkpoints.
const RUNS: &str = "runs/";
const PIN_SCHEMA: &str = "dyad.pin.v1";
const MAX_PIN_BYTES: u64 = 64 << 20;
const PLANS: &str = "plans";
const QUARANTINE: &str = "quarantine";

/// A cache as garbage collection sees it.
#[derive(Clone, Debug)]
pub struct Survey {
    pub(super) spaces: Vec<Surveyed>,
    pub(super) pins: Pins,
    /// Folders that look like spaces and are left alone.
    pub foreign: Vec<Flaw>,
    /// Shards whose index cannot be read, which are left alone.
    pub unreadable: Vec<Flaw>,
}

/// Looks at a cache and at the runs that use it: those of its bucket, and those below the folders
/// of checkpoints in `runs`.
pub fn survey(cache: &Cache, runs: &[Folder], shutdown: &Shutdown) -> Result<Survey, CacheError> {
    let found = inventory(cache, shutdown)?;
    // Read after the shards: what a run pins in between is seen.
    let pins = pins(cache, runs, shutdown)?;
    let unreadable = found.spaces.iter().flat_map(|space| &space.unreadable);
    let unreadable = unreadable.map(|(_, flaw)| flaw.clone()).collect();
    let spaces = found.spaces.into_iter().map(|space| surveyed(cache, space, shutdown));
    let spaces = spaces.collect::<Result<_, _>>()?;
    Ok(Survey { spaces, pins, foreign: found.foreign, unreadable })
}

#[derive(Deserialize)]
struct PinFile {
    schema: String,
    space_id: String,
    shards: Vec<Digest>,
}

/// Which shards runs read.
pub(super) fn pins(
    cache: &Cache,
    runs: &[Folder],
    shutdown: &Shutdown,
) -> Result<Pins, CacheError> {
    let mut pins = Pins::default();
    // The runs of a local cache lie elsewhere.
    if !cache.root.is_empty() {
        pins_below(cache.objects.as_ref(), &mut pins, shutdown)?;
    }
    runs.iter().try_for_each(|folder| pins_below(folder, &mut pins, shutdown))?;
    Ok(pins)
}

fn pins_below(
    objects: &dyn ObjectStore,
    pins: &mut Pins,
    shutdown: &Shutdown,
) -> Result<(), CacheError> {
    for run in objects.list(RUNS)?.folders {
        go_on(shutdown)?;
        let key = format!("{RUNS}{run}/pin.json");
        let bytes = match objects.read(&key, MAX_PIN_BYTES) {
            Err(error) if error.is_absent() => continue,
            bytes => bytes?,
        };
        let pin =
            |problem: String| CacheError::Pin { uri: format!("{}{key}", objects.place()), problem };
        let file: PinFile = serde_json::from_slice(&bytes).map_err(|e| pin(e.to_string()))?;
        if file.schema != PIN_SCHEMA {
            return Err(pin(format!("its schema is `{}`", file.schema)));
        }
        for shard in file.shards {
            pins.0.insert((file.space_id.clone(), shard), run.clone());
        }
    }
    Ok(())
}

fn surveyed(
    cache: &Cache,
    inventory: SpaceInventory,
    shutdown: &Shutdown,
) -> Result<Surveyed, CacheError> {
    let mut found = Surveyed { inventory, files: Vec::new(), plans: Vec::new() };
    let known = found.inventory.view();
    let mut sets: BTreeMap<String, PlanSet> = BTreeMap::new();
    for folder in ["", SHARDS, PLANS, QUARANTINE] {
        let below = |name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let listing = cache.objects.list(&cache.key(&found.inventory.id, &below("")))?;
        let now = now(&listing);
        for object in &listing.objects {
            let (name, age) = (below(&object.name), age(now, object));
            let why = match folder {
                _ if object.name.ends_with(TEMPORARY_SUFFIX) => Unseen::Temporary,
                QUARANTINE if shard_name(&object.name).is_some() => Unseen::Quarantined,
                PLANS => {
                    let Some(set) = set_of(&object.name) else { continue };
                    go_on(shutdown)?;
                    let embedded = is_embedded(cache, &found.inventory, &name, &known)?;
                    let first = PlanSet { age, embedded: true, ..PlanSet::default() };
                    let set = sets.entry(set).or_insert(first);
                    set.files.push((name, object.bytes));
                    set.age = set.age.min(age);
                    set.embedded &= embedded;
                    continue;
                }
                _ => continue,
            };
            found.files.push(Spare { name, bytes: object.bytes, age, why });
        }
    }
    found.plans = sets.into_values().collect();
    Ok(found)
}

/// `<set>-<budget>` of a plan's name `<set>-<budget>-<number>.json`, and of the name of a reduced
/// budget, `<set>-<budget>-memory-<number>.json`.
fn set_of(name: &str) -> Option<String> {
    let (set, number) = name.strip_suffix(".json")?.rsplit_once('-')?;
    let set = set.strip_suffix("-memory").unwrap_or(set);
    let (digest, budget) = set.split_once('-')?;
    digest.parse::<Digest>().ok()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    (is_number(budget) && is_number(number)).then(|| set.to_owned())
}

/// Whether all sequences of a plan are in the space; a damaged plan names none, nor does a reduced
/// budget.
fn is_embedded(
    cache: &Cache,
    space: &SpaceInventory,
    name: &str,
    known: &[(Digest, u32, u32)],
) -> Result<bool, CacheError> {
    let bytes = match cache.objects.read(&cache.key(&space.id, name), MAX_PLAN_BYTES) {
        Err(error) if error.is_absent() => return Ok(true),
        Err(error) if error.is_too_large() => return Ok(false),
        bytes => bytes?,
    };
    let is_known = |key: &Digest| known.binary_search_by_key(key, |(key, ..)| *key).is_ok();
    let plan = serde_json::from_slice::<UnitPlan>(&bytes).ok();
    Ok(plan.is_none_or(|plan| plan.units.iter().flatten().all(is_known)))
}
