//! Garbage collection: many small shards become few, what is superseded goes after a grace period.
//!
//! Two phases without a state file: the first run writes a merged shard, and a later one removes
//! its sources once the merged shard has been there for the grace period. What may go is decided
//! from what lies there alone. A shard is removed only if
//!
//! 1. no pin of a run names it, and it is older than the grace period,
//! 2. each of its rows lies, bit for bit, in another shard that is as old and stays, and
//! 3. for each of its sequences it holds the values that readers see, those in the shard with the
//!    smallest name, and readers see the same values without it.
//!
//! Every prefix of a plan keeps 2 and 3, whatever stops it: no reader ever sees other values, no
//! value is lost, and a run whose pin was not known still finds what it read. Shards are tried smallest first, so that sources go and merged shards stay.

mod execute;
mod plan;
mod rows;
mod survey;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::SpaceInventory;
use crate::digest::Digest;
pub use execute::{Done, collect};
pub use plan::plan;
pub use survey::{Survey, survey};

/// Which shards runs read: by space and name, with one run that names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(pub(super) BTreeMap<(String, Digest), String>);

/// What is to be done, by space.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Spaces that hold anything.
    pub spaces: Vec<SpacePlan>,
}

/// What is to be done in one space, in the order in which it is done.
#[derive(Clone, Debug)]
pub struct SpacePlan {
    /// The id of the space.
    pub id: String,
    /// Superseded shards that go; their order matters.
    pub removals: Vec<Removal>,
    /// Other files that go.
    pub discards: Vec<Discard>,
    /// Shards to write.
    pub merges: Vec<Merge>,
    /// Superseded shards that stay for now.
    pub stays: Vec<(Digest, Why)>,
    /// Shards that nothing supersedes.
    pub kept: usize,
}

/// A superseded shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its name.
    pub shard: Digest,
    /// Its size.
    pub bytes: u64,
    /// The shards that hold its rows.
    pub holders: Vec<Digest>,
}

/// A file that is no shard and of no use any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// Its name below the folder of the space.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Why it goes.
    pub why: Unseen,
}

/// Why nobody looks at a file any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// A damaged shard that was moved aside.
    Quarantined,
    /// Left by a process that was killed.
    Temporary,
    /// A unit plan all of whose sequences are embedded.
    Embedded,
}

/// Small shards that become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The shards whose rows it will have.
    pub sources: Vec<Digest>,
    /// The bytes of the sources.
    pub bytes: u64,
    /// What computed the rows.
    pub engine: String,
}

/// Why a superseded shard stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A run reads it.
    Pinned(String),
    /// It, or what holds its rows, has not been there for the grace period.
    Young,
    /// Some sequence of it has several values, of which readers must go on seeing the same.
    Contested,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let idle = |space: &SpacePlan| {
            space.removals.is_empty() && space.discards.is_empty() && space.merges.is_empty()
        };
        self.spaces.iter().all(idle)
    }

    /// One line that sums it up: `merge=2 sources=9 remove=3 discard=1 wait=9 keep=120 bytes=1234`,
    /// with the bytes that become free.
    pub fn summary(&self) -> String {
        let sum =
            |count: &dyn Fn(&SpacePlan) -> usize| self.spaces.iter().map(count).sum::<usize>();
        let bytes = self.spaces.iter().flat_map(|space| {
            let shards = space.removals.iter().map(|removal| removal.bytes);
            shards.chain(space.discards.iter().map(|discard| discard.bytes))
        });
        format!(
            "merge={} sources={} remove={} discard={} wait={} keep={} bytes={}",
            sum(&|space| space.merges.len()),
            sum(&|space| space.merges.iter().map(|merge| merge.sources.len()).sum()),
            sum(&|space| space.removals.len()),
            sum(&|space| space.discards.len()),
            sum(&|space| space.stays.len()),
            sum(&|space| space.kept),
            bytes.sum::<u64>(),
        )
    }
}

impl fmt::Display for Plan {
    /// A line per operation with its reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for space in &self.spaces {
            writeln!(f, "space {}", space.id)?;
            for Removal { shard, bytes, holders } in &space.removals {
                let holders = holders.iter().map(|h| h.short(8)).collect::<Vec<_>>().join(", ");
                let shard = shard.short(8);
                writeln!(f, "  remove  shard {shard} ({bytes} bytes): its rows are in {holders}")?;
            }
            for Discard { name, bytes, why } in &space.discards {
                // Names come from listings, and may hold anything.
                writeln!(f, "  discard {} ({bytes} bytes): {why}", name.escape_debug())?;
            }
            for Merge { sources, bytes, engine } in &space.merges {
                let names = sources.iter().map(|s| s.short(8)).collect::<Vec<_>>().join(", ");
                let (count, engine) = (sources.len(), engine.escape_debug());
                writeln!(
                    f,
                    "  merge   {count} shards ({bytes} bytes): small ones of `{engine}`: {names}"
                )?;
            }
            for (shard, why) in &space.stays {
                writeln!(f, "  wait    shard {}: superseded, but {why}", shard.short(8))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quarantined => "a damaged shard, moved aside longer ago than the grace period",
            Self::Temporary => "left by a killed process longer ago than the grace period",
            Self::Embedded => {
                "a unit plan older than the grace period whose sequences are all embedded"
            }
        })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(run) => write!(f, "run `{}` reads it", run.escape_debug()),
            Self::Young => {
                f.write_str("it or what holds its rows is younger than the grace period")
            }
            Self::Contested => {
                f.write_str("a sequence of it has several values, and runs may have read any")
            }
        }
    }
}

/// A space with everything that decides what may go.
#[derive(Clone, Debug)]
pub(super) struct Surveyed {
    pub(super) inventory: SpaceInventory,
    pub(super) files: Vec<Spare>,
    pub(super) plans: Vec<PlanSet>,
}

/// A file that is neither shard nor plan.
#[derive(Clone, Debug)]
pub(super) struct Spare {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) age: Duration,
    pub(super) why: Unseen,
}

/// All unit plans of one set of sequences and one token budget.
#[derive(Clone, Debug, Default)]
pub(super) struct PlanSet {
    /// Names below the folder of the space, with sizes.
    pub(super) files: Vec<(String, u64)>,
    /// The age of the youngest.
    pub(super) age: Duration,
    /// Whether every sequence that the plans name is embedded.
    pub(super) embedded: bool,
}
