//! Statistics beside those of scikit-learn, `SciPy` and `NumPy` (`tests/fixtures/statistics`).

use serde::Deserialize;

use super::super::quantiles::quantile;
use super::super::ranking::{Order, Ranking};
use super::super::{bootstrap, prevalence, strata};
use super::*;
use crate::classifier::Temperature;
use crate::dataset::Example;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    left: Vec<u32>,
    right: Vec<u32>,
    labels: Vec<u8>,
    logits: Vec<f64>,
    rival: Vec<f64>,
    weights: Vec<f64>,
    threshold: f64,
    weighted_auroc: f64,
    at_prevalence: Vec<AtPrevalence>,
    calibration: Fitted,
    reliability: Reliability,
    per_protein: Median,
    quantiles: Vec<f64>,
    roc: Vec<[f64; 2]>,
    precision_recall: Vec<[f64; 2]>,
    lead: Ends,
}

#[derive(Deserialize)]
struct Fitted {
    temperature: f64,
    before: f64,
    after: f64,
}

#[derive(Deserialize)]
struct Reliability {
    counts: Vec<usize>,
    means: Vec<f64>,
    positives: Vec<f64>,
    ece: f64,
}

#[derive(Deserialize)]
struct Median {
    proteins: usize,
    median_auroc: f64,
}

#[derive(Deserialize)]
struct Ends {
    low: f64,
    high: f64,
}

impl Expected {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/statistics/expected.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn labels(&self) -> Vec<bool> {
        self.labels.iter().map(|label| *label == 1).collect()
    }

    fn scores(&self) -> Vec<f64> {
        Temperature::ONE.probabilities(&self.logits)
    }

    fn examples(&self) -> Vec<Example> {
        let pairs = self.left.iter().zip(&self.right).zip(self.labels());
        pairs.map(|((left, right), label)| Example { left: *left, right: *right, label }).collect()
    }
}

#[test]
fn a_weighted_auroc() {
    let expected = Expected::read();
    let order = Order::new(&expected.scores());
    let labels = expected.labels();
    close(order.auroc(&labels, &expected.weights), expected.weighted_auroc, 1e-12);
    let ones = vec![1.0; labels.len()];
    let plain = metrics(&expected.scores(), &labels, 0.5).unwrap().auroc.unwrap();
    close(order.auroc(&labels, &ones), plain, 1e-12);
    assert_eq!(order.auroc(&labels, &vec![0.0; labels.len()]), None);
    assert_eq!(Order::new(&[]).auroc(&[], &[]), None);
}

#[test]
fn precision_where_interactions_are_rarer() {
    let expected = Expected::read();
    let (scores, labels) = (expected.scores(), expected.labels());
    let metrics = metrics(&scores, &labels, expected.threshold).unwrap();
    let found = prevalence::at_prevalence(&Ranking::new(&scores, &labels), &metrics.confusion);
    assert_eq!(found.len(), expected.at_prevalence.len());
    for (found, expected) in found.iter().zip(&expected.at_prevalence) {
        assert_eq!(found.negatives_per_positive, expected.negatives_per_positive);
        close(found.precision, expected.precision.unwrap(), 1e-12);
        close(found.average_precision, expected.average_precision.unwrap(), 1e-12);
        close(found.mcc, expected.mcc.unwrap(), 1e-12);
    }
}

#[test]
fn the_temperature() {
    let Expected { calibration: expected, logits, .. } = Expected::read();
    let (temperature, found) = calibrate(&logits, &Expected::read().labels());
    assert_eq!(f64::from(temperature), found.temperature);
    // As near as the minimum of a function in double precision can be found.
    close(Some(found.temperature), expected.temperature, 1e-6);
    close(found.log_loss_before, expected.before, 1e-12);
    close(found.log_loss_after, expected.after, 1e-12);
}

#[test]
fn the_reliability_table_and_the_error_over_it() {
    let expected = Expected::read();
    let (scores, labels) = (expected.scores(), expected.labels());
    let found = calibration::reliability(&scores, &labels);
    let expected = expected.reliability;
    assert_eq!(found.iter().map(|bin| bin.pairs).collect::<Vec<_>>(), expected.counts);
    let filled: Vec<_> = found.iter().filter(|bin| bin.pairs > 0).collect();
    assert_eq!(filled.len(), expected.means.len());
    for (bin, (mean, positives)) in
        filled.iter().zip(expected.means.iter().zip(&expected.positives))
    {
        close(bin.mean_score, *mean, 1e-12);
        close(bin.positives, *positives, 1e-12);
    }
    close(metrics(&scores, &labels, 0.5).unwrap().ece, expected.ece, 1e-12);
}

