//! Interactions by the name of a species.

use std::fs;
use std::process::Command;

use super::start;
use crate::support::uniprot::{Proteome, StandIn, residues};
use crate::support::{dyad, shown, succeed, text};

const TABLE: &str = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\n\
                     P00000\tP00001\ta\tb\t1:0018:HT\nP00001\tP00002\tb\tc\t2:0018:LC\n";

fn fetch(folder: &std::path::Path, server: &StandIn, species: &str) -> Command {
    let mut command = dyad();
    command.current_dir(folder).args(["fetch", "--interactions", species, "--cache", "cache"]);
    command.args(["--out", "out.fasta", "--uniprot-url", &server.url("")]);
    command.args(["--hint-url", &server.url("/download-raw")]);
    command
}

#[test]
fn a_file_of_a_release_is_fetched_once_and_its_proteins_with_it() {
    let mut proteome = Proteome::of(3);
    proteome.publish("/download-raw/2024-06/HomoSapiens_binary_hq.txt", TABLE);
    proteome.publish("/download-raw/2024-06/HomoSapiens_cocomp_all.txt", TABLE);
    let server = start(proteome);
    let folder = tempfile::tempdir().unwrap();
    succeed(&mut fetch(folder.path(), &server, "hint:HomoSapiens"));
    let fasta = fs::read_to_string(folder.path().join("out.fasta")).unwrap();
    assert_eq!(fasta.matches('>').count(), 3);
    assert!(fasta.replace('\n', "").contains(&residues("P00002")));
    assert_eq!(server.count("/download-raw"), 1);
    succeed(fetch(folder.path(), &server, "hint:HomoSapiens").arg("--offline"));
    assert_eq!(server.count("/download-raw"), 1, "it is kept");
    let mut other = fetch(folder.path(), &server, "hint:HomoSapiens");
    succeed(other.args(["--hint-quality", "all", "--hint-kind", "cocomp"]));
    assert_eq!(server.count("/download-raw"), 2);
}

#[test]
fn an_estimate_counts_what_a_run_would_fetch() {
    let server = start(Proteome::interacting(40));
    let folder = tempfile::tempdir().unwrap();
    let mut estimate = dyad();
    estimate.current_dir(folder.path()).args(["estimate", "--interactions", "hint:HomoSapiens"]);
    estimate.args(["--encoder=esm2_t6_8M_UR50D", "--split=pairs", "--cache=cache", "--json"]);
    estimate.args(["--uniprot-url", &server.url(""), "--hint-url", &server.url("/download-raw")]);
    let (report, log) = succeed(&mut estimate);
    assert!(log.contains("UniProt: 40 accessions, 40 current"), "{log}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["cases"][0]["workload"]["proteins"], 40.0, "{report}");
}

#[test]
fn what_is_no_table_is_an_error_that_names_the_address() {
    let server = start(Proteome::of(1));
    let folder = tempfile::tempdir().unwrap();
    let mut texts = String::new();
    for (species, more) in [("hint:HomoSapiens", None), ("hint:MusMusculus", Some("--offline"))] {
        let output = fetch(folder.path(), &server, species).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        let log = text(&output.stderr);
        texts += log.split_once(" ERROR ").unwrap().1;
    }
    insta::assert_snapshot!(texts.replace(&server.url(""), "http://SERVER").trim_end(), @"
    UserError: cannot fetch the file of HINT for `hint:HomoSapiens`: `http://SERVER/download-raw/2024-06/HomoSapiens_binary_hq.txt` refuses: it is a web page and no table; check the address and what is asked for
    UserError: `http://SERVER/download-raw/2024-06/MusMusculus_binary_hq.txt` was not fetched before; set `offline` to false, or give the file (`--interactions`, in a job the channel `interactions`)
    ");
}
