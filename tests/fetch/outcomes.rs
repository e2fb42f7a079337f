//! What becomes of accessions of every kind.

use dyad::sequences::uniprot::Outcome;

use super::{fetch, found, start};
use crate::support::uniprot::{Proteome, RELEASE, residues};

fn proteome() -> Proteome {
    let mut proteome = Proteome::of(20);
    proteome.add("P00001-2");
    proteome.replace("Q00001", &["P00003"]);
    proteome.replace("Q00002", &["P00004", "P00005"]);
    // The archive knows versions of the past by a number; the last one counts.
    proteome.delete("A0A0A0AAA1", &["A0A0A0AAA1.2"]);
    proteome.delete("A0A0A0AAA2", &["P00007"]);
    proteome
}

#[test]
fn every_accession_has_an_outcome_and_what_stands_for_it() {
    let server = start(proteome());
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "P00001",
        "P00001-2",
        "P00002-1",
        "P00002-7",
        "Q00001",
        "Q00002",
        "A0A0A0AAA1",
        "A0A0A0AAA2",
        "Q99999",
        "YAL001C",
    ];
    let fetched = fetch(&server, folder.path(), &names).unwrap();
    let name = |text: &str| text.parse().unwrap();
    let (own, of) = (residues("P00001"), |text: &str| residues(text));
    assert_eq!(found(&fetched, "P00001"), Some((&Outcome::Current, Some(own.as_str()))));
    let isoform = of("P00001-2");
    assert_eq!(found(&fetched, "P00001-2"), Some((&Outcome::Current, Some(isoform.as_str()))));
    // Neither has a sequence of its own: their parent is there to stand in.
    assert_eq!(found(&fetched, "P00002-1"), Some((&Outcome::NoIsoform, None)));
    assert_eq!(found(&fetched, "P00002-7"), Some((&Outcome::NoIsoform, None)));
    let parent = of("P00002");
    assert_eq!(found(&fetched, "P00002"), Some((&Outcome::Current, Some(parent.as_str()))));
    let (into, target) = (name("P00003"), of("P00003"));
    let merged = Outcome::Merged { into };
    assert_eq!(found(&fetched, "Q00001"), Some((&merged, Some(target.as_str()))));
    let demerged = Outcome::Demerged { into: ["P00004", "P00005"].map(name).to_vec() };
    assert_eq!(found(&fetched, "Q00002"), Some((&demerged, None)));
    for (deleted, uniparc) in [("A0A0A0AAA1", "UPI0000000000"), ("A0A0A0AAA2", "UPI0000000001")] {
        let outcome = Outcome::Deleted { uniparc: Some(uniparc.to_owned()) };
        let last = of(deleted);
        assert_eq!(found(&fetched, deleted), Some((&outcome, Some(last.as_str()))));
    }
    assert_eq!(found(&fetched, "Q99999"), Some((&Outcome::NotFound, None)));
    assert_eq!(found(&fetched, "YAL001C"), None, "it is no name of UniProt's");
    let log = server.log().join("\n");
    assert!(!log.contains("YAL001C"), "{log}");
    // Two batches, one group each, the target of the merged one, and singles for the two accessions
    // of which groups say nothing: an unknown one, and one that the archive's search does not find.
    assert_eq!(server.count("/uniprotkb/accessions"), 3, "{log}");
    assert_eq!((server.count("/uniprotkb/search"), server.count("/uniparc/search")), (1, 1));
    assert_eq!(server.count("/uniprotkb/Q99999.json"), 1);
    assert_eq!(server.count("/uniprotkb/A0A0A0AAA2.json"), 1);
    assert_eq!(server.log().len(), 8, "{log}");

    let counts: Vec<_> = fetched.audit.outcomes.iter().map(|(o, n)| (o.as_str(), *n)).collect();
    let expected = [
        ("current", 2),
        ("deleted", 2),
        ("demerged", 1),
        ("merged", 1),
        ("no_isoform", 2),
        ("not_found", 1),
        ("not_uniprot", 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!(fetched.audit.releases.iter().collect::<Vec<_>>(), [RELEASE]);
    insta::assert_snapshot!(fetched.audit.to_string(), @"10 accessions, 2 current, 1 merged, 1 demerged, 2 deleted, 2 no isoform, 1 not found, 1 not uniprot; 8 request(s), release 2026_02");

    let again = fetch(&server, folder.path(), &names).unwrap();
    assert_eq!(again.records, fetched.records);
    assert_eq!((again.audit.requests, server.log().len()), (0, 8), "all of it is kept");
}

#[test]
fn a_single_answer_tells_what_no_group_does() {
    let mut proteome = proteome();
    proteome.replace("Q00003", &["P00006"]);
    proteome.replace("Q00004", &["P00007", "P00008"]);
    proteome.hide("Q00003");
    proteome.hide("Q00004");
    let server = start(proteome);
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&server, folder.path(), &["Q00003", "Q00004"]).unwrap();
    let name = |text: &str| text.parse().unwrap();
    let (merged, target) = (Outcome::Merged { into: name("P00006") }, residues("P00006"));
    assert_eq!(found(&fetched, "Q00003"), Some((&merged, Some(target.as_str()))));
    let demerged = Outcome::Demerged { into: ["P00007", "P00008"].map(name).to_vec() };
    assert_eq!(found(&fetched, "Q00004"), Some((&demerged, None)));
    assert_eq!(server.count("/uniprotkb/P00006"), 0, "the redirect itself is not followed");
}

#[test]
fn a_successor_that_is_no_entry_either_stands_for_nothing() {
    let mut proteome = proteome();
    proteome.replace("Q00003", &["Q00001"]);
    let server = start(proteome);
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&server, folder.path(), &["Q00003"]).unwrap();
    assert_eq!(found(&fetched, "Q00003"), None);
    assert_eq!(fetched.audit.count("unresolved"), 1);
}
