//! What takes minutes: signal and control over five seeds, real data end to end.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails says why")]
#![expect(clippy::disallowed_methods, reason = "tests play the user and the platform")]

#[allow(dead_code, unused_imports, reason = "shared with the other tests")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use support::job::Job;
use support::{real_data, sample_folder};

/// The AUROC of the defaults on the test part of a sample, and by how much at least it is above the
/// best baseline's.
fn on_sample(seed: u64, shuffled: bool) -> (f64, f64) {
    let sample = sample_folder(seed, shuffled);
    let channels = [
        ("interactions", &*sample.path().join("interactions.txt")),
        ("sequences", &*sample.path().join("proteins.fasta")),
    ];
    let root = Job::new(&channels, &[]);
    root.complete();
    let split = root.json("split.json");
    assert!(split["parts"]["test"]["counts"]["positives"].as_u64().unwrap() >= 400);
    let metrics = root.json("metrics.json");
    let lead = &metrics["evaluation"]["sets"][0]["lead"]["low"];
    (metrics["test"]["auroc"].as_f64().unwrap(), lead.as_f64().unwrap())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn the_signal_is_found_and_the_control_has_none() {
    let [(signal, leads), (control, _)] = [false, true].map(|shuffled| {
        (1..=5).map(|seed| on_sample(seed, shuffled)).collect::<(Vec<f64>, Vec<f64>)>()
    });
    eprintln!("test AUROC of seeds 1 to 5: sample {signal:.3?}, shuffled {control:.3?}");
    eprintln!("least lead over the best baseline: {leads:.3?}");
    assert!(mean(&signal) > 0.7, "{signal:?}");
    assert!(mean(&leads) > 0.05, "composition or another shortcut sees the signal: {leads:?}");
    assert!((mean(&control) - 0.5).abs() <= 0.04, "{control:?}");
}

/// Residues per protein here; whole proteins take several times as long and change no count.
const RESIDUES: (&str, &str) = ("max_residues", "200");

fn real_job(channels: &[(&str, &Path)], settings: &[(&str, &str)]) -> Job {
    let root = Job::new(channels, settings);
    let shown = root.complete();
    shown.lines().filter(|line| line.contains("embeddings total")).for_each(|l| eprintln!("{l}"));
    eprintln!("{}", root.json("metrics.json")["test"]);
    root
}

#[test]
fn hint_medium_runs_through() {
    let Some(data) = real_data("hint_medium_runs_through", "hint_medium") else { return };
    let pairs = data.join("SaccharomycesCerevisiaeS288C_binary_hq.txt");
    let fasta = data.join("yeast_uniprot.fasta");
    let root =
        real_job(&[("interactions", &pairs), ("sequences", &fasta)], &[("epochs", "3"), RESIDUES]);
    let expected =
        [("total", 23_202), ("self_pair", 1138), ("without_sequence", 38), ("used", 22_026)];
    let expected: BTreeMap<_, _> = expected.map(|(name, n)| (name.to_owned(), n)).into();
    assert_eq!(root.audit(), expected);
}

#[test]
fn bernett_runs_through_as_given_parts() {
    let Some(data) = real_data("bernett_runs_through_as_given_parts", "bernett_gold") else {
        return;
    };
    let sequences = tempfile::tempdir().unwrap();
    for part in ["Intra0_val", "Intra1_train", "Intra2_test"] {
        let name = format!("{part}.fasta");
        fs::copy(data.join(&name), sequences.path().join(&name)).unwrap();
    }
    let (train, validation) = (data.join("Intra1_train.tsv"), data.join("Intra0_val.tsv"));
    let channels = [
        ("interactions", train.as_path()),
        ("validation", &validation),
        ("test", &data.join("Intra2_test.tsv")),
        ("sequences", sequences.path()),
    ];
    let ceiling = ("expected_ceiling", "0.55");
    let root = real_job(&channels, &[("epochs", "2"), ("batch_size", "256"), ceiling, RESIDUES]);
    let counts = root.json("split.json")["parts"]["test"]["counts"].clone();
    assert_eq!((&counts["positives"], &counts["negatives"]), (&26_024.into(), &26_024.into()));

    let evaluation = &root.json("metrics.json")["evaluation"];
    let set = &evaluation["sets"][0];
    assert_eq!((set["class"].as_str(), &set["proteins"]), (Some("c3"), &3022.into()));
    let baseline = |name: &str| {
        let found = set["baselines"].as_array().unwrap().iter().find(|b| b["baseline"] == name);
        found.unwrap()["auroc"].as_f64().unwrap()
    };
    assert_eq!(baseline("degree"), 0.5, "no test protein is in training");
    assert!((0.57..0.62).contains(&baseline("composition")), "{set}");
    let statements = evaluation["card"]["statements"].as_array().unwrap();
    assert_eq!(statements[0], "No protein of the test part is in training.");

    // The guard of the benchmark is silent, that of the user is not.
    let auroc = set["metrics"]["auroc"].as_f64().unwrap();
    assert!(
        (0.55..0.66).contains(&auroc),
        "no frozen encoder reaches {auroc} here: look for a leak"
    );
    let warnings = evaluation["warnings"].as_array().unwrap().iter();
    let too_good: Vec<_> = warnings.filter(|warning| warning["kind"] == "too_good").collect();
    let [warning] = too_good.as_slice() else { panic!("{too_good:?}") };
    assert!(warning["text"].as_str().unwrap().contains("expected_ceiling"), "{warning}");
}
