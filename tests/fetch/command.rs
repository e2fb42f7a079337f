//! `dyad fetch` as a user sees it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::start;
use crate::support::uniprot::{Proteome, StandIn, accession, residues};
use crate::support::{dyad, shown, succeed, text};

/// `dyad fetch` of the accessions in `list.txt`, in `folder` and from `server`.
fn command(folder: &Path, server: &StandIn, names: &[&str]) -> Command {
    fs::write(folder.join("list.txt"), names.join("\n")).unwrap();
    let mut command = dyad();
    command.current_dir(folder).args(["fetch", "--accessions", "list.txt", "--cache", "cache"]);
    command.args(["--out", "out.fasta", "--uniprot-url", &server.url("")]);
    command
}

#[test]
fn the_file_is_named_by_what_was_asked_for_and_the_table_says_what_became_of_it() {
    let mut proteome = Proteome::of(3);
    proteome.replace("Q00001", &["P00001"]);
    proteome.replace("Q00002", &["P00001", "P00002"]);
    proteome.delete("O00001", &["O00001"]);
    let server = start(proteome);
    let folder = tempfile::tempdir().unwrap();
    let names = ["P00000", "Q00001", "Q00002", "O00001", "gene-2"];
    let (printed, log) = succeed(&mut command(folder.path(), &server, &names));
    let expected =
        "outcome\taccessions\ncurrent\t1\ndeleted\t1\ndemerged\t1\nmerged\t1\nnot_uniprot\t1\n";
    assert_eq!(printed, expected, "{log}");
    let fasta = fs::read_to_string(folder.path().join("out.fasta")).unwrap();
    let one_line = |record: &str| record.replacen('\n', "|", 1).replace('\n', "");
    let records: Vec<_> = fasta.split_terminator('>').skip(1).map(one_line).collect();
    let expected = [
        format!("O00001 deleted, UPI0000000000 of UniParc|{}", residues("O00001")),
        format!("P00000|{}", residues("P00000")),
        format!("Q00001 merged into P00001|{}", residues("P00001")),
    ];
    assert_eq!(records, expected);
    let outcomes = fs::read_to_string(folder.path().join("out.fasta.outcomes.tsv")).unwrap();
    insta::assert_snapshot!(outcomes.replace('\t', "|"), @"
    accession|outcome|detail|release
    O00001|deleted|UPI0000000000|2026_02
    P00000|current||2026_02
    Q00001|merged|P00001|2026_02
    Q00002|demerged|P00001,P00002|2026_02
    gene-2|not_uniprot||
    ");

    // What is kept serves without network; what is not kept is said.
    let asked = server.log().len();
    let mut offline = command(folder.path(), &server, &["P00000", "P00001"]);
    let (printed, _) = succeed(offline.arg("--offline"));
    assert_eq!(printed, "outcome\taccessions\ncurrent\t2\n", "a successor was kept as well");
    let mut offline = command(folder.path(), &server, &["P00000", "P00002"]);
    let (printed, _) = succeed(offline.arg("--offline"));
    assert_eq!(printed, "outcome\taccessions\ncurrent\t1\nunresolved\t1\n");
    assert_eq!(server.log().len(), asked, "offline is offline");
    succeed(command(folder.path(), &server, &["P00000"]).arg("--refresh"));
    assert_eq!(server.log().len(), asked + 1);
}

#[test]
fn killed_in_the_middle_it_asks_for_nothing_again_that_it_has() {
    let server = StandIn::start(Proteome::of(8000), Duration::from_millis(300));
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8000).map(accession).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut fetch = command(folder.path(), &server, &names);
    let mut child = fetch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let kept = || {
        let files = fs::read_dir(folder.path().join("cache/uniprot/v1")).into_iter().flatten();
        files
            .filter(|file| file.as_ref().unwrap().path().extension() == Some("gz".as_ref()))
            .count()
    };
    while kept() < 3 {
        std::thread::sleep(Duration::from_millis(5));
        assert!(child.try_wait().unwrap().is_none(), "it has ended too early");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (kept, before) = (kept(), server.log().len());
    succeed(&mut command(folder.path(), &server, &names));
    let after: Vec<_> = server.log().split_off(before);
    assert_eq!(after.len(), 8 - kept, "{kept} were kept");
    let asked: HashSet<&str> = after.iter().flat_map(|seen| seen.split(['=', ',', '&'])).collect();
    let asked = names.iter().filter(|name| asked.contains(*name)).count();
    assert_eq!(asked, 8000 - 1000 * kept);
}

#[test]
fn a_server_that_is_not_there_is_the_platforms_failure() {
    let server = start(Proteome::of(1));
    let folder = tempfile::tempdir().unwrap();
    let mut fetch = command(folder.path(), &server, &["P00000"]);
    drop(server);
    let output = fetch.args(["--fetch-seconds", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    let log = text(&output.stderr);
    assert!(log.contains("PlatformError: no usable answer of `http://127.0.0.1:"), "{log}");
    assert!(log.contains("cannot connect"), "{log}");
}
