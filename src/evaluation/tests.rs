#![expect(clippy::float_cmp, reason = "counts, ties and thresholds are exact")]

mod examined;
mod real;
mod statistics;

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn close(got: Option<f64>, expected: f64, tolerance: f64) {
    let got = got.unwrap();
    assert!((got - expected).abs() <= tolerance, "{got} for {expected}");
}

/// A folder of real data, or `None` with a printed reason.
pub(super) fn real_data(test: &str, name: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");
    let root = std::env::var("DYAD_TEST_DATA").unwrap_or_else(|_| default.to_owned());
    let folder = Path::new(&root).join("data").join(name);
    if !folder.exists() {
        println!("skipped: {test}: no test data at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Scores with many ties, and labels that lean to the higher ones.
fn sample(seed: u64, n: usize) -> (Vec<f64>, Vec<bool>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let scores: Vec<_> = (0..n).map(|_| f64::from(random.random_range(0..=20_u8)) / 20.0).collect();
    let labels = scores.iter().map(|s| random.random_bool(0.2 + 0.6 * s)).collect();
    (scores, labels)
}

fn count(scores: &[f64], labels: &[bool], keep: impl Fn(f64, bool) -> bool) -> f64 {
    scores.iter().zip(labels).filter(|(s, l)| keep(**s, **l)).count() as f64
}

#[test]
fn six_pairs_by_hand() {
    let scores = [0.9, 0.8, 0.8, 0.4, 0.3, 0.1];
    let labels = [true, true, false, true, false, false];
    let metrics = metrics(&scores, &labels, 0.5).unwrap();
    // Couples won: 0.9 wins 3, 0.8 wins 2 and ties 1, 0.4 wins 2: 7.5 of 9.
    close(metrics.auroc, 7.5 / 9.0, 1e-12);
    // Recall 1/3 at precision 1, 2/3 at 2/3 (both 0.8 at once), 1 at 3/4.
    close(metrics.average_precision, (1.0 + 2.0 / 3.0 + 0.75) / 3.0, 1e-12);
    let confusion =
        Confusion { true_positives: 2, false_positives: 1, true_negatives: 2, false_negatives: 1 };
    assert_eq!(metrics.confusion, confusion);
    close(metrics.mcc, (4.0 - 1.0) / 81.0_f64.sqrt(), 1e-12);
    for two_thirds in [metrics.f1, metrics.precision, metrics.recall, metrics.accuracy] {
        close(two_thirds, 2.0 / 3.0, 1e-12);
    }
    close(metrics.brier, (0.01 + 0.04 + 0.64 + 0.36 + 0.09 + 0.01) / 6.0, 1e-12);
    let likelihood: f64 = 0.9 * 0.8 * 0.2 * 0.4 * 0.7 * 0.9;
    close(metrics.log_loss, -likelihood.ln() / 6.0, 1e-12);
    // Five bins hold scores: 0.9; 0.8 twice; 0.4; 0.3; 0.1.
    close(metrics.ece, (0.1 + 0.6 + 0.6 + 0.3 + 0.1) / 6.0, 1e-12);
    close(metrics.prevalence, 0.5, 0.0);
}

#[test]
fn a_score_at_the_threshold_predicts_an_interaction() {
    let confusion = metrics(&[0.5, 0.5, 0.49], &[true, false, true], 0.5).unwrap().confusion;
    let expected =
        Confusion { true_positives: 1, false_positives: 1, true_negatives: 0, false_negatives: 1 };
    assert_eq!(confusion, expected);
}

#[test]
fn rankings_agree_with_their_definitions() {
    for seed in 0..20 {
        let (scores, labels) = sample(seed, 150);
        let metrics = metrics(&scores, &labels, 0.5).unwrap();
        let of = |label| scores.iter().zip(&labels).filter(move |(_, l)| **l == label);
        let (mut won, mut couples) = (0.0, 0.0);
        for (positive, _) in of(true) {
            for (negative, _) in of(false) {
                won += f64::from(u8::from(positive > negative));
                won += f64::from(u8::from(positive == negative)) / 2.0;
                couples += 1.0;
            }
        }
        close(metrics.auroc, won / couples, 1e-12);

        // Average precision is the mean, over positives, of the precision at their score.
        let precision = |at| {
            count(&scores, &labels, |s, l| s >= at && l) / count(&scores, &labels, |s, _| s >= at)
        };
        let sum: f64 = of(true).map(|(score, _)| precision(*score)).sum();
        close(metrics.average_precision, sum / metrics.positives as f64, 1e-12);
    }
}

#[test]
fn calibration_bins_are_closed_above() {
    // 1/15 ends the first bin, the next number begins the second: two errors that cancel in one
    // bin and add up in two.
    let edge = 1.0 / 15.0;
    let one_bin = metrics(&[0.0, edge], &[false, true], 0.5).unwrap();
    close(one_bin.ece, (1.0 - edge) / 2.0, 1e-12);
    let two_bins = metrics(&[edge, edge + 1e-9], &[false, true], 0.5).unwrap();
    close(two_bins.ece, (edge + 1.0 - edge) / 2.0, 1e-8);
    let same_bin = metrics(&[edge + 1e-9, 2.0 * edge], &[false, true], 0.5).unwrap();
    close(same_bin.ece, (1.0 - 3.0 * edge) / 2.0, 1e-8);
}

#[test]
fn certain_and_wrong_scores_cost_a_finite_log_loss() {
    let metrics = metrics(&[0.0, 1.0], &[true, false], 0.5).unwrap();
    close(metrics.log_loss, -f64::EPSILON.ln(), 1e-9);
}

#[test]
fn undefined_metrics_are_absent() {
    let json = |scores: &[f64], labels: &[bool]| {
        let metrics = metrics(scores, labels, 0.5).unwrap();
        let json = serde_json::to_value(&metrics).unwrap();
        assert_eq!(serde_json::from_value::<Metrics>(json.clone()).unwrap(), metrics);
        json
    };
    let absent = |json: &serde_json::Value| {
        let names = ["auroc", "average_precision", "mcc", "f1", "precision", "recall", "accuracy"];
        let names = names.into_iter().chain(["prevalence", "brier", "log_loss", "ece"]);
        names.filter(|name| json.get(name).is_none()).collect::<Vec<_>>()
    };
    assert_eq!(
        absent(&json(&[0.2, 0.3], &[false, false])),
        ["auroc", "average_precision", "mcc", "f1", "precision", "recall"]
    );
    assert_eq!(absent(&json(&[0.2, 0.9], &[true, true])), ["auroc", "mcc"]);
    assert_eq!(absent(&json(&[0.2, 0.3], &[true, false])), ["mcc", "precision"]);
    assert_eq!(absent(&json(&[], &[])).len(), 11);
    assert!(absent(&json(&[0.2, 0.9], &[false, true])).is_empty());
}

#[test]
fn scores_that_are_no_probabilities_are_errors_by_name() {
    let message = |scores: &[f64], threshold| {
        metrics(scores, &[true, false], threshold).unwrap_err().to_string()
    };
    let expected = "expected a probability from 0 to 1";
    assert_eq!(message(&[0.5, f64::NAN], 0.5), format!("the score of pair 2 is `NaN`, {expected}"));
    assert_eq!(message(&[1.5, 0.1], 0.5), format!("the score of pair 1 is `1.5`, {expected}"));
    let infinite = message(&[0.5, f64::INFINITY], 0.5);
    assert_eq!(infinite, format!("the score of pair 2 is `inf`, {expected}"));
    assert_eq!(message(&[0.5], 0.5), "1 scores for 2 labels: every pair needs one of each");
    let threshold = message(&[0.5, 0.1], f64::NAN);
    assert_eq!(threshold, "the threshold is `NaN`, expected a finite number");
}

#[test]
fn the_best_threshold_beats_every_other() {
    for seed in 0..20 {
        let (scores, labels) = sample(seed, 60);
        let best = best_threshold(&scores, &labels).unwrap();
        let mcc = |threshold| Confusion::at(&scores, &labels, threshold).mcc();
        let others = (0..=100).map(|percent| f64::from(percent) / 100.0);
        let highest = others.filter_map(mcc).fold(-1.0, f64::max);
        assert_eq!(mcc(best), Some(highest));
        let below = scores.iter().copied().filter(|s| *s < best).fold(0.0, f64::max);
        let above = scores.iter().copied().filter(|s| *s >= best).fold(1.0, f64::min);
        assert_eq!(best, f64::midpoint(below, above));
    }
}

#[test]
fn thresholds_are_decided_where_several_are_best_and_absent_where_none_is() {
    // Both cuts have an MCC of 0.5; 0.55 is nearer to 0.5 than 0.25.
    let scores = [0.7, 0.4, 0.4, 0.1];
    close(best_threshold(&scores, &[true, true, false, false]), 0.55, 1e-12);
    // Without a number in between: one of the two middles is rounded down, the other up.
    let next = 0.3_f64.next_up();
    assert_eq!(best_threshold(&[0.3, next], &[false, true]), Some(next));
    let last = next.next_up();
    assert_eq!(best_threshold(&[next, last], &[false, true]), Some(last));
    assert_eq!(best_threshold(&[0.3, 0.6], &[true, true]), None);
    assert_eq!(best_threshold(&[0.3, 0.3], &[true, false]), None);
    assert_eq!(best_threshold(&[0.3, f64::NAN], &[true, false]), None);
    assert_eq!(best_threshold(&[], &[]), None);
}

#[test]
fn the_table_is_plain_and_aligned() {
    let scores = [1e-9, 0.8, 2e-9, 0.4];
    let metrics = metrics(&scores, &[false, true, false, false], 1e-5).unwrap();
    insta::assert_snapshot!(metrics.to_string(), @"
    pairs              4
    positives          1
    prevalence         0.2500
    AUROC              1.0000
    average precision  1.0000
    threshold          0.000010
    MCC                0.5774
    F1                 0.6667
    precision          0.5000
    recall             1.0000
    accuracy           0.7500
    Brier score        0.0500
    log loss           0.1835
    ECE (15 bins)      0.1500
    true positives     1
    false positives    1
    true negatives     2
    false negatives    0
    ");
    let none = super::metrics(&[], &[], 0.5).unwrap().to_string();
    assert!(none.contains("\nAUROC              undefined\n"), "{none}");
}

#[test]
fn large_inputs_are_quick() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let scores: Vec<f64> = (0..300_000).map(|_| random.random()).collect();
    let labels: Vec<bool> = scores.iter().map(|score| random.random_bool(*score)).collect();
    let started = std::time::Instant::now();
    let threshold = best_threshold(&scores, &labels).unwrap();
    // P(label | score) = score: AUROC 5/6, MCC at 0.5 is 0.5, Brier 1/6, log loss 1/2, ECE 0.
    let metrics = metrics(&scores, &labels, threshold).unwrap();
    let elapsed = started.elapsed();
    close(metrics.auroc, 5.0 / 6.0, 0.005);
    close(metrics.mcc, 0.5, 0.01);
    close(metrics.brier, 1.0 / 6.0, 0.003);
    close(metrics.log_loss, 0.5, 0.005);
    close(metrics.ece, 0.0, 0.005);
    // A quadratic algorithm would take minutes.
    assert!(elapsed.as_secs() < 10, "{elapsed:?}");
}

/// The twin of the tests above on published scores; expected values by scikit-learn.
#[test]
fn published_scores_have_the_metrics_of_scikit_learn() {
    let test = "published_scores_have_the_metrics_of_scikit_learn";
    let Some(folder) = real_data(test, "metrics_oracle") else { return };
    let json = std::fs::read(folder.join("expected_metrics.sklearn.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&json).unwrap();
    for (file, label_column, score_column) in
        [("bernett_test.ESM2-MLP.tsv", 2, 3), ("dscript_scores.tsv", 0, 1)]
    {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let column = |at: usize| {
            text.lines().skip(1).map(move |line| line.split('\t').nth(at).unwrap().trim())
        };
        let labels: Vec<bool> = column(label_column).map(|label| label == "1").collect();
        let scores: Vec<f64> = column(score_column).map(|score| score.parse().unwrap()).collect();
        let metrics = metrics(&scores, &labels, 0.5).unwrap();
        let expected = |name: &str| expected[file][name].as_f64().unwrap();
        for (name, got) in [
            ("auroc", metrics.auroc),
            ("average_precision", metrics.average_precision),
            ("accuracy", metrics.accuracy),
            ("mcc", metrics.mcc),
            ("f1", metrics.f1),
            ("precision", metrics.precision),
            ("recall", metrics.recall),
            ("brier", metrics.brier),
            ("log_loss", metrics.log_loss),
        ] {
            close(got, expected(name), 1e-6);
        }
        let confusion = metrics.confusion;
        assert_eq!(confusion.true_positives as f64, expected("tp"));
        assert_eq!(confusion.false_positives as f64, expected("fp"));
        assert_eq!(confusion.true_negatives as f64, expected("tn"));
        assert_eq!(confusion.false_negatives as f64, expected("fn"));
        assert_eq!(metrics.n as f64, expected("n"));
        assert_eq!(metrics.positives as f64, expected("pos"));
        if file.starts_with("bernett") {
            close(metrics.ece, 0.044_013, 1e-6);
        }
    }
}
