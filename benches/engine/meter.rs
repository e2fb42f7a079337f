//! Time, work and memory of this process, and how busy the processors were with others.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use crate::Result;

/// Linux counts processor time in hundredths of a second wherever it shows it to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// What was counted when a measurement began.
pub(crate) struct Meter {
    started: Instant,
    everybody: f64,
    user: f64,
    system: f64,
}

impl Meter {
    pub(crate) fn start() -> Result<Self> {
        let everybody = everybody()?;
        let (user, system) = ours()?;
        Ok(Self { started: Instant::now(), everybody, user, system })
    }

    /// Seconds of wall clock, of our own work, and processors that others kept busy; the most
    /// memory that this process has had in its life.
    pub(crate) fn stop(self) -> Result<(f64, Value)> {
        let wall = self.started.elapsed().as_secs_f64();
        let everybody = everybody()? - self.everybody;
        let (user, system) = ours()?;
        let (user, system) = (user - self.user, system - self.system);
        let measured = json!({
            "wall": wall,
            "user": user,
            "sys": system,
            "other_cpus": ((everybody - user - system) / wall).max(0.0),
            "peak_rss_mb": peak_megabytes()?,
        });
        Ok((wall, measured))
    }
}

/// Processor seconds of all processes since the machine started, the hypervisor's included.
fn everybody() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().ok_or("/proc/stat is empty")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).map_while(|t| t.parse().ok()).collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7].map(|field| ticks.get(field).copied().unwrap_or(0.0));
    Ok(busy.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// User and system seconds of this process.
fn ours() -> Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/self/stat")?;
    // The name in brackets may hold spaces; behind it, `utime` is the twelfth field.
    let fields = text.rsplit_once(')').ok_or("/proc/self/stat has no name")?.1;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let mut next = || ticks.next().ok_or("/proc/self/stat is short");
    Ok((next()?? / TICKS_PER_SECOND, next()?? / TICKS_PER_SECOND))
}

fn peak_megabytes() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
