use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::storage::remote::MemoryStore;

fn record(residues: &str, release: &str) -> Record {
    Record::new(Outcome::Current, release, Some(residues.parse().unwrap())).unwrap()
}

fn records(entries: &[(&str, Record)]) -> BTreeMap<Accession, Record> {
    entries.iter().map(|(name, record)| (name.parse().unwrap(), record.clone())).collect()
}

fn shared(store: &Arc<MemoryStore>) -> (tempfile::TempDir, KeptAnswers) {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
    let kept = KeptAnswers::new(folder.path(), Some(remote));
    (folder, kept)
}

#[test]
fn all_outcomes_are_kept_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let kept = KeptAnswers::new(folder.path(), None);
    assert!(kept.read().unwrap().is_empty());
    let name = |text: &str| text.parse::<Accession>().unwrap();
    let without = |outcome| Record::new(outcome, "2026_02", None).unwrap();
    let sequence = || Some("MKV".parse().unwrap());
    let all = records(&[
        ("P00001", record("MKV", "2026_02")),
        (
            "Q00001",
            Record::new(Outcome::Merged { into: name("P00001") }, "2026_02", sequence()).unwrap(),
        ),
        ("Q00002", without(Outcome::Demerged { into: vec![name("P1"), name("P2")] })),
        ("Q00003", without(Outcome::Deleted { uniparc: None })),
        (
            "Q00004",
            Record::new(Outcome::Deleted { uniparc: Some("UPI".to_owned()) }, "", sequence())
                .unwrap(),
        ),
        ("P00001-9", without(Outcome::NoIsoform)),
        ("Q00005", without(Outcome::NotFound)),
    ]);
    kept.keep(&all).unwrap();
    assert_eq!(kept.read().unwrap(), all);
}

#[test]
fn the_newest_release_counts_and_damage_costs_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let kept = KeptAnswers::new(folder.path(), None);
    let (old, new) = (record("MA", "2025_04"), record("MC", "2026_02"));
    kept.keep(&records(&[("P00001", new.clone())])).unwrap();
    kept.keep(&records(&[("P00001", old.clone()), ("P00002", old.clone())])).unwrap();
    assert_eq!(kept.read().unwrap(), records(&[("P00001", new.clone()), ("P00002", old.clone())]));

    let files = storage::list(kept.0.folder()).unwrap();
    assert_eq!(files.len(), 2);
    let name = name(&Digest::of(&encode(&records(&[("P00001", new)]))));
    storage::write_atomic(&kept.0.path(&name), b"damaged").unwrap();
    assert_eq!(kept.read().unwrap(), records(&[("P00001", old.clone()), ("P00002", old)]));
    assert_eq!(storage::list(kept.0.folder()).unwrap().len(), 1);
    assert_eq!(storage::list(&kept.0.folder().join("quarantine")).unwrap().len(), 1);
}

#[test]
fn answers_are_shared_and_uploaded_once_the_bucket_answers() {
    let store = Arc::new(MemoryStore::default());
    let ((_a, one), (_b, other)) = (shared(&store), shared(&store));
    let first = records(&[("P00001", record("MA", "2026_02"))]);
    one.keep(&first).unwrap();
    assert_eq!(other.read().unwrap(), first);
    assert_eq!(storage::list(other.0.folder()).unwrap(), storage::list(one.0.folder()).unwrap());

    // While the bucket is away, answers are kept on the disk, and offered later.
    let ((_c, alone), (_d, last)) = (shared(&store), shared(&store));
    store.fail_next(usize::MAX);
    let second = records(&[("P00002", record("MC", "2026_02"))]);
    alone.keep(&second).unwrap();
    assert_eq!(alone.read().unwrap(), second);
    store.fail_next(0);
    let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
    let offering = KeptAnswers(KeptFiles::new(alone.0.folder().to_owned(), Some(remote), ANSWER));
    assert_eq!(offering.read().unwrap().len(), 2);
    assert_eq!(last.read().unwrap().len(), 2);

    // What is damaged there is left out, and what is denied is an error.
    store.put(&format!("{PREFIX}{}{ENDING}", Digest::of(b"x")), b"damaged");
    let (_f, reader) = shared(&store);
    assert_eq!(reader.read().unwrap().len(), 2);
    store.deny(PREFIX);
    assert!(matches!(reader.read(), Err(Error::Remote(_))));
}

#[test]
fn files_that_contradict_themselves_are_damaged() {
    let line = |outcome: &str| {
        let json = format!(
            r#"{{"schema":"{SCHEMA}","records":{{"P00001":{{"outcome":"{outcome}","release":""}}}}}}"#
        );
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(json.as_bytes()).unwrap();
        let bytes = gzip.finish().unwrap();
        verified(&Digest::of(&bytes), &bytes)
    };
    assert!(line("not_found").is_ok());
    assert_eq!(line("current").unwrap_err(), "`P00001` does not fit its outcome");
    assert!(line("invented").is_err());
}
