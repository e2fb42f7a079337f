//! `sample` is reproducible, and its control keeps the graph.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dyad::sample::{INTERACTIONS_FILE, SEQUENCES_FILE};

use super::files;
use crate::support::{dyad, sample_folder, succeed};

fn sample(folder: &Path, options: &[&str]) {
    succeed(dyad().arg("sample").arg("--out").arg(folder).args(options));
}

#[test]
fn equal_seeds_give_equal_files() {
    let folder = tempfile::tempdir().unwrap();
    let [one, again, other] = ["one", "again", "other"].map(|name| folder.path().join(name));
    sample(&one, &["--seed", "3"]);
    sample(&again, &["--seed", "3"]);
    sample(&other, &["--seed", "4"]);
    assert_eq!(files(&one), files(&again));
    assert_eq!(files(&one), files(sample_folder(3, false).path()));
    let [one, other] = [one, other].map(|folder| fs::read(folder.join(INTERACTIONS_FILE)).unwrap());
    assert_ne!(one, other);
}

#[test]
fn the_control_keeps_the_graph_and_deals_the_sequences_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [sampled, control] = ["sample", "control"].map(|name| folder.path().join(name));
    sample(&sampled, &[]);
    sample(&control, &["--shuffled"]);
    let [sampled, control] = [files(&sampled), files(&control)];
    assert_eq!(sampled[INTERACTIONS_FILE], control[INTERACTIONS_FILE]);
    assert_ne!(sampled[SEQUENCES_FILE], control[SEQUENCES_FILE]);
    let residues = |fasta: &[u8]| -> BTreeSet<String> {
        let text = String::from_utf8(fasta.to_vec()).unwrap();
        let records = text.split('>').skip(1);
        records.map(|record| record.split_once('\n').unwrap().1.to_owned()).collect()
    };
    assert_eq!(residues(&sampled[SEQUENCES_FILE]), residues(&control[SEQUENCES_FILE]));
}
