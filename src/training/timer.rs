//! When to save: decided by time alone, which therefore must not change what is computed.

use std::time::{Duration, Instant};

/// Between two epochs it is saved more often than within one, for an epoch's end is a good place to
/// go on from; but saving takes no more than one part in so many of the time,
const SHARE: u32 = 20;
/// and is not done more often than this.
const SHORTEST: Duration = Duration::from_secs(1);

/// Knows how long ago the run was saved, and what that cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct SaveTimer {
    every: Duration,
    saved_at: Instant,
    cost: Duration,
}

impl SaveTimer {
    /// A timer of a run that is as good as saved at `now`.
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { every, saved_at: now, cost: Duration::ZERO }
    }

    /// Whether to save after a step.
    pub(super) fn due(&self, now: Instant) -> bool {
        now.duration_since(self.saved_at) >= self.every
    }

    /// Whether to save after an epoch.
    pub(super) fn due_after_epoch(&self, now: Instant) -> bool {
        let shortest = self.cost.saturating_mul(SHARE).max(SHORTEST).min(self.every);
        now.duration_since(self.saved_at) >= shortest
    }

    /// The run was saved from `began` to `now`.
    pub(super) fn saved(&mut self, began: Instant, now: Instant) {
        self.cost = now.duration_since(began);
        self.saved_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn within_an_epoch_the_time_since_the_last_save_decides() {
        let start = Instant::now();
        let mut timer = SaveTimer::new(seconds(60), start);
        assert!(!timer.due(start + seconds(59)));
        assert!(timer.due(start + seconds(60)));
        timer.saved(start + seconds(60), start + seconds(62));
        assert!(!timer.due(start + seconds(121)));
        assert!(timer.due(start + seconds(122)));
    }

    #[test]
    fn after_epochs_it_is_saved_more_often_where_that_is_cheap() {
        let start = Instant::now();
        let mut timer = SaveTimer::new(seconds(60), start);
        assert!(!timer.due_after_epoch(start + Duration::from_millis(999)));
        assert!(timer.due_after_epoch(start + seconds(1)));
        for (cost, due_after) in [(0, 1), (1, 20), (2, 40), (9, 60)] {
            timer.saved(start, start + seconds(cost));
            let due = start + seconds(cost + due_after);
            assert!(!timer.due_after_epoch(due.checked_sub(SHORTEST / 2).unwrap()), "{cost}");
            assert!(timer.due_after_epoch(due), "{cost}");
        }
        let always = SaveTimer::new(Duration::ZERO, start);
        assert!(always.due(start) && always.due_after_epoch(start));
    }
}
