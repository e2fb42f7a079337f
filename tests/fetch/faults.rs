//! Faults of the server: each is survived, and costs no sequence.

use std::time::{Duration, Instant};

use dyad::http::{Client, HttpError, Limits, Request};
use dyad::sequences::uniprot::Outcome;
use dyad::shutdown::Shutdown;

use super::{fetch, found, start};
use crate::support::uniprot::{Fault, Proteome, StandIn, accession, residues};

const BATCH: &str = "/uniprotkb/accessions";

#[test]
fn what_fails_once_is_asked_again() {
    let faults = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Busy(None),
        Fault::Drop,
        Fault::TruncatedGzip,
        Fault::ErrorInOk,
        Fault::WebPage,
    ];
    let server = start(Proteome::of(3));
    for fault in faults {
        server.next(BATCH, fault);
        let folder = tempfile::tempdir().unwrap();
        let fetched = fetch(&server, folder.path(), &["P00000", "P00001", "P00002"]).unwrap();
        for name in ["P00000", "P00001", "P00002"] {
            let own = residues(name);
            assert_eq!(found(&fetched, name), Some((&Outcome::Current, Some(&*own))), "{fault:?}");
        }
        assert!(server.is_faultless(), "{fault:?}");
        assert_eq!(fetched.audit.requests, 2, "{fault:?}");
    }
}

#[test]
fn searches_that_the_service_does_not_take_cost_requests_and_nothing_else() {
    let mut proteome = Proteome::of(3);
    proteome.replace("Q00001", &["P00001"]);
    proteome.delete("O00001", &["O00001"]);
    let server = start(proteome);
    for search in ["/uniprotkb/search", "/uniparc/search"] {
        server.next(search, Fault::Status(400));
        let folder = tempfile::tempdir().unwrap();
        let fetched = fetch(&server, folder.path(), &["P00000", "Q00001", "O00001"]).unwrap();
        let count = |outcome| fetched.audit.count(outcome);
        assert_eq!(["current", "merged", "deleted"].map(count), [1; 3], "{}", fetched.audit);
        assert!(server.is_faultless());
    }
    assert_eq!((server.count("/uniprotkb/Q00001"), server.count("/uniprotkb/O00001")), (1, 2));
}

#[test]
fn gaps_and_malformed_names_cost_nobody_elses_sequence() {
    let server = start(Proteome::of(3));
    server.next(BATCH, Fault::Gap);
    let folder = tempfile::tempdir().unwrap();
    // The last two would each refuse the whole batch.
    let names = ["P00000", "P00001", "P00002", "p00001", "P00001[1-9]"];
    let fetched = fetch(&server, folder.path(), &names).unwrap();
    assert_eq!(fetched.audit.count("current"), 3, "{}", fetched.audit);
    assert_eq!(fetched.audit.count("not_uniprot"), 2, "{}", fetched.audit);
    assert_eq!(server.log().len(), 2, "the gap is asked for once more");
}

const TOTAL: Duration = Duration::from_secs(20);

/// A client of a server that may be silent for a second.
fn hasty(server: &StandIn, shutdown: &Shutdown) -> Client {
    let limits = Limits { silence: Duration::from_secs(1), ..Limits::within(TOTAL) };
    Client::new(&server.url("").parse().unwrap(), limits, shutdown).unwrap()
}

fn get(client: &Client) -> Result<usize, HttpError> {
    let request = Request {
        path: &["uniprotkb", "accessions"],
        query: &[("accessions", "P00000")],
        limit: 1000,
    };
    client.get(&request, |answer| Ok(answer.content()?.len()))
}

#[test]
fn a_server_that_hangs_is_asked_again_and_one_that_wants_time_gets_it() {
    let server = start(Proteome::of(1));
    let client = hasty(&server, &Shutdown::default());
    server.next(BATCH, Fault::Hang);
    assert!(get(&client).is_ok());
    assert_eq!((client.requests(), server.log().len()), (2, 2));

    server.next(BATCH, Fault::Busy(Some(1)));
    let asked = Instant::now();
    assert!(get(&client).is_ok());
    assert!(asked.elapsed() >= Duration::from_secs(1));
    // Longer than there is time for: nobody waits for that.
    server.next(BATCH, Fault::Busy(Some(3600)));
    let asked = Instant::now();
    let error = get(&client).unwrap_err();
    assert!(matches!(error, HttpError::Unanswered { attempts: 1, .. }), "{error}");
    assert!(asked.elapsed() < TOTAL);
}

#[test]
fn a_stop_breaks_off_what_is_under_way() {
    let server = start(Proteome::of(1));
    let shutdown = Shutdown::default();
    let limits = Limits::within(Duration::from_mins(10));
    let client = Client::new(&server.url("").parse().unwrap(), limits, &shutdown).unwrap();
    server.next(BATCH, Fault::Hang);
    let asked = Instant::now();
    let stopped = std::thread::scope(|scope| {
        let asking = scope.spawn(|| get(&client));
        while server.log().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        shutdown.request();
        asking.join().unwrap()
    });
    assert!(matches!(stopped, Err(HttpError::Stopped)), "{stopped:?}");
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_stays_unusable_is_an_error_after_three_attempts_and_a_refusal_at_once() {
    let server = start(Proteome::of(2));
    let folder = tempfile::tempdir().unwrap();
    (0..3).for_each(|_| server.next(BATCH, Fault::ErrorInOk));
    let error = fetch(&server, folder.path(), &[&accession(0)]).unwrap_err().to_string();
    server.next(BATCH, Fault::Status(403));
    let refused = fetch(&server, folder.path(), &[&accession(0)]).unwrap_err().to_string();
    assert_eq!(server.log().len(), 4);
    let texts = [error, refused].join("\n").replace(&server.url(""), "http://SERVER");
    insta::assert_snapshot!(texts, @r#"
    the answer of `http://SERVER/uniprotkb/accessions` cannot be used: it is no FASTA: `{"messages":["something went wrong"],"url":"/"}`; check the address
    `http://SERVER/uniprotkb/accessions` refuses: status 403: {"messages":["something went wrong"],"url":"/"}; check the address and what is asked for
    "#);
}
