//! `estimate` counts, prices and says what its figures rest on; `train` compares it with itself.

mod live;

use std::fs;
use std::path::Path;

use dyad::sample;
use serde_json::Value;

use crate::support::{EPOCHS, Root, dyad, small_encoder, succeed, trained};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().ok_or_else(|| format!("no number: {value}")).unwrap()
}

/// The estimates of a case by instance.
fn of_case<'r>(report: &'r Value, case: &str) -> Vec<&'r Value> {
    report["estimates"].as_array().unwrap().iter().filter(|e| e["case"] == case).collect()
}

/// The medium data set of the documentation.
const MEDIUM: [&str; 7] = [
    "estimate",
    "--proteins=10000",
    "--pairs=100000",
    "--mean-length=540",
    "--encoder=esm2_t33_650M_UR50D",
    "--device=cpu",
    "--cache=/nonexistent/cache",
];

#[test]
fn counts_alone_give_every_case_on_every_instance_type() {
    let report = json(&succeed(dyad().args(MEDIUM).arg("--json")).0);
    assert_eq!(report["schema"], "dyad-estimate-1");
    let first = of_case(&report, "first_run");
    let families: Vec<_> = first.iter().map(|e| e["instance"].as_str().unwrap()).collect();
    for family in ["g4dn", "g5", "g6", "p3", "p4d", "p5", "c7i", "m7i", "m5"] {
        let prefix = format!("ml.{family}.");
        assert!(families.iter().any(|name| name.starts_with(&prefix)), "{family}: {families:?}");
    }
    for estimate in report["estimates"].as_array().unwrap() {
        let total = &estimate["total"];
        let parts = estimate["components"].as_array().unwrap();
        assert_eq!(parts.len(), 6, "{estimate}");
        let sum: f64 = parts.iter().map(|part| number(&part["seconds"])).sum();
        assert!((sum / number(&total["seconds"]) - 1.0).abs() < 1e-9, "{estimate}");
        // Nobody has measured any of them.
        assert_eq!(estimate["basis"], "estimate", "{estimate}");
        let Some(price) = estimate["price"].as_object() else {
            assert!(total["cost"].is_null(), "{estimate}");
            continue;
        };
        let cost = &total["cost"];
        let expected = number(&total["seconds"]) / 3600.0 * number(&price["usd_per_hour"]);
        assert!((number(&cost["on_demand"]) / expected - 1.0).abs() < 1e-9, "{estimate}");
        let spot = ["spot_low", "spot_median", "spot_high"].map(|name| number(&cost[name]));
        assert!(spot.is_sorted() && spot[2] < number(&cost["on_demand"]), "{estimate}");
        assert!(!price["source"].as_str().unwrap().is_empty() && price["date"].is_string());
    }
    let seconds = |estimate: &Value| number(&estimate["total"]["seconds"]);
    for case in ["cached_retraining", "quick_test"] {
        for (less, more) in of_case(&report, case).into_iter().zip(&first) {
            assert!(seconds(less) < seconds(more), "{less} {more}");
        }
    }
}

#[test]
fn the_medium_data_set_is_shown_beside_the_notebook_with_its_assumptions() {
    let (text, _) = succeed(dyad().args(MEDIUM).arg("--instance=ml.g4dn.xlarge"));
    assert!(text.contains("For comparison: 6 to 11 h for 10000 proteins"), "{text}");
    assert!(text.contains("NVIDIA T4 (estimate)"), "{text}");
    for part in ["start-up", "sequences", "embedding", "negatives", "training", "total"] {
        assert!(text.contains(&format!("\n    {part} ")), "{part}: {text}");
    }
    for ground in
        ["Prices: us-east-1, 20", "Figures: NVIDIA T4", "Spot: 60.6 to 79.4 %", "Counted:"]
    {
        assert!(text.contains(ground), "{ground}: {text}");
    }
    assert!(!text.contains("ml.g5"), "only the one asked for: {text}");
    let others = MEDIUM.map(|argument| argument.replace("10000", "9999"));
    let (other, _) = succeed(dyad().args(others));
    assert!(!other.contains("For comparison"), "{other}");
}

/// The arguments of a run on the sample of [`trained`].
fn on_sample(folder: &Path, cache: &Path) -> Vec<String> {
    let sample = |file| folder.join(file).display().to_string();
    vec![
        "estimate".to_owned(),
        "--json".to_owned(),
        "--max-proteins=150".to_owned(),
        format!("--epochs={EPOCHS}"),
        format!("--interactions={}", sample(sample::INTERACTIONS_FILE)),
        format!("--sequences={}", sample(sample::SEQUENCES_FILE)),
        format!("--encoder={}", small_encoder().display()),
        format!("--cache={}", cache.display()),
    ]
}

