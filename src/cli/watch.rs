//! Progress on a terminal and in logs.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tracing::info;

use crate::progress::{Event, Observer, Task};

/// Seconds between two log lines about one task.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The name of a task and of its units.
fn names(task: Task) -> (String, &'static str) {
    match task {
        Task::Reading => ("reading".to_owned(), "channels"),
        Task::Embedding => ("embedding".to_owned(), "residues"),
        Task::Epoch(number) => (format!("epoch {number}"), "pairs"),
    }
}

/// One bar per task, with rate and time left.
pub(super) struct Bars {
    multi: MultiProgress,
    bars: Mutex<HashMap<Task, ProgressBar>>,
}

impl Bars {
    pub(super) fn new(multi: MultiProgress) -> Self {
        Self { multi, bars: Mutex::default() }
    }
}

impl Observer for Bars {
    fn observe(&self, event: Event) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { task, done, total } => {
                let (name, unit) = names(task);
                let template = format!(
                    "{name:<10} {{wide_bar}} {{percent:>3}} %  {{rate:>8}} {unit}/s  {{eta}} left"
                );
                let rate = |state: &ProgressState, text: &mut dyn Write| {
                    // A bar that cannot be drawn loses nothing.
                    let _ = write!(text, "{:.0}", state.per_sec());
                };
                // A template of ours; the default style serves if it should not parse.
                let style = ProgressStyle::with_template(&template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
                let style = style.with_key("rate", rate);
                let bar = self.multi.add(ProgressBar::new(total).with_style(style));
                bar.set_position(done);
                bar.reset_eta();
                bars.insert(task, bar);
            }
            Event::Advanced { task, units } => {
                if let Some(bar) = bars.get(&task) {
                    bar.inc(units);
                }
            }
            Event::Finished { task } => {
                if let Some(bar) = bars.remove(&task) {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// A log line now and then: no carriage return, no tab, plain decimals.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<Task, Watched>>);

struct Watched {
    started: Instant,
    shown: Instant,
    before: u64,
    done: u64,
    total: u64,
}

impl Observer for Lines {
    fn observe(&self, event: Event) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match event {
            Event::Started { task, done, total } => {
                let watched = Watched { started: now, shown: now, before: done, done, total };
                tasks.insert(task, watched);
            }
            Event::Advanced { task, units } => {
                let Some(watched) = tasks.get_mut(&task) else { return };
                watched.done += units;
                if now.duration_since(watched.shown) >= LINE_EVERY {
                    watched.shown = now;
                    info!("{}", watched.line(task, now));
                }
            }
            Event::Finished { task } => drop(tasks.remove(&task)),
        }
    }
}

impl Watched {
    fn line(&self, task: Task, now: Instant) -> String {
        let (name, unit) = names(task);
        let Self { before, done, total, .. } = *self;
        let seconds = now.duration_since(self.started).as_secs_f64();
        let rate = (done - before) as f64 / seconds.max(1e-3);
        let left = total.saturating_sub(done) as f64 / rate.max(1e-3);
        let percent = 100.0 * done as f64 / total.max(1) as f64;
        format!("{name}: {percent:.1} % of {total} {unit}, {rate:.0} {unit}/s, {left:.0} s left")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_share_rate_and_time_left() {
        let started = Instant::now();
        let watched = Watched { started, shown: started, before: 100, done: 300, total: 1000 };
        let line = watched.line(Task::Epoch(2), started + Duration::from_secs(4));
        assert_eq!(line, "epoch 2: 30.0 % of 1000 pairs, 50 pairs/s, 14 s left");
    }
}
