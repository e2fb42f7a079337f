//! Training on sequences that are fetched, and never unless that is asked for.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::start;
use crate::support::uniprot::{Proteome, StandIn};
use crate::support::{Root, dyad, shown, small_encoder, succeed, text};

/// `dyad train` on the pairs of a root, for a moment.
fn train(root: &Root, server: &StandIn) -> Command {
    let mut command = dyad();
    command.current_dir(root.path()).args(["train", "--split=pairs", "--epochs=1"]);
    command.args(["--hidden-sizes=8", "--out", "out", "--cache", "cache", "--encoder"]);
    command.arg(small_encoder()).arg("--interactions").arg(root.channel("interactions"));
    command.args(["--uniprot-url", &server.url("")]);
    command
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn without_fasta_all_sequences_are_fetched_and_the_manifest_says_from_where() {
    let server = start(Proteome::of(39));
    let root = Root::new();
    let (_, log) = succeed(train(&root, &server).arg("--max-dropped-fraction=0.2"));
    assert!(log.contains("missing_sequences = fetch (implied by the input)"), "{log}");
    let out = root.path().join("out");
    let manifest = read(&out.join("manifest.json"));
    let expected = json!({ "address": server.url(""), "releases": ["2026_02"] });
    assert_eq!(manifest["origins"]["sequences"], expected);
    let audit = read(&out.join("audit.json"));
    assert_eq!(audit["uniprot"]["outcomes"], json!({ "current": 39, "not_found": 1 }));
    assert_eq!(audit["uniprot"]["listed"][0]["accession"], "P00039");
    assert_eq!(audit["interactions"]["proteins_without_sequence"], 1);
    let asked = server.log().len();
    let (_, log) = succeed(train(&root, &server).args(["--max-dropped-fraction=0.2", "--offline"]));
    assert_eq!(server.log().len(), asked, "what was fetched is kept: {log}");
}

#[test]
fn a_run_that_does_not_ask_for_it_never_asks_anybody() {
    let server = start(Proteome::of(40));
    let root = Root::new();
    let fasta = fs::read_to_string(root.channel("sequences/proteins.fasta")).unwrap();
    let (start, rest) = fasta.split_once(">P00001\n").unwrap();
    let rest = &rest[rest.find('>').unwrap()..];
    root.write("sequences/proteins.fasta", format!("{start}{rest}"));
    let with_gap = |server| {
        let mut command = train(&root, server);
        command.arg("--sequences").arg(root.channel("sequences"));
        command
    };
    succeed(&mut with_gap(&server));
    assert_eq!(server.log(), Vec::<String>::new());
    let audit = read(&root.path().join("out/audit.json"));
    assert_eq!(audit["interactions"]["proteins_without_sequence"], 1);
    assert_eq!(audit.get("uniprot"), None);

    succeed(with_gap(&server).arg("--missing-sequences=fetch"));
    let log = server.log();
    assert_eq!(log, ["/uniprotkb/accessions?accessions=P00001&format=fasta"], "the gap alone");
    let audit = read(&root.path().join("out/audit.json"));
    assert_eq!(audit["interactions"]["proteins_without_sequence"], 0);

    let output = train(&root, &server).arg("--missing-sequences=drop").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let log = text(&output.stderr);
    assert!(log.contains("UserError: no sequences are given, and `missing_sequences` is"), "{log}");
}
