//! The plan, from a survey alone: it touches no disk, network or clock.

use std::cmp::Reverse;
use std::time::Duration;

use super::rows::{Rows, State, Verdict};
use super::survey::Survey;
use super::{Discard, Merge, Pins, Plan, Removal, SpacePlan, Surveyed, Unseen, Why};
use crate::digest::Digest;
use crate::embeddings::store::upkeep::ShardEntry;
use crate::embeddings::store::upkeep::index::row_bytes;
use crate::embeddings::store::{SEAL_BYTES, SEAL_ROWS};

/// Decides what becomes of everything in `survey`, where `grace` is how long a shard must have been
/// there before anything relies on all readers knowing it.
pub fn plan(survey: &Survey, grace: Duration) -> Plan {
    let spaces = survey.spaces.iter().map(|space| plan_space(space, &survey.pins, grace));
    Plan { spaces: spaces.collect() }
}

fn plan_space(space: &Surveyed, pins: &Pins, grace: Duration) -> SpacePlan {
    let id = &space.inventory.id;
    let shards = &space.inventory.shards;
    let settled = shards.iter().map(|shard| shard.age >= grace).collect();
    let mut rows = Rows::new(shards, settled);
    let pinned: Vec<_> =
        shards.iter().map(|shard| pins.0.get(&(id.clone(), shard.name)).cloned()).collect();
    let (removals, stays) = superseded(shards, &pinned, &mut rows);
    let free: Vec<_> = pinned.iter().map(Option::is_none).collect();
    let merges = merges(space, &free, &rows);
    SpacePlan {
        id: id.clone(),
        kept: shards.len() - removals.len() - stays.len(),
        removals,
        discards: discards(space, grace),
        merges,
        stays,
    }
}

/// Superseded shards: those that go, in the order that keeps what readers see, and the others.
fn superseded(
    shards: &[ShardEntry],
    pinned: &[Option<String>],
    rows: &mut Rows<'_>,
) -> (Vec<Removal>, Vec<(Digest, Why)>) {
    let mut order: Vec<usize> = (0..shards.len()).collect();
    order.sort_by_key(|at| (shards[*at].index.rows(), Reverse(shards[*at].name)));
    let (mut removals, mut stays) = (Vec::new(), Vec::new());
    for at in order {
        let name = shards[at].name;
        let verdict = match (rows.without(at), &pinned[at]) {
            (Verdict::Needed, _) => continue,
            (_, Some(run)) => Verdict::Stays(Why::Pinned(run.clone())),
            (Verdict::Superseded(_), None) if !rows.settled[at] => Verdict::Stays(Why::Young),
            (verdict, None) => verdict,
        };
        match verdict {
            Verdict::Superseded(holders) => {
                rows.states[at] = State::Goes;
                let holders = holders.into_iter().map(|holder| shards[holder].name).collect();
                removals.push(Removal { shard: name, bytes: shards[at].bytes, holders });
            }
            Verdict::Stays(why) => {
                if why == Why::Young {
                    rows.states[at] = State::Waits;
                }
                stays.push((name, why));
            }
            Verdict::Needed => {}
        }
    }
    (removals, stays)
}

/// Groups of small shards that fit into one, by engine, so that a shard's metadata stays true.
///
/// Sequences with several values are left alone: a merged shard must not change which of them
/// readers see.
fn merges(space: &Surveyed, free: &[bool], rows: &Rows<'_>) -> Vec<Merge> {
    let shards = &space.inventory.shards;
    let most = SEAL_ROWS.min(SEAL_BYTES / row_bytes(&space.inventory.space));
    let small = |at: &usize| {
        shards[*at].index.rows() <= most / 2
            && rows.states[*at] == State::Stays
            && rows.settled[*at]
            && free[*at]
            && !rows.is_contested(*at)
    };
    let mut candidates: Vec<usize> = (0..shards.len()).filter(small).collect();
    candidates.sort_by(|one, other| shards[*one].index.engine.cmp(&shards[*other].index.engine));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut filled = 0;
    for at in candidates {
        let rows = shards[at].index.rows();
        match groups.last_mut() {
            Some(group)
                if filled + rows <= most
                    && shards[group[0]].index.engine == shards[at].index.engine =>
            {
                group.push(at);
                filled += rows;
            }
            _ => {
                groups.push(vec![at]);
                filled = rows;
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    let merge = |group: Vec<usize>| Merge {
        sources: group.iter().map(|at| shards[*at].name).collect(),
        bytes: group.iter().map(|at| shards[*at].bytes).sum(),
        engine: shards[group[0]].index.engine.clone(),
    };
    groups.into_iter().map(merge).collect()
}

fn discards(space: &Surveyed, grace: Duration) -> Vec<Discard> {
    let spare = space.files.iter().filter(|file| file.age >= grace).map(|file| Discard {
        name: file.name.clone(),
        bytes: file.bytes,
        why: file.why,
    });
    let done = space.plans.iter().filter(|set| set.embedded && set.age >= grace);
    let plans = done.flat_map(|set| &set.files).map(|(name, bytes)| Discard {
        name: name.clone(),
        bytes: *bytes,
        why: Unseen::Embedded,
    });
    spare.chain(plans).collect()
}
