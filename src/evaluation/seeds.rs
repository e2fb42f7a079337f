//! The same training with several seeds: how far a result depends on chance.

use std::fmt;

use serde::Serialize;

use super::{Metrics, TestPairs};

/// Several trainings on the same split, which differ by their seeds alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seeds {
    /// How many were asked for; there are fewer results if the run was stopped.
    pub asked: usize,
    /// What each training reached, in the order of seeds. The first gave the model.
    pub trainings: Vec<SeedResult>,
    /// How far these results differ, by test set.
    pub spread: Vec<OfSet<Spread>>,
}

/// What the training with one seed reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedResult {
    /// The seed of initial weights, order of pairs and dropout.
    pub seed: u64,
    /// The epoch that validation chose, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<usize>,
    /// The validation part, on which epoch, temperature and threshold were chosen.
    pub validation: Headline<f64>,
    /// The test sets, the same for every seed.
    pub sets: Vec<OfSet<f64>>,
}

/// The metrics of one test set, a number each or its spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfSet<T> {
    /// Which pairs these are.
    pub class: TestPairs,
    /// What was measured on them.
    pub metrics: Headline<T>,
}

/// The metrics by which trainings are compared; absent where the data leave one undefined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Headline<T> {
    /// Area under the receiver operating characteristic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<T>,
    /// Average precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<T>,
    /// Matthews correlation coefficient at the threshold of validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcc: Option<T>,
    /// The share of right predictions at that threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<T>,
    /// The AUROC minus that of the best baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<T>,
}

/// Mean and spread of a metric over trainings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The trainings that have the metric.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// The sample standard deviation, with `n - 1` in the denominator; needs two trainings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_deviation: Option<f64>,
    /// The lowest value.
    pub minimum: f64,
    /// The highest value.
    pub maximum: f64,
}

impl Seeds {
    /// The account of `trainings`, of which each has the same test sets in the same order.
    pub fn new(asked: usize, trainings: Vec<SeedResult>) -> Self {
        let sets = trainings.first().map_or(&[][..], |first| &first.sets);
        let spread = sets.iter().enumerate().map(|(at, set)| {
            let values = trainings.iter().filter_map(|training| training.sets.get(at));
            let values: Vec<_> = values.map(|set| set.metrics).collect();
            OfSet { class: set.class, metrics: Headline::spread(&values) }
        });
        Self { asked, spread: spread.collect(), trainings }
    }

    /// Whether every training came to its end.
    pub fn is_complete(&self) -> bool {
        self.trainings.len() == self.asked
    }
}

impl Headline<f64> {
    /// Those of `metrics`, with the lead over a baseline whose AUROC is `rival`.
    pub fn new(metrics: &Metrics, rival: Option<f64>) -> Self {
        Self {
            auroc: metrics.auroc,
            average_precision: metrics.average_precision,
            mcc: metrics.mcc,
            accuracy: metrics.accuracy,
            lead: metrics.auroc.zip(rival).map(|(ours, theirs)| ours - theirs),
        }
    }
}

impl Headline<Spread> {
    fn spread(values: &[Headline<f64>]) -> Self {
        let spread = |metric: fn(&Headline<f64>) -> Option<f64>| {
            Spread::of(&values.iter().filter_map(metric).collect::<Vec<_>>())
        };
        Self {
            auroc: spread(|values| values.auroc),
            average_precision: spread(|values| values.average_precision),
            mcc: spread(|values| values.mcc),
            accuracy: spread(|values| values.accuracy),
            lead: spread(|values| values.lead),
        }
    }
}

impl<T: Copy> Headline<T> {
    /// All of them with their names, in the order of reports.
    pub fn named(&self) -> [(&'static str, Option<T>); 5] {
        [
            ("AUROC", self.auroc),
            ("average precision", self.average_precision),
            ("MCC", self.mcc),
            ("accuracy", self.accuracy),
            ("lead", self.lead),
        ]
    }
}

impl Spread {
    /// The spread of `values`; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (n > 0).then(|| Self {
            n,
            mean,
            standard_deviation: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
            minimum: values.iter().copied().fold(f64::INFINITY, f64::min),
            maximum: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

impl fmt::Display for Spread {
    /// The mean and, where there is one, the standard deviation in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standard_deviation {
            Some(deviation) => write!(f, "{:.4} ({deviation:.4})", self.mean),
            None => write!(f, "{:.4}", self.mean),
        }
    }
}

impl fmt::Display for Seeds {
    /// Means with standard deviations, one line per test set, without a final line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |cells: Vec<String>| {
            let padded: Vec<_> = cells.iter().map(|cell| format!("{cell:<19}")).collect();
            padded.concat().trim_end().to_owned()
        };
        let (found, asked) = (self.trainings.len(), self.asked);
        write!(f, "mean (standard deviation) of {found} of {asked} trainings")?;
        for (at, OfSet { class, metrics }) in self.spread.iter().enumerate() {
            if at == 0 {
                let names = metrics.named().map(|(name, _)| name.to_owned());
                write!(f, "\n{:<6} {}", "", row(names.into()))?;
            }
            let spread = |spread: Option<Spread>| {
                spread.map_or_else(|| "undefined".to_owned(), |spread| spread.to_string())
            };
            let values = metrics.named().map(|(_, value)| spread(value));
            write!(f, "\n{class:<6} {}", row(values.into()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::TestClass;

    fn training(seed: u64, auroc: f64, mcc: Option<f64>) -> SeedResult {
        let values = Headline {
            auroc: Some(auroc),
            average_precision: Some(auroc),
            mcc,
            accuracy: Some(0.5),
            lead: None,
        };
        let set = OfSet { class: TestPairs::Class(TestClass::C3), metrics: values };
        SeedResult { seed, best_epoch: Some(1), validation: values, sets: vec![set] }
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        // As numpy.std([2, 4, 4, 4, 5, 5, 7, 9], ddof=1).
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((spread.n, spread.mean, spread.minimum, spread.maximum), (8, 5.0, 2.0, 9.0));
        assert!((spread.standard_deviation.unwrap() - 2.138_089_935_299_395).abs() < 1e-15);
    }

    #[test]
    fn one_training_has_no_deviation_and_none_has_no_spread() {
        assert_eq!(Spread::of(&[0.7]).unwrap().standard_deviation, None);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn undefined_metrics_are_left_out_of_the_mean() {
        let trainings = vec![training(1, 0.5, Some(0.1)), training(2, 0.7, None)];
        let seeds = Seeds::new(2, trainings);
        let metrics = seeds.spread[0].metrics;
        assert!(seeds.is_complete());
        assert_eq!((metrics.auroc.unwrap().n, metrics.mcc.unwrap().n), (2, 1));
        assert_eq!(metrics.lead, None);
    }

    #[test]
    fn the_log_tells_means_and_what_is_missing() {
        let trainings = vec![training(1, 0.5, Some(0.1)), training(2, 0.7, None)];
        insta::assert_snapshot!(Seeds::new(3, trainings), @"
        mean (standard deviation) of 2 of 3 trainings
               AUROC              average precision  MCC                accuracy           lead
        C3     0.6000 (0.1414)    0.6000 (0.1414)    0.1000             0.5000 (0.0000)    undefined
        ");
    }
}