#[test]
fn the_median_over_proteins() {
    let expected = Expected::read();
    let found = strata::per_protein(&expected.examples(), &expected.scores());
    assert_eq!((found.proteins, found.at_least), (expected.per_protein.proteins, 2));
    close(found.median_auroc, expected.per_protein.median_auroc, 1e-12);
}

#[test]
fn quantiles() {
    let expected = Expected::read();
    let found = Quantiles::of(expected.weights.clone()).unwrap();
    let Quantiles { minimum, lower_quartile, median, upper_quartile, maximum } = found;
    let found = [minimum, lower_quartile, median, upper_quartile, maximum];
    for (found, expected) in found.iter().zip(&expected.quantiles) {
        close(Some(*found), *expected, 1e-12);
    }
    assert_eq!((Quantiles::of(vec![]), quantile(&[], 0.5)), (None, None));
}

#[test]
fn curves_are_those_of_scikit_learn_without_some_points() {
    let expected = Expected::read();
    let ranking = Ranking::new(&expected.scores(), &expected.labels());
    let roc: Vec<_> =
        ranking.roc().iter().map(|p| [p.false_positive_rate, p.true_positive_rate]).collect();
    let curve: Vec<_> =
        ranking.precision_recall().iter().map(|p| [p.recall, p.precision]).collect();
    let among = |point: &[f64; 2], all: &[[f64; 2]]| {
        all.iter().any(|other| (0..2).all(|axis| (point[axis] - other[axis]).abs() < 1e-12))
    };
    assert!(roc.len() > 100 && roc.iter().all(|point| among(point, &expected.roc)), "{roc:?}");
    assert!(curve.len() > 50 && curve.iter().all(|p| among(p, &expected.precision_recall)));
    assert_eq!((roc[0], roc[roc.len() - 1]), ([0.0; 2], [1.0; 2]));
    assert_eq!(curve[curve.len() - 1][0], 1.0);
}

#[test]
fn the_interval_of_a_lead() {
    let expected = Expected::read();
    let examples = expected.examples();
    let interval = |one: &[f64], seed| {
        let found = bootstrap::difference_of_aurocs(&examples, one, &expected.rival, seed);
        assert_eq!(found.resamples, 1000);
        found.ends.unwrap()
    };
    let [low, high] = interval(&expected.scores(), 1);
    // 1000 resamples know the ends of an interval to a tenth of its width.
    let Ends { low: expected_low, high: expected_high } = expected.lead;
    let tolerance = (expected_high - expected_low) / 10.0;
    close(Some(low), expected_low, tolerance);
    close(Some(high), expected_high, tolerance);
    assert_eq!(interval(&expected.scores(), 1), [low, high], "the seed decides");
    assert_ne!(interval(&expected.scores(), 2), [low, high]);
    assert_eq!(interval(&expected.rival, 1), [0.0; 2], "against itself");
}

#[test]
fn thinned_curves_keep_their_shape() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let scores: Vec<f64> = (0..100_000).map(|_| random.random()).collect();
    let labels: Vec<bool> = scores.iter().map(|score| random.random_bool(*score)).collect();
    let ranking = Ranking::new(&scores, &labels);
    let (roc, curve) = (ranking.roc(), ranking.precision_recall());
    assert!((100..=202).contains(&roc.len()) && (100..=202).contains(&curve.len()));
    let area = |two: &[RocPoint]| {
        let width = two[1].false_positive_rate - two[0].false_positive_rate;
        width * f64::midpoint(two[0].true_positive_rate, two[1].true_positive_rate)
    };
    let auroc: f64 = roc.windows(2).map(area).sum();
    close(ranking.auroc(), auroc, 1e-3);
    let step = |two: &[PrecisionRecallPoint]| (two[1].recall - two[0].recall) * two[1].precision;
    let precision: f64 = curve.windows(2).map(step).sum();
    close(ranking.average_precision(1.0), precision, 1e-2);
}

#[test]
fn nothing_is_drawn_or_fitted_where_a_class_is_missing() {
    for labels in [[true, true], [false, false]] {
        let ranking = Ranking::new(&[0.2, 0.8], &labels);
        assert_eq!(ranking.roc(), []);
        assert_eq!(ranking.precision_recall().len(), 2 * usize::from(labels[0]));
        assert_eq!(calibrate(&[-1.0, 2.0], &labels).0, Temperature::ONE);
    }
    let (temperature, calibration) = calibrate(&[], &[]);
    assert_eq!((temperature, calibration.log_loss_after), (Temperature::ONE, None));
    // Without a fault, and without any order: the ends of the range.
    assert_eq!(calibrate(&[-1.0, 2.0], &[false, true]).1.temperature, 0.05);
    assert_eq!(calibrate(&[2.0, -1.0], &[false, true]).1.temperature, 20.0);
}
