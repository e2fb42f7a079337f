//! `predict`, `evaluate` and `embed` without FASTA files.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::start;
use crate::support::uniprot::{Proteome, StandIn};
use crate::support::{Root, dyad, shown, small_encoder, succeed, text, trained};

/// A command with the trained model, in a folder with the pairs, whose sequences are `server`'s.
fn command(name: &str, folder: &Path, server: &StandIn) -> Command {
    let mut command = dyad();
    command.current_dir(folder).args([name, "--cache", "cache", "--encoder"]).arg(small_encoder());
    command.args(["--uniprot-url", &server.url("")]);
    if name != "embed" {
        command.args(["--pairs", "pairs.tsv", "--model"]).arg(&trained().model);
    }
    command
}

fn folder_with(name: &str, content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    folder
}

#[test]
fn sequences_of_pairs_are_fetched_once_and_rows_without_one_have_no_score() {
    let server = start(Proteome::of(3));
    let table = "P00000\tP00001\t1\nP00001\tP00002\t0\nP00002\tP00003\t1\n";
    let folder = folder_with("pairs.tsv", table);
    let (scores, log) = succeed(&mut command("predict", folder.path(), &server));
    assert!(log.contains("UniProt: 4 accessions, 3 current, 1 not found"), "{log}");
    let rows: Vec<_> = scores.lines().skip(1).map(|row| row.rsplit('\t').next().unwrap()).collect();
    assert!(rows[..2].iter().all(|score| score.parse::<f64>().is_ok()), "{scores}");
    assert_eq!(rows[2], "NA");
    let asked = server.log();
    let (again, _) = succeed(command("predict", folder.path(), &server).arg("--offline"));
    assert_eq!(again, scores);
    let (metrics, log) = succeed(&mut command("evaluate", folder.path(), &server));
    assert!(metrics.contains("AUROC"), "{metrics}");
    assert!(log.contains("metrics are of the 2 pairs with a score, out of 3"), "{log}");
    assert_eq!(server.log(), asked, "what is kept is not asked for");
}

#[test]
fn fasta_files_are_completed_only_where_that_is_asked_for() {
    let server = start(Proteome::of(41));
    let root = Root::new();
    let folder = folder_with("pairs.tsv", "P00000\tP00001\nP00001\tP00040\n");
    let with_fasta = || {
        let mut command = command("predict", folder.path(), &server);
        command.arg("--sequences").arg(root.channel("sequences"));
        command
    };
    let (scores, _) = succeed(&mut with_fasta());
    assert!(scores.ends_with("P00001\tP00040\tNA\n"), "{scores}");
    assert_eq!(server.log(), Vec::<String>::new());
    let (completed, _) = succeed(with_fasta().arg("--missing-sequences=fetch"));
    assert!(!completed.contains("NA"), "{completed}");
    assert_eq!(completed.lines().nth(1), scores.lines().nth(1));
    let log = server.log();
    assert_eq!(log, ["/uniprotkb/accessions?accessions=P00040&format=fasta"], "the gap alone");
}

#[test]
fn listed_proteins_are_embedded_in_the_order_of_the_list() {
    let server = start(Proteome::of(3));
    let folder = folder_with("list.txt", "P00002\nP00009\nP00000\n");
    let mut embed = command("embed", folder.path(), &server);
    let (_, log) = succeed(embed.args(["--accessions", "list.txt", "--out", "listed.safetensors"]));
    assert!(log.contains("1 of 3 listed proteins have no sequence: left out"), "{log}");
    let ids = fs::read_to_string(folder.path().join("listed.safetensors.ids.txt")).unwrap();
    assert_eq!(ids, "P00002\nP00000\n");
}

#[test]
fn where_nothing_is_found_the_message_says_what_is_missing() {
    let server = start(Proteome::of(0));
    let folder = folder_with("pairs.tsv", "P00000\tP00001\n");
    fs::write(folder.path().join("list.txt"), "P00000\n").unwrap();
    let mut texts = String::new();
    let mut refused = |command: &mut Command| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        texts += text(&output.stderr).split_once(" ERROR ").unwrap().1;
    };
    refused(command("predict", folder.path(), &server).arg("--offline"));
    refused(&mut command("predict", folder.path(), &server));
    refused(command("predict", folder.path(), &server).arg("--missing-sequences=drop"));
    let listed = ["--accessions", "list.txt", "--out", "x"];
    refused(command("embed", folder.path(), &server).args(listed));
    insta::assert_snapshot!(texts.trim_end(), @"
    UserError: `offline` is set, no sequences are given, and none of the 2 proteins was fetched before; set `offline` to false, or give FASTA files (`--sequences`, in a job the channel `sequences`)
    UserError: not one protein of the pairs has a sequence, `P00000` for one; give FASTA files
    UserError: no sequences are given, and `missing_sequences` is `drop`; give FASTA files, or set it to `fetch` for those of UniProt
    UserError: not one of the 1 listed proteins has a sequence
    ");
}
