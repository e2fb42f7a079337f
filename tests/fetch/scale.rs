//! Ten thousand accessions: a few dozen requests, seconds.

use std::time::{Duration, Instant};

use super::fetch;
use crate::support::uniprot::{Proteome, StandIn, accession, residues};

/// What a request takes from the other side of an ocean.
const LATENCY: Duration = Duration::from_millis(300);
const NAMES: usize = 10_000;

#[test]
fn ten_thousand_accessions_take_a_few_dozen_requests_and_seconds() {
    let mut proteome = Proteome::of(NAMES - 400);
    let mut names: Vec<String> = (0..NAMES - 400).map(accession).collect();
    for number in 0..100 {
        let (merged, deleted) = (format!("Q{number:05}"), format!("O{number:05}"));
        let (isoform, lost) =
            (format!("{}-2", accession(number)), format!("{}-9", accession(number)));
        proteome.replace(&merged, &[&accession(2 * number)]);
        proteome.delete(&deleted, &[&format!("{deleted}.1")]);
        proteome.add(&isoform);
        names.extend([merged, deleted, isoform, lost]);
    }
    let server = StandIn::start(proteome, LATENCY);
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let began = Instant::now();
    let fetched = fetch(&server, folder.path(), &names).unwrap();
    let took = began.elapsed();
    eprintln!("{}, {:.1} s", fetched.audit, took.as_secs_f64());
    let count = |outcome| fetched.audit.count(outcome);
    assert_eq!(count("current"), NAMES - 300);
    assert_eq!(["merged", "deleted", "no_isoform"].map(count), [100; 3]);
    for entry in fetched.entries().filter(|entry| entry.accession.as_str().starts_with('P')) {
        assert_eq!(entry.sequence.residues(), residues(entry.accession.as_str()));
    }
    // 10 batches, their gaps, 2 groups of the merged and deleted each.
    assert!(fetched.audit.requests <= 24, "{}", server.log().len());
    assert!(server.most_at_once() <= 3);
    assert!(took < Duration::from_secs(30), "{took:?}");
}
