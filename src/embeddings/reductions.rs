//! Token budgets reduced after the device ran out of memory.
//!
//! A plan is written once, and so is each reduction, beside it: a numbered record that says from
//! which unit on, or for which unit, batches are smaller. It is written before a batch of the
//! smaller size is computed. Later attempts, and other machines, whatever their memory, read the
//! records before they begin and compute the same batches.

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::plan::Place;
use super::{EmbeddingStore, Error};

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reduction {
    /// Tokens a batch may have.
    token_budget: usize,
    /// The plan of the unit that did not fit,
    plan: usize,
    /// and its number in the plan.
    unit: usize,
    /// Which units it holds for.
    scope: Scope,
}

/// Which units a reduction holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// The unit alone: where units are computed in an order of chance, what follows on one
    /// is no fact of the plan.
    Unit,
    /// The unit and all that come after it in this plan and those that follow.
    Onwards,
}

impl Reduction {
    fn covers(&self, place: Place) -> bool {
        let own = Place { plan: self.plan, unit: self.unit };
        match self.scope {
            Scope::Unit => place == own,
            Scope::Onwards => place >= own,
        }
    }
}

/// The budgets of all units of one set of sequences.
#[derive(Debug)]
pub(super) struct Budgets {
    /// What the records are named after: the set and the budget.
    name: String,
    planned: usize,
    reductions: Vec<Reduction>,
    /// The number of the next record.
    next: usize,
}

impl Budgets {
    /// The budget of a plan of this name, and what records reduce it to.
    pub(super) fn read(
        store: &EmbeddingStore,
        name: String,
        planned: usize,
    ) -> Result<Self, Error> {
        let mut budgets = Self { name, planned, reductions: Vec::new(), next: 1 };
        while let Some(record) = store.plan(&budgets.next_name())? {
            budgets.add(&record);
        }
        Ok(budgets)
    }

    /// Tokens a batch of a unit may have.
    pub(super) fn of(&self, place: Place) -> usize {
        let reductions = self.reductions.iter().filter(|reduction| reduction.covers(place));
        reductions.map(|reduction| reduction.token_budget).fold(self.planned, usize::min)
    }

    /// Reduces the budget of a unit, and of others by `scope`, after a batch of `tokens` did not
    /// fit: halved until such a batch is divided. Gives the budget; the record is written first.
    pub(super) fn reduce(
        &mut self,
        store: &EmbeddingStore,
        place: Place,
        scope: Scope,
        tokens: usize,
    ) -> Result<usize, Error> {
        let mut token_budget = self.of(place);
        while token_budget >= tokens.max(1) {
            token_budget /= 2;
        }
        let Place { plan, unit } = place;
        let ours = Reduction { token_budget, plan, unit, scope };
        // Numbers always serialise.
        let ours = serde_json::to_vec(&ours).unwrap_or_default();
        // Another machine may take a number with a record of its own.
        while self.of(place) > token_budget {
            let record = store.plan_once(&self.next_name(), &ours)?;
            self.add(&record);
        }
        Ok(self.of(place))
    }

    fn next_name(&self) -> String {
        format!("{}-memory-{}", self.name, self.next)
    }

    fn add(&mut self, record: &[u8]) {
        if let Ok(reduction) = serde_json::from_slice(record) {
            self.reductions.push(reduction);
        } else {
            warn!(
                plan = self.name,
                number = self.next,
                "a damaged record of a reduced budget; if memory does not suffice, another follows"
            );
        }
        self.next += 1;
    }
}
