//! `metrics.json` is what its schema says, and shows the model beside the baselines.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{dyad, small_encoder, trained};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What of JSON Schema `docs/metrics.schema.json` uses.
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn read() -> Self {
        Self(read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.schema.json")))
    }

    /// Where `value` breaks the rule.
    pub(super) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(value, &self.0, "$", &mut faults);
        faults
    }

    fn check(&self, value: &Value, rule: &Value, place: &str, faults: &mut Vec<String>) {
        if let Some(name) = rule["$ref"].as_str() {
            let name = name.strip_prefix("#/$defs/").unwrap();
            let target = &self.0["$defs"][name];
            assert!(target.is_object(), "the schema has no {name}");
            return self.check(value, target, place, faults);
        }
        let number = value.as_f64();
        let at_least =
            rule["minimum"].as_f64().is_none_or(|least| number.is_some_and(|n| n >= least));
        let at_most = rule["maximum"].as_f64().is_none_or(|most| number.is_some_and(|n| n <= most));
        let above = rule["exclusiveMinimum"].as_f64().is_none_or(|b| number.is_some_and(|n| n > b));
        let among = rule["enum"].as_array().is_none_or(|values| values.contains(value));
        let constant = rule.get("const").is_none_or(|expected| expected == value);
        let of_type = match rule["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_u64(),
            Some("number") => value.is_number(),
            other => {
                assert_eq!(other, None, "a type that this test does not know");
                true
            }
        };
        if !(at_least && at_most && above && among && constant && of_type) {
            faults.push(format!("{place}: {value} is not {rule}"));
        }
        for item in value.as_array().into_iter().flatten().filter(|_| !rule["items"].is_null()) {
            self.check(item, &rule["items"], &format!("{place}[]"), faults);
        }
        for name in rule["required"].as_array().into_iter().flatten() {
            if value.get(name.as_str().unwrap()).is_none() {
                faults.push(format!("{place} has no {name}"));
            }
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            match rule["properties"].get(name) {
                Some(rule) => self.check(inner, rule, &format!("{place}.{name}"), faults),
                None if rule["additionalProperties"] == false => {
                    faults.push(format!("{place}.{name} is unknown"));
                }
                None => {}
            }
        }
    }
}

#[test]
fn the_schema_describes_the_file_and_nothing_else() {
    let schema = Schema::read();
    let metrics = read(&trained().model.join("metrics.json"));
    assert_eq!(schema.faults(&metrics), Vec::<String>::new());
    let mut wrong = metrics;
    wrong["evaluation"]["sets"][0]["lead"]["resamples"] = "many".into();
    wrong["evaluation"]["card"]["note"] = 1.into();
    wrong["test"].as_object_mut().unwrap().remove("n");
    wrong["test"]["auroc"] = 1.5.into();
    assert_eq!(schema.faults(&wrong).len(), 4, "{:?}", schema.faults(&wrong));
}

#[test]
fn the_model_stands_beside_the_baselines_in_file_and_log() {
    let metrics = read(&trained().model.join("metrics.json"));
    let evaluation = &metrics["evaluation"];
    let sets = evaluation["sets"].as_array().unwrap();
    let classes: Vec<_> = sets.iter().map(|set| set["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["c3", "c2", "c1"], "the test part first");
    let set = &sets[0];
    assert_eq!(set["metrics"], metrics["test"]);
    let auroc = |name: &str| {
        let baselines = set["baselines"].as_array().unwrap();
        let of_name = |result: &&Value| result["baseline"] == name;
        baselines.iter().find(of_name).unwrap()["auroc"].as_f64().unwrap()
    };
    assert_eq!(auroc("degree"), 0.5, "test proteins are unseen");
    assert_eq!(auroc("order"), 0.5);
    assert_eq!(auroc("row_order"), 0.75, "the sample is sorted, as such files are");

    let log = &trained().log;
    let header = log.lines().position(|line| line.starts_with("AUROC ")).unwrap();
    let row = log.lines().nth(header + 1).unwrap();
    let model = format!("{:.4}", metrics["test"]["auroc"].as_f64().unwrap());
    assert!(row.starts_with("C3 ") && row.contains(&model) && row.contains("0.7500"), "{row}");

    let temperature = &read(&trained().model.join("classifier.json"))["temperature"];
    assert_eq!(&evaluation["calibration"]["temperature"], temperature);
}

#[test]
fn a_strict_run_fails_on_a_warning_and_keeps_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let train = |strict: &str| {
        let mut command = trained().train(&out);
        // No AUROC is so low.
        command.args(["--expected-ceiling=0.01", strict]).output().unwrap()
    };
    let failed = train("--strict=true");
    let log = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(2), "{log}");
    assert!(log.contains("UserError: `strict` allows no warning"), "{log}");
    assert!(log.contains("is above `expected_ceiling`, 0.01"), "{log}");
    let metrics = read(&out.join("metrics.json"));
    let warnings = metrics["evaluation"]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning["kind"] == "too_good"), "{warnings:?}");
    assert!(out.join("manifest.json").exists() && out.join("test_predictions.tsv").exists());

    let accepted = train("--strict=false");
    let log = String::from_utf8_lossy(&accepted.stderr).into_owned();
    assert!(accepted.status.success() && !log.contains("[metric]"), "{log}");
}

#[test]
fn a_model_without_temperature_scores_as_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    for entry in fs::read_dir(&trained().model).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, model.join(path.file_name().unwrap())).unwrap();
        }
    }
    let mut description = read(&model.join("classifier.json"));
    let temperature = description.as_object_mut().unwrap().remove("temperature").unwrap();
    let text = serde_json::to_vec(&description).unwrap();
    let mut manifest = read(&model.join("manifest.json"));
    manifest["files"]["classifier.json"] = dyad::digest::Digest::of(&text).to_string().into();
    fs::write(model.join("classifier.json"), text).unwrap();
    fs::write(model.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();

    let pairs = trained().model.join("test_predictions.tsv");
    let scores = |model: &Path| -> Vec<f64> {
        let mut predict = dyad();
        predict.arg("predict").arg("--model").arg(model).arg("--pairs").arg(&pairs);
        predict.arg("--sequences").arg(&trained().sequences).arg("--encoder").arg(small_encoder());
        predict.arg("--cache").arg(&trained().cache);
        let (printed, _) = crate::support::succeed(&mut predict);
        super::table(&printed).iter().map(|row| row[2].parse().unwrap()).collect()
    };
    let logit = |probability: f64| (probability / (1.0 - probability)).ln();
    let temperature = temperature.as_f64().unwrap();
    let scores = scores(&trained().model).into_iter().zip(scores(&model));
    // Six decimals are printed, which near 0 and 1 are too few for a logit.
    let clear = |(one, other): &(f64, f64)| [one, other].iter().all(|p| (0.01..0.99).contains(*p));
    let scores: Vec<_> = scores.filter(clear).collect();
    assert!(scores.len() > 10, "{scores:?}");
    for (calibrated, plain) in scores {
        let distance = (logit(calibrated) * temperature - logit(plain)).abs();
        assert!(distance < 1e-3, "{calibrated} {plain}");
    }
}
