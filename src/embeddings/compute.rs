//! Running the encoder: unit after unit, batch after batch, on all devices.

use std::collections::{BTreeMap, VecDeque};

use rand::seq::SliceRandom;
use tracing::warn;

use super::begun::Begun;
use super::plan::Unit;
use super::reductions::{Budgets, Scope};
use super::worker::{Compute, Outcome, Ticket, Workers};
use super::{EmbeddingStore, Error, Job};
use crate::digest::Digest;
use crate::progress::{Event, Task};
use crate::protein::ProteinSequence;

/// Units per device that may be begun before the oldest of them is committed.
const AHEAD_PER_DEVICE: usize = 4;

/// Computes and appends unit after unit; gives the sequences that do not fit into a device's memory,
/// not even alone. `devices` compute the batches.
///
/// What comes out is what one device makes of one unit after the other. Devices take the batches as
/// they become free and the host prepares and stores meanwhile, but units are committed in their
/// order, each whole. A batch that does not fit reduces the token budget of its unit and of those
/// that follow ([`super::reductions`]), once all units before it are committed; what was computed
/// with a larger budget is dropped.
///
/// After a request to stop no batch is begun. Those in progress have their grace; units that they
/// complete are appended, others not at all. A log line of level `debug` names each unit when its
/// first batch is begun: `unit` is the SHA-256 of its sequences' digests, sorted, 32 bytes each.
///
/// What other machines compute meanwhile is left out. Where others may be at work, only the first
/// unit has a fixed place: the longest, it shows whether memory suffices. The others come in an
/// order of each machine's own, so that it finds most of what it comes to undone. The order changes
/// no bit: there, only the first unit of a plan reduces the budget of others.
pub(super) fn compute<'a>(
    job: &'a Job<'_>,
    devices: Vec<Compute>,
    store: &mut EmbeddingStore,
    sequences: &'a BTreeMap<Digest, &'a ProteinSequence>,
    units: Vec<Unit>,
    budgets: Budgets,
) -> Result<Vec<&'a ProteinSequence>, Error> {
    let task = Task::Embedding;
    let total = sequences.values().map(|sequence| sequence.len() as u64).sum();
    // Units that are computed again count as not done, though some of their rows are there.
    let left: u64 = units.iter().map(|unit| residues(sequences, unit)).sum();
    job.observer.observe(Event::Started { task, done: total - left.min(total), total });
    let mut waiting = VecDeque::from(units);
    if store.is_shared()
        && let Some((_, others)) = waiting.make_contiguous().split_first_mut()
    {
        others.shuffle(&mut rand::rng());
    }
    let ahead = AHEAD_PER_DEVICE * devices.len();
    let workers = Workers::new(devices, job.shutdown);
    let run = Run {
        job,
        store,
        sequences,
        workers,
        budgets,
        waiting,
        begun: VecDeque::new(),
        committed: 0,
        ahead,
        too_large: Vec::new(),
    };
    let too_large = run.finish()?;
    job.observer.observe(Event::Finished { task });
    Ok(too_large)
}

fn residues(sequences: &BTreeMap<Digest, &ProteinSequence>, unit: &Unit) -> u64 {
    let members = unit.sequences.iter().filter_map(|digest| sequences.get(digest));
    members.map(|sequence| sequence.len() as u64).sum()
}

/// Units on their way from the plan to the store.
struct Run<'a, 'j, 's> {
    job: &'a Job<'j>,
    store: &'s mut EmbeddingStore,
    sequences: &'a BTreeMap<Digest, &'a ProteinSequence>,
    workers: Workers,
    budgets: Budgets,
    /// Units that are not begun.
    waiting: VecDeque<Unit>,
    /// Units of which batches are or were computed, in the order in which they are committed.
    begun: VecDeque<Begun<'a>>,
    /// How many units were committed: the number of the first that is begun.
    committed: usize,
    /// How many may be begun.
    ahead: usize,
    too_large: Vec<&'a ProteinSequence>,
}

