//! A job below a SageMaker root, from channels to a model that predicts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::job::Job;
use crate::support::{dyad, real_data, sample_folder, shown, small_encoder};

fn rows<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect()
}

/// Scores a few pairs of the job's own input with its model.
fn predicts(root: &Job, pairs: &Path, sequences: &Path) {
    let output = dyad()
        .args(["predict", "--model"])
        .arg(root.path("model"))
        .arg("--pairs")
        .arg(pairs)
        .arg("--sequences")
        .arg(sequences)
        .arg("--encoder")
        .arg(small_encoder())
        .arg("--cache")
        .arg(root.path("checkpoints/cache"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let scores: Vec<f64> =
        table.lines().skip(1).filter_map(|row| row.split('\t').next_back()?.parse().ok()).collect();
    assert!(scores.len() > 100, "{} scores", scores.len());
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
}

#[test]
fn a_job_on_the_sample_ends_with_a_model_that_predicts() {
    let sample = sample_folder(1, false);
    let (pairs, fasta) =
        (sample.path().join("interactions.txt"), sample.path().join("proteins.fasta"));
    let settings = [("epochs", "2"), ("max_proteins", "400"), ("hidden_sizes", "[64, 32]")];
    // `train` is an alias of `interactions`.
    let root = Job::new(&[("train", &pairs), ("sequences", &fasta)], &settings);
    let shown = root.complete();
    assert!(shown.contains("AUROC"), "{shown}");
    let audit = root.audit();
    assert_eq!(audit["total"], audit["used"] + audit["filtered"]);
    let manifest = root.json("manifest.json");
    assert_eq!(manifest["inputs"]["encoder"][0]["name"], "model.safetensors");
    assert_eq!(manifest["complete"], true);
    for (name, bytes) in root.model_files() {
        let listed = manifest["files"][&name].as_str();
        let digest = dyad::digest::Digest::of(&bytes).to_string();
        assert!(name == "manifest.json" || listed == Some(&digest), "{name} is not as listed");
    }
    reports(&root);
    predicts(&root, &pairs, &fasta);
}

/// Checks that the report tells the numbers of the metrics.
fn reports(root: &Job) {
    let metrics = root.json("metrics.json");
    let lead = &metrics["evaluation"]["sets"][0]["lead"];
    let numbers = [&metrics["test"]["auroc"], &lead["auroc"], &lead["low"], &lead["high"]];
    let counts = &root.json("split.json")["parts"]["test"]["counts"];
    for name in ["report.html", "report.md"] {
        let report = fs::read_to_string(root.path("model").join(name)).unwrap();
        for number in numbers.map(|number| format!("{:.3}", number.as_f64().unwrap())) {
            assert!(report.contains(&number), "{name} lacks {number}");
        }
        for said in ["Leakage card", metrics["run_id"].as_str().unwrap(), "esm2"] {
            assert!(report.contains(said), "{name} lacks {said}");
        }
        assert!(report.contains(&counts["proteins"].to_string()), "{name} lacks {counts}");
    }
}

#[test]
fn given_parts_are_used_as_given() {
    let sample = sample_folder(2, false);
    let text = fs::read_to_string(sample.path().join("interactions.txt")).unwrap();
    let pairs: Vec<Vec<&str>> =
        text.lines().skip(1).map(|row| row.split('\t').take(2).collect()).collect();
    // Labelled parts: real pairs against the same proteins paired one row further.
    let part = |range: std::ops::Range<usize>, name: &str| {
        let mut table = String::from("protein_a\tprotein_b\tlabel\r\n");
        for row in range {
            table += &format!("{}\t{}\t1\r\n", pairs[row][0], pairs[row][1]);
            let other = (row * 7919 + 13) % pairs.len();
            if pairs[row][0] < pairs[other][1]
                && !text.contains(&format!("{}\t{}\t", pairs[row][0], pairs[other][1]))
            {
                table += &format!("{}\t{}\t0\r\n", pairs[row][0], pairs[other][1]);
            }
        }
        let folder = sample.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("pairs.tsv"), table).unwrap();
        folder
    };
    let (train, validation, test) =
        (part(0..800, "a"), part(800..1100, "b"), part(1100..1400, "c"));
    let channels = [
        ("interactions", train.as_path()),
        ("validation", validation.as_path()),
        ("test", test.as_path()),
        ("sequences", &sample.path().join("proteins.fasta")),
    ];
    let root = Job::new(&channels, &[("epochs", "1"), ("hidden_sizes", "16")]);
    root.complete();
    assert_eq!(root.json("config.json")["split"], "given");
    let split = root.json("split.json");
    assert_eq!(split["parts"]["test"]["counts"]["positives"], 300);
    assert_eq!(split["parts"]["train"]["negatives"], "given");
    let metrics = root.json("metrics.json");
    assert!(metrics["test"]["auroc"].as_f64().is_some(), "{metrics}");
}

#[test]
fn known_pairs_and_clusters_from_channels_are_heeded_and_recorded() {
    let sample = sample_folder(3, false);
    let text = fs::read_to_string(sample.path().join("interactions.txt")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let some: Vec<_> = rows.lines().step_by(2).collect();
    fs::write(sample.path().join("some.txt"), format!("{header}\n{}\n", some.join("\n"))).unwrap();
    // Accessions end in a digit: the ten that differ in nothing else are a cluster.
    let names: BTreeSet<&str> = rows.lines().flat_map(|row| row.split('\t').take(2)).collect();
    let cluster = |name: &str| name[..name.len() - 1].to_owned();
    let table: Vec<_> = names.iter().map(|name| format!("{}0\t{name}\n", cluster(name))).collect();
    fs::write(sample.path().join("clusters.tsv"), table.concat()).unwrap();
    let channels = [
        ("interactions", &*sample.path().join("some.txt")),
        ("sequences", &sample.path().join("proteins.fasta")),
        ("known_interactions", &sample.path().join("interactions.txt")),
        ("clusters", &sample.path().join("clusters.tsv")),
    ];
    let root = Job::new(&channels, &[("epochs", "1"), ("hidden_sizes", "16")]);
    let shown = root.complete();
    assert!(shown.contains("known_interactions:"), "{shown}");

    let split = root.json("split.json");
    assert_eq!(split["known"], rows.lines().count());
    assert_eq!(split["clusters"]["clusters"], 100);
    let name = |index: &Value| {
        let protein = &split["proteins"][usize::try_from(index.as_u64().unwrap()).unwrap()];
        protein[0].as_str().unwrap().to_owned()
    };
    let known: BTreeSet<[&str; 2]> = rows
        .lines()
        .map(|row| {
            let names: Vec<_> = row.split('\t').take(2).collect();
            [names[0].min(names[1]), names[0].max(names[1])]
        })
        .collect();
    let mut clusters: Vec<BTreeSet<String>> = Vec::new();
    for pairs in ["train", "test"].map(|part| &split["parts"][part]["pairs"]) {
        let mut of_part = BTreeSet::new();
        for pair in pairs.as_array().unwrap() {
            let (one, other) = (name(&pair[0]), name(&pair[1]));
            of_part.extend([cluster(&one), cluster(&other)]);
            let pair_is_known =
                known.contains(&[one.as_str().min(&other), one.as_str().max(&other)]);
            assert_eq!(pair[2] == 1, pair_is_known, "{one} {other}");
        }
        clusters.push(of_part);
    }
    assert!(clusters[0].is_disjoint(&clusters[1]));
    assert_eq!(root.json("audit.json")["known_interactions"]["rows"], rows.lines().count());
    let inputs = root.json("manifest.json")["inputs"].clone();
    assert_eq!(inputs["clusters"][0]["name"], "clusters.tsv");
    assert_eq!(inputs["known_interactions"][0]["name"], "interactions.txt");
}

#[test]
fn hint_small_is_accounted_for_to_the_row() {
    let Some(data) = real_data("hint_small_is_accounted_for_to_the_row", "hint_small") else {
        return;
    };
    let pairs = data.join("SaccharomycesCerevisiaeS288C_binary_hq.subset.txt");
    let fasta = data.join("yeast_uniprot.subset.fasta");
    // Few residues: what is tested here is the account, not the embedding.
    let settings = [("epochs", "1"), ("max_residues", "100")];
    let channels = [("interactions", pairs.as_path()), ("sequences", fasta.as_path())];
    let root = Job::new(&channels, &settings);
    root.complete();
    let expected = [("total", 2866), ("self_pair", 218), ("without_sequence", 17), ("used", 2631)];
    assert_eq!(root.audit(), rows(expected));
    predicts(&root, &pairs, &fasta);

    let settings = [("epochs", "1"), ("max_residues", "100"), ("self_pairs", "include")];
    let root = Job::new(&channels, &settings);
    root.complete();
    assert_eq!(root.audit(), rows([("total", 2866), ("without_sequence", 21), ("used", 2845)]));
}
