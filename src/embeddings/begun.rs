//! A unit on its way: its batches and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Settings;
use super::batches::Batches;
use super::plan::{self, Unit};
use super::worker::{Assignment, Outcome, Ticket};
use crate::device::OutOfMemory;
use crate::protein::ProteinSequence;

/// A unit of which batches are or were computed.
pub(super) struct Begun<'a> {
    pub(super) unit: Unit,
    pub(super) members: Vec<&'a ProteinSequence>,
    pub(super) batches: Batches,
    budget: usize,
    /// How often it was cut.
    round: usize,
    /// What became of the batches that were submitted, as far as it is known.
    pub(super) outcomes: Vec<Option<Result<Vec<f32>, OutOfMemory>>>,
    /// Whether another machine was faster.
    pub(super) stored: bool,
    /// What is submitted is of no use any more.
    withdrawn: Arc<AtomicBool>,
}

impl<'a> Begun<'a> {
    /// A unit to be cut for `budget`; `stored` tells whether its rows are there.
    pub(super) fn new(
        unit: Unit,
        members: Vec<&'a ProteinSequence>,
        stored: bool,
        settings: &Settings,
        budget: usize,
    ) -> Self {
        let (batches, withdrawn) = (Batches::default(), Arc::default());
        let outcomes = Vec::new();
        let mut begun =
            Self { unit, members, batches, budget: 0, round: 0, outcomes, stored, withdrawn };
        begun.cut(settings, budget);
        begun
    }

    /// Cuts the unit into batches of another budget; what was computed is dropped.
    pub(super) fn cut(&mut self, settings: &Settings, budget: usize) {
        if budget == self.budget && self.round > 0 {
            return;
        }
        self.withdrawn.store(true, Ordering::Relaxed);
        self.withdrawn = Arc::new(AtomicBool::new(self.stored));
        self.batches = Batches::cut(&self.members, settings, budget);
        self.outcomes.clear();
        self.budget = budget;
        self.round += 1;
    }

    /// The next batch to submit.
    pub(super) fn next(&self) -> Option<usize> {
        let next = self.outcomes.len();
        (!self.stored && next < self.batches.len()).then_some(next)
    }

    /// A batch, which counts as submitted from now on. `number` is that of the unit.
    pub(super) fn submit(&mut self, number: usize, batch: usize) -> Assignment {
        self.outcomes.push(None);
        let unit = &self.unit.sequences;
        let begins = (batch == 0).then(|| (plan::set_digest(unit.iter().copied()), unit.len()));
        Assignment {
            ticket: Ticket { unit: number, round: self.round, batch },
            batch: self.batches.pack(&self.members, batch),
            begins,
            withdrawn: Arc::clone(&self.withdrawn),
        }
    }

    /// Whether every outcome is known that was asked for.
    fn is_settled(&self) -> bool {
        self.outcomes.iter().all(Option::is_some)
    }

    /// The tokens of the first batch that does not fit and can be divided.
    pub(super) fn tokens_too_many(&self) -> Option<usize> {
        let outcomes = self.outcomes.iter().enumerate();
        let failed = outcomes.filter(|(_, outcome)| matches!(outcome, Some(Err(OutOfMemory))));
        failed.map(|(batch, _)| batch).find_map(|batch| self.batches.divisible_tokens(batch))
    }

    /// Whether it is known which batch is the first that is to be divided.
    pub(super) fn is_to_be_divided(&self) -> bool {
        !self.stored && self.is_settled() && self.tokens_too_many().is_some()
    }

    /// Whether it can be committed.
    pub(super) fn is_complete(&self) -> bool {
        let all = self.outcomes.len() == self.batches.len();
        self.stored || all && self.is_settled() && self.tokens_too_many().is_none()
    }

    /// Takes down what became of a batch, unless it is one of an earlier cut.
    pub(super) fn note(&mut self, ticket: Ticket, outcome: Outcome) {
        if ticket.round == self.round {
            self.outcomes[ticket.batch] = match outcome {
                Outcome::Embedded(values) => Some(Ok(values)),
                Outcome::OutOfMemory => Some(Err(OutOfMemory)),
                Outcome::Skipped | Outcome::Panicked(_) => None,
            };
        }
    }

    /// Leaves the unit to the machine that has stored it.
    pub(super) fn leave(&mut self) {
        self.stored = true;
        self.withdrawn.store(true, Ordering::Relaxed);
    }
}