impl<'a> Run<'a, '_, '_> {
    /// Until everything is committed; gives what does not fit.
    fn finish(mut self) -> Result<Vec<&'a ProteinSequence>, Error> {
        loop {
            while let Some((ticket, outcome)) = self.workers.finished() {
                self.note(ticket, outcome);
            }
            self.feed();
            match self.begun.front() {
                None if self.waiting.is_empty() => return Ok(self.too_large),
                Some(first) if first.is_complete() => self.commit()?,
                Some(first) if first.is_to_be_divided() && !self.job.shutdown.requested() => {
                    self.divide()?;
                }
                // A stop was asked for, and nothing is in progress any more.
                _ if self.workers.outstanding() == 0 => return Err(Error::Interrupted),
                _ => {
                    let (ticket, outcome) = self.workers.next(self.job.shutdown)?;
                    self.note(ticket, outcome);
                }
            }
        }
    }

    /// Gives the devices what they can take; nothing behind a unit that is to be divided, for the
    /// budget of that will be another.
    fn feed(&mut self) {
        while self.workers.has_room() && !self.job.shutdown.requested() {
            let whole = self.begun.iter().take_while(|begun| begun.tokens_too_many().is_none());
            let whole = whole.count();
            let next = |(position, begun): (usize, &Begun<'a>)| Some((position, begun.next()?));
            if let Some((position, batch)) =
                self.begun.iter().take(whole).enumerate().find_map(next)
            {
                let assignment = self.begun[position].submit(self.committed + position, batch);
                self.workers.submit(assignment);
            } else if whole == self.begun.len()
                && whole < self.ahead
                && let Some(unit) = self.waiting.pop_front()
            {
                let begun = self.begin(unit);
                self.begun.push_back(begun);
            } else {
                break;
            }
        }
    }

    fn begin(&self, unit: Unit) -> Begun<'a> {
        let members = unit.sequences.iter().filter_map(|d| self.sequences.get(d).copied());
        let (members, stored) = (members.collect(), is_stored(self.store, &unit));
        let budget = self.budgets.of(unit.place);
        Begun::new(unit, members, stored, self.job.settings, budget)
    }

    /// Takes down what became of a batch, unless its unit is committed.
    fn note(&mut self, ticket: Ticket, outcome: Outcome) {
        let position = ticket.unit.checked_sub(self.committed);
        if let Some(begun) = position.and_then(|position| self.begun.get_mut(position)) {
            begun.note(ticket, outcome);
        }
    }

    /// Appends the first unit.
    fn commit(&mut self) -> Result<(), Error> {
        let Some(begun) = self.begun.pop_front() else { return Ok(()) };
        self.committed += 1;
        let units = residues(self.sequences, &begun.unit);
        let advanced = Event::Advanced { task: Task::Embedding, units };
        if begun.stored {
            // Another machine was faster.
            self.job.observer.observe(advanced);
            return Ok(());
        }
        let dimension = self.job.encoder.config().hidden_size;
        let stored = self.job.settings.embedding_dtype;
        let (rows, too_large) =
            begun.batches.rows(&begun.members, &begun.outcomes, dimension, stored)?;
        self.too_large.extend(too_large);
        self.store.append(rows)?;
        self.store.wait_for_room(&self.job.shutdown.flag());
        self.job.observer.observe(advanced);
        self.store.look_for_others()?;
        if self.store.is_shared() {
            let theirs = self.begun.iter_mut().filter(|begun| is_stored(self.store, &begun.unit));
            theirs.for_each(Begun::leave);
        }
        Ok(())
    }

    /// Reduces the budget of the first unit and of those that follow, and cuts them anew.
    fn divide(&mut self) -> Result<(), Error> {
        let Some(first) = self.begun.front() else { return Ok(()) };
        let (place, tokens) = (first.unit.place, first.tokens_too_many().unwrap_or(0));
        let scope = match self.store.is_shared() && place.unit > 0 {
            true => Scope::Unit,
            false => Scope::Onwards,
        };
        let budget = self.budgets.reduce(self.store, place, scope, tokens)?;
        warn!(
            "a batch of {tokens} tokens does not fit into the memory of the device; going on with at \
             most {budget} tokens per batch (`token_budget`)"
        );
        for begun in &mut self.begun {
            begun.cut(self.job.settings, self.budgets.of(begun.unit.place));
        }
        Ok(())
    }
}

fn is_stored(store: &EmbeddingStore, unit: &Unit) -> bool {
    unit.sequences.iter().all(|digest| store.contains(digest))
}
