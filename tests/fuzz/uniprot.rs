//! Answers of UniProt: FASTA of a batch, pages of searches, single entries and archived sequences.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use dyad::progress::Silent;
use dyad::protein::Accession;
use dyad::sequences::uniprot::{self, Error, Fetched, Job, KeptAnswers, Reuse, Settings};
use dyad::shutdown::Shutdown;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::driver::{folder, fuzz, refused};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

/// What is asked for: an entry, an isoform, one that was merged, and one that was deleted.
const ASKED: [&str; 4] = ["P00001", "P00002-2", "Q00001", "O00001"];
const FASTA: &str =
    ">sp|P00001|A_X Some protein\nMKVL\nAAG\n>tr|P00002|B_X\nMKL\n>sp|P00003|C_X\nMM\n";
const ARCHIVED: &str = ">UPI0000000001 status=inactive\nMKVLA\n";

/// What the service says to requests of each kind.
#[derive(Clone, Debug, Default)]
struct Answers {
    batch: Vec<u8>,
    successors: Vec<u8>,
    archive: Vec<u8>,
    entry: Vec<u8>,
    archived: Vec<u8>,
    status: u16,
    header: &'static str,
}

fn text(valid: &'static str) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(valid.into()),
        mutations().prop_map(move |mutations| mutated(valid.as_bytes(), &mutations)),
    ]
}

fn document(valid: Value) -> impl Strategy<Value = Vec<u8>> {
    vec(json::change(), 0..3).prop_map(move |changes: Vec<Change>| {
        changes.iter().fold(valid.clone(), changed).to_string().into()
    })
}

fn answers() -> impl Strategy<Value = Answers> {
    let successors = json!({"results": [
        {"primaryAccession": "P00003", "secondaryAccessions": ["Q00001", "Q00009"]},
        {"primaryAccession": "P00004"},
    ]});
    let archive = json!({"results": [
        {"uniParcId": "UPI0000000001", "uniProtKBAccessions": ["O00001.1", "O00001.7"], "sequence": {"value": "MKVLA"}},
        {"uniParcId": "UPI0000000002", "uniProtKBAccessions": ["O00001.3"], "sequence": {"value": "MK"}},
    ]});
    let inactive = |kind: &str, into: &[&str]| {
        let reason = json!({"inactiveReasonType": kind, "mergeDemergeTo": into});
        json!({"inactiveReason": reason, "extraAttributes": {"uniParcId": "UPI0000000001"}})
    };
    let entry = prop_oneof![
        document(json!({"sequence": {"value": "MKVLAAG"}})),
        document(inactive("MERGED", &["P00003"])),
        document(inactive("DEMERGED", &["P00003", "P00004"])),
        document(inactive("DELETED", &[])),
    ];
    let status = select(vec![200, 200, 200, 303, 404]);
    let header = select(vec![
        "x-uniprot-release: 2026_02",
        "x-uniprot-release: ../../2026",
        "link: <https://example.org/?cursor=1>; rel=\"next\"",
        "location: /uniprotkb/P00003.json?from=Q00001",
        "location: https://example.org/../..",
        "content-type: text/html",
        "content-encoding: gzip",
    ]);
    let bodies = (text(FASTA), document(successors), document(archive), entry, text(ARCHIVED));
    (bodies, status, header).prop_map(
        |((batch, successors, archive, entry, archived), status, header)| Answers {
            batch,
            successors,
            archive,
            entry,
            archived,
            status,
            header,
        },
    )
}

/// A service that says what it is told to say.
struct Service {
    url: String,
    says: Arc<Mutex<Answers>>,
}

impl Service {
    /// It ends with the process.
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let says = Arc::new(Mutex::new(Answers::default()));
        let shared = Arc::clone(&says);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let says = shared.lock().unwrap().clone();
                // A client that went away wants no answer.
                drop(answer(&stream, &says));
            }
        });
        Self { url, says }
    }
}

fn answer(mut stream: &TcpStream, says: &Answers) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path.trim_start_matches('/') {
        path if path.starts_with("uniprotkb/accessions") => (200, &says.batch),
        path if path.starts_with("uniprotkb/search") => (200, &says.successors),
        path if path.starts_with("uniparc/search") => (200, &says.archive),
        path if path.starts_with("uniparc/") => (200, &says.archived),
        _ => (says.status, &says.entry),
    };
    let (header, length) = (says.header, body.len());
    write!(
        stream,
        "HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// What is fetched are records of what was asked for, and what is kept of them is read back as it was.
#[test]
fn fetches() {
    let service = Service::start();
    let names: Vec<Accession> = ASKED.iter().map(|name| name.parse().unwrap()).collect();
    // Answers are asked for once: no time is left for another attempt.
    let settings =
        |offline| Settings { url: service.url.parse().unwrap(), parallel: 1, seconds: 0, offline };
    let parents = names.iter().filter_map(Accession::parent);
    let known: BTreeSet<Accession> = names.iter().cloned().chain(parents).collect();
    let shutdown = Shutdown::default();
    fuzz("answers of UniProt", answers(), |says| {
        service.says.lock().unwrap().clone_from(&says);
        let cache = folder();
        let kept = KeptAnswers::new(cache.path(), None);
        let fetch = |offline| -> Result<Fetched, Error> {
            let job = Job {
                settings: &settings(offline),
                kept: &kept,
                observer: &Silent,
                shutdown: &shutdown,
            };
            uniprot::fetch(&job, &names, Reuse::Kept)
        };
        let fetched = match fetch(false) {
            Ok(fetched) => fetched,
            Err(error) => {
                refused(&error);
                fetch(true).unwrap()
            }
        };
        for (name, record) in &fetched.records {
            assert!(known.contains(name), "{name} was not asked for");
            assert!(!record.release.contains('/'), "{record:?}");
        }
        assert_eq!(fetch(true).unwrap().records, fetched.records);
    });
}
