//! `cluster_by=mmseqs`: clusters by another program, for which a script stands in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::job::Running;
use crate::support::{shown, succeed, text, trained};

/// Puts each two neighbours into one cluster, and keeps what it was called with.
const NEIGHBOURS: &str = r#"
if [ "$1" = version ]; then echo stand-in-1; exit; fi
here=$(dirname "$0")
printf '%s\n' "$@" > "$here/arguments"
cp "$2" "$here/fasta"
grep '^>S' "$2" | while read -r name; do
  number=${name#>S}
  printf 'S%s\tS%s\n' $((number - number % 2)) "$number"
done > "$3_cluster.tsv"
"#;

/// A folder with a program `mmseqs`, or without.
fn folder(script: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(script) = script {
        let path = folder.path().join("mmseqs");
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// `train` with the program of `folder` before all others, where there is one.
fn train(folder: &Path) -> (Command, PathBuf) {
    let out = folder.join("run");
    let mut command = trained().train_with(&out, 1, &crate::support::small_encoder());
    command.arg("--cluster-by=mmseqs");
    let others = std::env::var("PATH").unwrap();
    match folder.join("mmseqs").exists() {
        true => command.env("PATH", format!("{}:{others}", folder.display())),
        false => command.env("PATH", folder),
    };
    (command, out)
}

fn message(script: Option<&str>) -> String {
    let folder = folder(script);
    let (mut command, _) = train(folder.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let log = text(&output.stderr);
    log.split_once(" ERROR ").unwrap().1.trim_end().to_owned()
}

#[test]
fn what_the_program_puts_together_stays_together_and_is_recorded() {
    let folder = folder(Some(NEIGHBOURS));
    let (mut command, out) = train(folder.path());
    let (_, log) = succeed(command.args(["--cluster-min-seq-id=0.4", "--cluster-coverage=0.8"]));
    assert!(log.contains("by MMseqs2 stand-in-1 (--min-seq-id 0.4 -c 0.8)"), "{log}");

    let split: Value = serde_json::from_slice(&fs::read(out.join("split.json")).unwrap()).unwrap();
    let record = &split["clusters"];
    let expected = r#"{"version":"stand-in-1","min_seq_id":0.4,"coverage":0.8}"#;
    assert_eq!(record["mmseqs"], serde_json::from_str::<Value>(expected).unwrap());
    let proteins = split["proteins"].as_array().unwrap();
    assert_eq!(record["largest"], 2);
    assert_eq!(record["clusters"], proteins.len().div_ceil(2));
    // The sequences are numbered by their digests.
    let mut digests: Vec<_> = proteins.iter().map(|one| one[1].as_str().unwrap()).collect();
    digests.sort_unstable();
    let number = |at: usize| digests.binary_search(&proteins[at][1].as_str().unwrap()).unwrap();
    for (at, first) in record["of"].as_array().unwrap().iter().enumerate() {
        let first = usize::try_from(first.as_u64().unwrap()).unwrap();
        assert_eq!(number(at) / 2, number(first) / 2);
    }

    let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
    let settings: Vec<_> = arguments.lines().skip(4).collect();
    let expected = "--min-seq-id 0.4 -c 0.8 --cov-mode 0 --cluster-mode 1 -v 1";
    assert_eq!(
        (arguments.lines().next(), settings.join(" ")),
        (Some("easy-cluster"), expected.to_owned())
    );
    let fasta = fs::read_to_string(folder.path().join("fasta")).unwrap();
    assert!(fasta.starts_with(">S0\n") && !fasta.contains(proteins[0][0].as_str().unwrap()));
    let scratch = Path::new(arguments.lines().nth(1).unwrap()).parent().unwrap();
    assert!(scratch.starts_with(&trained().cache) && !scratch.exists(), "{}", scratch.display());
}

#[test]
fn clusters_by_kmers_leave_no_record_of_another_program() {
    let split = fs::read(trained().model.join("split.json")).unwrap();
    let split: Value = serde_json::from_slice(&split).unwrap();
    assert!(split["clusters"].is_object());
    assert_eq!(split["clusters"].get("mmseqs"), None);
}

#[test]
fn what_keeps_the_program_from_its_work_is_said() {
    insta::assert_snapshot!(message(None), @"UserError: `cluster_by` is `mmseqs`, and `mmseqs` is not installed or not in `PATH`; install MMseqs2, give its clusters with `--clusters`, or use `cluster_by=kmers`");
    let failing = "if [ \"$1\" = version ]; then echo 1; exit; fi\necho 'no space' >&2\nexit 1";
    insta::assert_snapshot!(message(Some(failing)), @"UserError: `mmseqs` failed (exit status: 1): no space");
    let idle =
        "if [ \"$1\" = version ]; then echo 1; exit; fi\nprintf 'S0\\tS0\\n' > \"$3_cluster.tsv\"";
    insta::assert_snapshot!(message(Some(idle)), @"UserError: `mmseqs` has put 1 of 150 sequences into clusters; use another release of MMseqs2, or `cluster_by=kmers`");
}

#[test]
fn a_stop_does_not_wait_for_the_program() {
    let folder = folder(Some("if [ \"$1\" = version ]; then echo 1; exit; fi\nsleep 300"));
    let (mut command, _) = train(folder.path());
    let mut job = Running::start(&mut command);
    assert!(job.says("MMseqs2 compares"), "{}", job.log());
    let asked = Instant::now();
    job.signal("TERM");
    let output = job.wait();
    assert_eq!(output.status.code(), Some(143), "{}", shown(&output));
    assert!(asked.elapsed() < Duration::from_mins(1), "{:?}", asked.elapsed());
    assert!(text(&output.stderr).contains("`mmseqs` was stopped on request"));
}
