//! Jobs below a SageMaker root that have an encoder and nothing else.

use serde_json::json;

use super::start;
use crate::support::job::{Job, Running};
use crate::support::uniprot::{HUMAN, Proteome};
use crate::support::{dyad, shown};

#[test]
fn pairs_and_sequences_are_fetched_once_for_all_attempts() {
    let server = start(Proteome::interacting(40));
    let job = Job::fetching(&server, &[("epochs", "200"), ("checkpoint_seconds", "0")]);
    let mut first = Running::start(&mut job.inside(dyad()));
    assert!(first.says("UniProt: 40 accessions"), "{}", first.log());
    assert!(first.log().contains("missing_sequences = fetch (implied by the input)"));
    first.signal("KILL");
    assert!(!first.wait().status.success());
    let asked = server.log();
    assert_eq!(server.count(HUMAN), 1);

    // The checkpoints come back, and with them what was fetched: nobody is needed any more.
    job.wipe_instance();
    job.complete();
    assert_eq!(server.log(), asked);
    let manifest = job.json("manifest.json");
    let origins = json!({
        "interactions": { "address": server.url(HUMAN), "releases": ["2024-06"] },
        "sequences": { "address": server.url(""), "releases": ["2026_02"] },
    });
    assert_eq!(manifest["origins"], origins);
    assert_eq!(manifest["inputs"]["interactions"][0]["name"], "HomoSapiens_binary_hq.txt");
    assert_eq!(job.json("audit.json")["uniprot"]["outcomes"], json!({ "current": 40 }));
    assert_eq!(job.json("config.json")["interactions"], "hint:HomoSapiens");
}

#[test]
fn validate_fetches_what_the_job_will_find() {
    let server = start(Proteome::interacting(40));
    let job = Job::fetching(&server, &[]);
    let output = job.inside(dyad()).arg("validate").output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    assert!(shown(&output).contains("`dyad train` would embed 40 of 40 sequences"));
    let asked = server.log();
    job.complete();
    assert_eq!(server.log(), asked);
}

#[test]
fn without_a_network_the_failure_names_the_channel() {
    let server = start(Proteome::interacting(40));
    let nobody = [("fetch_seconds", "1"), ("hint_url", "http://127.0.0.1:9/download-raw")];
    let job = Job::fetching(&server, &nobody);
    assert_eq!(job.run().status.code(), Some(3));
    let failure = job.failure();
    let hint =
        "PlatformError: cannot fetch the file of HINT for `hint:HomoSapiens`: no usable answer";
    assert!(failure.starts_with(hint), "{failure}");
    assert!(
        failure
            .contains("without a network, give the file (`--interactions`, in a job the channel")
    );

    let nobody = [("fetch_seconds", "1"), ("uniprot_url", "http://127.0.0.1:9")];
    let job = Job::fetching(&server, &nobody);
    assert_eq!(job.run().status.code(), Some(3));
    let failure = job.failure();
    assert!(failure.starts_with("PlatformError: no usable answer of"), "{failure}");
    let remedy =
        "without a network, give FASTA files (`--sequences`, in a job the channel `sequences`)";
    assert!(failure.contains(remedy), "{failure}");
}
