//! The written documentation says what the code does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dyad::training::EpochRecord;
use regex::Regex;
use serde::Deserialize;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Every page of the project.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<_> =
        ["README.md", "CHANGELOG.md", "models/README.md", "sagemaker/README.md"]
            .map(project)
            .to_vec();
    pages.extend(fs::read_dir(project("docs")).unwrap().map(|entry| entry.unwrap().path()));
    pages
}

/// An entry of `sagemaker/metrics.json`, as the platform's API spells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct MetricDefinition {
    name: String,
    regex: String,
}

/// What the platform would record of a log line.
fn recorded(line: &str) -> BTreeMap<String, String> {
    let json = text(&project("sagemaker/metrics.json"));
    let definitions: Vec<MetricDefinition> = serde_json::from_str(&json).unwrap();
    // Limits of the platform's API.
    assert!(definitions.len() <= 40);
    let mut metrics = BTreeMap::new();
    for MetricDefinition { name, regex } in definitions {
        assert!((1..=255).contains(&name.len()) && (1..=500).contains(&regex.len()), "{name}");
        let regex = Regex::new(&regex).unwrap();
        assert_eq!(regex.captures_len(), 2, "`{name}` captures one value");
        let values: Vec<_> = regex.captures_iter(line).map(|found| found[1].to_owned()).collect();
        assert!(values.len() <= 1, "`{name}` matches more than once: {values:?}");
        for value in values {
            assert_eq!(metrics.insert(name.clone(), value), None, "`{name}` is defined twice");
        }
    }
    metrics
}

#[test]
fn metric_definitions_read_every_value_of_an_epochs_line() {
    let mut record = EpochRecord {
        epoch: 3,
        step: 1107,
        learning_rate: 5e-5,
        train_loss: 0.472_552,
        val_loss: Some(0.45785),
        val_auroc: Some(0.862_968),
        val_ap: Some(0.861_121),
        val_mcc: Some(-0.125),
    };
    let logged = |record: &EpochRecord| format!("2026-01-01T00:00:00.000000Z  INFO {record}\n");
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let expected = pairs(&[
        ("train:loss", "0.472552"),
        ("train:learning_rate", "0.0000500000"),
        ("validation:loss", "0.457850"),
        ("validation:auroc", "0.862968"),
        ("validation:average_precision", "0.861121"),
        ("validation:mcc", "-0.125000"),
    ]);
    assert_eq!(recorded(&logged(&record)), expected);

    (record.val_loss, record.val_auroc, record.val_ap, record.val_mcc) = (None, None, None, None);
    let expected = pairs(&[("train:loss", "0.472552"), ("train:learning_rate", "0.0000500000")]);
    assert_eq!(recorded(&logged(&record)), expected, "an undefined metric is not recorded");
}

#[test]
fn the_progress_line_of_the_documentation_is_recorded_as_no_metric() {
    let page = text(&project("docs/estimate.md"));
    let line = page.lines().find(|line| line.starts_with("epoch 3: ")).unwrap();
    assert!(line.ends_with(" USD on demand"), "{line}");
    assert_eq!(recorded(line), BTreeMap::new());
}

/// The fragment of a heading: lower case, hyphens for spaces, no punctuation.
fn fragment(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

#[test]
fn links_between_pages_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let (mut links, mut broken) = (0, Vec::new());
    for page in pages() {
        for found in link.captures_iter(&text(&page)).map(|found| found[1].to_owned()) {
            if found.starts_with("https://") {
                continue;
            }
            links += 1;
            let (file, heading) = found.split_once('#').unwrap_or((&found, ""));
            let target = match file {
                "" => page.clone(),
                file => page.with_file_name(file),
            };
            let headed = |target: &Path| {
                let text = text(target);
                text.lines().any(|line| {
                    line.starts_with('#') && fragment(line.trim_start_matches('#')) == heading
                })
            };
            if !target.exists() || !heading.is_empty() && !headed(&target) {
                broken.push(format!("{}: {found}", page.display()));
            }
        }
    }
    assert!(links > 20, "{links} links found");
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_make_target_that_pages_name_is_there() {
    let makefile = text(&project("Makefile"));
    let target = Regex::new(r"\bmake ([a-z][a-z-]*)\b").unwrap();
    let code = Regex::new(r"`[^`]+`|(?ms)^```sh$.*?^```$").unwrap();
    let mut named = Vec::new();
    for page in pages() {
        let text = text(&page);
        let code: Vec<_> = code.find_iter(&text).map(|found| found.as_str()).collect();
        named.extend(target.captures_iter(&code.join("\n")).map(|found| found[1].to_owned()));
    }
    assert!(named.iter().any(|name| name == "demo"), "{named:?}");
    named.retain(|name| !makefile.contains(&format!("\n{name}:")));
    assert_eq!(named, Vec::<String>::new());
}
