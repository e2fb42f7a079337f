//! Progress on a terminal and in logs.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tracing::info;

use crate::estimate::Cost;
use crate::progress::{Event, Forecast, Observer, Task};

/// Seconds between two log lines about one task.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The name of a task and of its units.
fn names(task: Task) -> (String, &'static str) {
    match task {
        Task::Reading => ("reading".to_owned(), "channels"),
        Task::Fetching => ("fetching".to_owned(), "proteins"),
        Task::Downloading => ("download".to_owned(), "bytes"),
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
            // A bar shows its own task.
            Event::Forecast(_) => {}
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
pub(super) struct Lines {
    /// When the program started, from where on it is paid for.
    began: Instant,
    /// The price of the instance, where it is known.
    usd_per_hour: Option<f64>,
    tasks: Mutex<Watching>,
}

#[derive(Default)]
struct Watching {
    tasks: HashMap<Task, Watched>,
    forecast: Option<Forecast>,
}

struct Watched {
    started: Instant,
    shown: Instant,
    before: u64,
    done: u64,
    total: u64,
}

impl Lines {
    pub(super) fn new(began: Instant, usd_per_hour: Option<f64>) -> Self {
        Self { began, usd_per_hour, tasks: Mutex::default() }
    }
}

impl Observer for Lines {
    fn observe(&self, event: Event) {
        let mut watching = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Watching { tasks, forecast } = &mut *watching;
        let now = Instant::now();
        match event {
            Event::Forecast(told) => *forecast = Some(told),
            Event::Started { task, done, total } => {
                let watched = Watched { started: now, shown: now, before: done, done, total };
                tasks.insert(task, watched);
            }
            Event::Advanced { task, units } => {
                let Some(watched) = tasks.get_mut(&task) else { return };
                watched.done += units;
                if now.duration_since(watched.shown) >= LINE_EVERY {
                    watched.shown = now;
                    let spent = now.duration_since(self.began);
                    let run = forecast
                        .map(|forecast| watched.of_run(&forecast, task, now))
                        .map(|left| of_run(left, spent, self.usd_per_hour));
                    info!("{}{}", watched.line(task, now), run.unwrap_or_default());
                }
            }
            Event::Finished { task } => drop(tasks.remove(&task)),
        }
    }
}

/// What is left of the run and, where the price is known, its cost so far and at its end.
fn of_run(left: Duration, spent: Duration, usd_per_hour: Option<f64>) -> String {
    let text = format!("; run: {:.0} s left", left.as_secs_f64());
    let Some(price) = usd_per_hour else { return text };
    let cost = |time: Duration| Cost::of(time.as_secs_f64(), price).on_demand;
    let (so_far, whole) = (cost(spent), cost(spent.saturating_add(left)));
    format!("{text}, {so_far:.3} of {whole:.3} USD on demand")
}

impl Watched {
    /// Units per second since this attempt began.
    fn rate(&self, now: Instant) -> f64 {
        let seconds = now.duration_since(self.started).as_secs_f64();
        (self.done - self.before) as f64 / seconds.max(1e-3)
    }

    /// What is left of the run.
    fn of_run(&self, forecast: &Forecast, task: Task, now: Instant) -> Duration {
        let time = |units: u64| {
            Duration::try_from_secs_f64(units as f64 / self.rate(now).max(1e-3)).unwrap_or_default()
        };
        forecast.left(task, time(self.total.saturating_sub(self.done)), time(self.total))
    }

    fn line(&self, task: Task, now: Instant) -> String {
        let (name, unit) = names(task);
        let Self { done, total, .. } = *self;
        let rate = self.rate(now);
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

    #[test]
    fn lines_tell_what_is_left_of_the_run_and_what_it_costs() {
        let started = Instant::now();
        let watched = Watched { started, shown: started, before: 0, done: 300, total: 1000 };
        let seconds = Duration::from_secs;
        let forecast = Forecast { training: seconds(500), epochs: 4, after: seconds(6) };
        let now = started + seconds(3);
        // 100 units per second: 7 of 10 seconds are left.
        assert_eq!(watched.of_run(&forecast, Task::Embedding, now), seconds(7 + 500 + 6));
        assert_eq!(watched.of_run(&forecast, Task::Epoch(2), now), seconds(7 + 2 * 10 + 6));
        let left = seconds(1800);
        assert_eq!(of_run(left, seconds(1800), None), "; run: 1800 s left");
        let told = of_run(left, seconds(1800), Some(0.7364));
        assert_eq!(told, "; run: 1800 s left, 0.368 of 0.736 USD on demand");
    }
}
