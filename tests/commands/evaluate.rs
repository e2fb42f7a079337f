//! `evaluate` measures what training measured, and what scikit-learn measured.

use std::fs;

use serde_json::Value;

use crate::support::{dyad, real_data, succeed, trained};

/// Metrics in which the rounding of scores to six decimals shows.
const SMOOTH: [&str; 3] = ["brier", "log_loss", "ece"];

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Compares all numbers of two JSON values that have the same keys.
fn assert_near(found: &Value, expected: &Value, tolerance: f64, name: &str) {
    if let (Value::Object(found), Value::Object(expected)) = (found, expected) {
        assert!(found.keys().eq(expected.keys()), "{name}: {found:?} {expected:?}");
        found.iter().for_each(|(key, value)| assert_near(value, &expected[key], tolerance, key));
        return;
    }
    let [found, expected] = [found, expected].map(|value| value.as_f64().unwrap());
    assert!((found - expected).abs() <= tolerance, "{name}: {found} {expected}");
}

#[test]
fn the_test_part_measures_as_in_training() {
    let test_pairs = trained().model.join("test_predictions.tsv");
    let mut evaluate = trained().apply("evaluate", &test_pairs);
    let (printed, _) = succeed(evaluate.arg("--json"));
    let found: Value = serde_json::from_str(&printed).unwrap();
    let expected = &read(&trained().model.join("metrics.json"))["test"];
    assert_near(&found, expected, 1e-9, "test");
}

#[test]
fn the_written_predictions_measure_nearly_as_in_training() {
    let folder = tempfile::tempdir().unwrap();
    let expected = &read(&trained().model.join("metrics.json"))["test"];
    let out = folder.path().join("metrics.json");
    let mut evaluate = dyad();
    evaluate.arg("evaluate").arg("--scores").arg(trained().model.join("test_predictions.tsv"));
    evaluate.arg("--threshold").arg(expected["threshold"].to_string()).arg("--out").arg(&out);
    let (table, _) = succeed(&mut evaluate);
    let found = read(&out);
    for key in SMOOTH {
        assert_near(&found[key], &expected[key], 1e-5, key);
    }
    assert_near(&found["auroc"], &expected["auroc"], 1e-3, "auroc");
    assert_near(&found["confusion"], &expected["confusion"], 0.0, "confusion");
    let auroc = format!("AUROC              {:.4}\n", found["auroc"].as_f64().unwrap());
    assert!(table.contains(&auroc), "{table}");
}

#[test]
fn columns_are_found_by_name_and_a_labelled_csv_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.csv");
    fs::write(&path, "\u{feff}truth,note,p\r\n1,\"a, b\",0.9\r\n0,,0.2\r\n1,,0.4\r\n").unwrap();
    let mut evaluate = dyad();
    evaluate.arg("evaluate").arg("--scores").arg(&path).arg("--json");
    evaluate.args(["--label-column", "truth", "--score-column", "p"]);
    let metrics: Value = serde_json::from_str(&succeed(&mut evaluate).0).unwrap();
    assert_eq!((&metrics["n"], &metrics["auroc"]), (&3.into(), &1.0.into()));
    assert_near(&metrics["recall"], &0.5.into(), 0.0, "recall at 0.5");
}

#[test]
fn scikit_learn_finds_the_same_numbers() {
    let test = "scikit_learn_finds_the_same_numbers";
    let Some(oracle) = real_data(test, "metrics_oracle") else { return };
    let expected = read(&oracle.join("expected_metrics.sklearn.json"));
    for (file, columns) in [
        ("bernett_test.ESM2-MLP.tsv", &["--label-column", "T", "--score-column", "S"][..]),
        ("dscript_scores.tsv", &[]),
    ] {
        let mut evaluate = dyad();
        evaluate.arg("evaluate").arg("--json").args(columns).arg("--scores").arg(oracle.join(file));
        let found: Value = serde_json::from_str(&succeed(&mut evaluate).0).unwrap();
        for key in ["auroc", "average_precision", "mcc", "f1", "precision", "recall", "accuracy"] {
            assert_near(&found[key], &expected[file][key], 1e-6, key);
        }
        for key in ["brier", "log_loss", "n"] {
            assert_near(&found[key], &expected[file][key], 1e-6, key);
        }
        assert_near(&found["confusion"]["true_positives"], &expected[file]["tp"], 0.0, "tp");
    }
}
