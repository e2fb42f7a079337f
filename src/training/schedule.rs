//! What happens between epochs: keep the best, halve the learning rate, stop early. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Settings;

/// Epochs without gain after which the learning rate is halved.
const HALVE_AFTER: usize = 3;

/// What one epoch gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Steps since the start of training.
    pub step: u64,
    /// Adam's step size in this epoch.
    pub learning_rate: f64,
    /// The mean loss per training pair, in nats, while the parameters changed.
    pub train_loss: f64,
    /// The mean loss per validation pair, in nats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_loss: Option<f64>,
    /// The validation part's area under the ROC curve; chooses the best epoch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_auroc: Option<f64>,
    /// The validation part's average precision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_ap: Option<f64>,
    /// The validation part's Matthews correlation coefficient at its best threshold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_mcc: Option<f64>,
}

impl fmt::Display for EpochRecord {
    /// The line that SageMaker's metric definitions read: plain decimals, undefined values absent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[metric] epoch={} step={}", self.epoch, self.step)?;
        for Metric { field, decimals, value, .. } in METRICS {
            if let Some(value) = value(self) {
                write!(f, " {field}={value:.decimals$}")?;
            }
        }
        f.write_str(";")
    }
}

/// A value of the line that each epoch writes to the log.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name under which the platform records it.
    pub name: &'static str,
    /// Its name in the line.
    pub field: &'static str,
    /// Which way is better, where a tuner may choose by it: on the validation part only.
    pub goal: Option<Goal>,
    /// The platform reads no exponents, so that small values need many places.
    decimals: usize,
    value: fn(&EpochRecord) -> Option<f64>,
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The higher, the better.
    Maximize,
    /// The lower, the better.
    Minimize,
}

impl Metric {
    /// What finds the value in the log, in its only group.
    pub fn regex(&self) -> String {
        format!(r"{}=([-+]?[0-9]+\.[0-9]+)", self.field)
    }
}

/// Every value of the line, in its order; metric definitions derive from it.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "train:loss",
        field: "train_loss",
        goal: None,
        decimals: 6,
        value: |record| Some(record.train_loss),
    },
    Metric {
        name: "validation:loss",
        field: "val_loss",
        goal: Some(Goal::Minimize),
        decimals: 6,
        value: |record| record.val_loss,
    },
    Metric {
        name: "validation:auroc",
        field: "val_auroc",
        goal: Some(Goal::Maximize),
        decimals: 6,
        value: |record| record.val_auroc,
    },
    Metric {
        name: "validation:average_precision",
        field: "val_ap",
        goal: Some(Goal::Maximize),
        decimals: 6,
        value: |record| record.val_ap,
    },
    Metric {
        name: "validation:mcc",
        field: "val_mcc",
        goal: Some(Goal::Maximize),
        decimals: 6,
        value: |record| record.val_mcc,
    },
    Metric {
        name: "train:learning_rate",
        field: "learning_rate",
        goal: None,
        decimals: 10,
        value: |record| Some(record.learning_rate),
    },
];

/// Where training stands between epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    learning_rate: f64,
    history: Vec<EpochRecord>,
    best_epoch: Option<usize>,
    epochs_without_gain: usize,
}

impl Schedule {
    /// Before the first epoch.
    pub fn new(settings: &Settings) -> Self {
        let learning_rate = settings.learning_rate;
        Self { learning_rate, history: Vec::new(), best_epoch: None, epochs_without_gain: 0 }
    }

    /// Whether another epoch follows.
    pub fn continues(&self, settings: &Settings) -> bool {
        let stopped = settings.patience > 0 && self.epochs_without_gain >= settings.patience;
        self.history.len() < settings.epochs && !stopped
    }

    /// Adam's step size now.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Finished epochs.
    pub fn epochs_done(&self) -> usize {
        self.history.len()
    }

    /// The finished epoch with the highest validation AUROC, the first of several, counted from 1.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best_epoch
    }

    /// Whether training can have left this behind; what a checkpoint says is not believed unseen.
    pub(super) fn is_plausible(&self) -> bool {
        let epochs = self.history.len();
        self.learning_rate > 0.0
            && self.epochs_without_gain <= epochs
            && self.best_epoch.is_none_or(|best| (1..=epochs).contains(&best))
    }

    /// One record per finished epoch.
    pub fn into_history(self) -> Vec<EpochRecord> {
        self.history
    }

    /// Takes the record of a finished epoch; true if it is the best so far.
    ///
    /// Gain is a higher validation AUROC; an undefined one is lower than any. After every three
    /// epochs in a row without gain the learning rate is halved.
    pub fn finish_epoch(&mut self, record: EpochRecord) -> bool {
        let value = |record: &EpochRecord| record.val_auroc.unwrap_or(f64::NEG_INFINITY);
        let best = self.best_epoch.and_then(|epoch| self.history.get(epoch.checked_sub(1)?));
        let gain = best.is_none_or(|best| value(&record) > value(best));
        self.history.push(record);
        if gain {
            self.best_epoch = Some(self.history.len());
            self.epochs_without_gain = 0;
            return true;
        }
        self.epochs_without_gain += 1;
        if self.epochs_without_gain.is_multiple_of(HALVE_AFTER) {
            self.learning_rate /= 2.0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::OnBadCheckpoint;
    use super::*;

    fn settings(epochs: usize, patience: usize) -> Settings {
        let on_bad_checkpoint = OnBadCheckpoint::Fail;
        let (batch_size, learning_rate, checkpoint_seconds, seed) = (32, 0.8, 60, 1);
        Settings {
            epochs,
            batch_size,
            learning_rate,
            patience,
            checkpoint_seconds,
            on_bad_checkpoint,
            seed,
        }
    }

    fn record(epoch: usize, auroc: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            step: epoch as u64 * 10,
            learning_rate: 7e-5,
            train_loss: 0.5,
            val_loss: Some(0.25),
            val_auroc: Some(auroc),
            val_ap: None,
            val_mcc: Some(-0.125),
        }
    }

    #[test]
    fn three_epochs_without_gain_halve_the_rate_and_patience_stops() {
        let settings = settings(100, 4);
        let mut schedule = Schedule::new(&settings);
        let mut seen = Vec::new();
        for (epoch, auroc) in [0.6, 0.7, 0.7, 0.65, 0.6, 0.5].into_iter().enumerate() {
            assert!(schedule.continues(&settings), "epoch {epoch}");
            let best = schedule.finish_epoch(record(epoch + 1, auroc));
            seen.push((best, schedule.learning_rate()));
        }
        let expected =
            [(true, 0.8), (true, 0.8), (false, 0.8), (false, 0.8), (false, 0.4), (false, 0.4)];
        assert_eq!(seen, expected);
        assert!(!schedule.continues(&settings), "four epochs without gain");
    }

    #[test]
    fn without_patience_all_epochs_run_and_more_epochs_continue() {
        let mut schedule = Schedule::new(&settings(3, 0));
        for epoch in 1..=3 {
            assert_eq!(schedule.finish_epoch(record(epoch, 0.5)), epoch == 1);
        }
        assert!(!schedule.continues(&settings(3, 0)));
        assert!(schedule.continues(&settings(4, 0)));
    }

    #[test]
    fn metric_lines_are_plain_decimals() {
        let line = record(3, 0.6942).to_string();
        let expected = "[metric] epoch=3 step=30 train_loss=0.500000 val_loss=0.250000 \
                        val_auroc=0.694200 val_mcc=-0.125000 learning_rate=0.0000700000;";
        assert_eq!(line, expected);
    }
}