#[test]
fn files_are_counted_as_a_run_does_and_the_cache_is_looked_into() {
    let model = trained();
    let first = |cache: &Path| {
        let report = json(&succeed(dyad().args(on_sample(&model.folder, cache))).0);
        report["cases"][0]["workload"].clone()
    };
    let empty = tempfile::tempdir().unwrap();
    let (warm, cold) = (first(&model.cache), first(&empty.path().join("none")));
    assert_eq!(number(&warm["missing"]["sequences"]), 0.0);
    assert_eq!(cold["missing"], cold["all"]);
    assert!(number(&cold["all"]["sequences"]) > 100.0, "{cold}");
    assert!(!empty.path().join("none").exists(), "an estimate makes no cache");
    let split = json(&fs::read_to_string(model.model.join("split.json")).unwrap());
    let counts = &split["parts"]["train"]["counts"];
    let pairs = number(&counts["positives"]) + number(&counts["negatives"]);
    assert_eq!(number(&cold["pairs"]["train"]), pairs);
}

/// Checks `timings.json`: every part was measured, and those that took time were predicted.
fn check_timings(path: &Path, run_id: &str) -> Value {
    let timings = json(&fs::read_to_string(path).unwrap());
    assert_eq!(
        (&timings["schema"], &timings["run_id"]),
        (&"dyad-timings-1".into(), &run_id.into())
    );
    let parts = timings["components"].as_array().unwrap();
    let sum = |field| parts.iter().map(|part| number(&part[field])).sum::<f64>();
    for field in ["predicted_seconds", "actual_seconds"] {
        assert!((sum(field) / number(&timings["total"][field]) - 1.0).abs() < 1e-9, "{timings}");
    }
    let training = parts.iter().find(|part| part["component"] == "training").unwrap();
    assert!(number(&training["actual_seconds"]) > 0.0, "{timings}");
    timings
}

#[test]
fn a_run_compares_what_was_predicted_with_what_it_took() {
    let model = trained();
    let run_id = json(&fs::read_to_string(model.model.join("metrics.json")).unwrap());
    let run_id = run_id["run_id"].as_str().unwrap();
    check_timings(&model.model.join("checkpoints/timings.json"), run_id);

    let folder = tempfile::tempdir().unwrap();
    succeed(&mut model.train(folder.path()));
    let path = folder.path().join("checkpoints/timings.json");
    let trained = check_timings(&path, run_id);
    succeed(&mut model.train(folder.path()));
    let again = check_timings(&path, run_id);
    let predicted = |timings: &Value| number(&timings["components"][4]["predicted_seconds"]);
    assert!(predicted(&trained) > 0.0, "{trained}");
    assert_eq!(predicted(&again), 0.0, "nothing was left to train: {again}");
}

#[test]
fn below_a_root_time_and_cost_are_in_the_output_and_not_in_the_model() {
    let root = Root::new();
    root.configure("hyperparameters.json", r#"{"split": "pairs", "epochs": "2"}"#);
    root.configure("resourceconfig.json", r#"{"current_instance_type": "ml.g4dn.xlarge"}"#);
    succeed(&mut root.job());
    let metrics = fs::read_to_string(root.path().join("model/metrics.json")).unwrap();
    let run_id = json(&metrics)["run_id"].as_str().unwrap().to_owned();
    check_timings(&root.path().join("output/data/timings.json"), &run_id);
    assert!(!root.path().join("model/timings.json").exists());

    let read = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
    for name in ["report.html", "report.md"] {
        let (timed, plain) = (read(&format!("output/data/{name}")), read(&format!("model/{name}")));
        for said in ["Time and cost", "On ml.g4dn.xlarge this is "] {
            assert!(timed.contains(said), "{timed}");
            assert!(!plain.contains(said), "{plain}");
        }
    }
    assert_eq!(read("output/data/metrics.json"), metrics);
}

#[test]
fn a_calibration_is_kept_and_used_and_leaves_nothing_else() {
    let model = trained();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let arguments = on_sample(&model.folder, &cache);
    let (text, _) = succeed(dyad().args(&arguments).args(["--calibrate", "--device=cpu"]));
    let here = |text: &str| of_case(&json(text), "first_run")[0].clone();
    assert_eq!(here(&text)["basis"], "calibrated");
    let files: Vec<_> = fs::read_dir(&cache).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["calibration-esm2_t6_64d.json"]);
    let again = here(&succeed(dyad().args(&arguments).arg("--device=cpu")).0);
    assert_eq!(again["total"], here(&text)["total"], "the kept one gives the same");

    fs::write(cache.join("calibration-esm2_t6_64d.json"), "{}").unwrap();
    let (text, log) = succeed(dyad().args(&arguments).arg("--device=cpu"));
    assert_eq!(here(&text)["basis"], "estimate");
    assert!(log.contains("is no calibration (missing field `schema`"), "{log}");
}
