//! Faults of the hub: a download goes on where it was, and nothing unverified is ever used.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use dyad::digest::Digest;

use super::{Asker, assert_small};
use crate::support::hub::{Fault, HubStandIn, MODEL, OWNER, WEIGHTS, small_files};

/// Requests for weights.
const BYTES: &str = "/cdn/";
const HALF: usize = 600_000;

/// The first byte that each transfer of weights asked for.
fn starts(hub: &HubStandIn) -> Vec<usize> {
    let start = |range: String| range.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    hub.transfers().into_iter().map(start).collect()
}

#[test]
fn a_connection_that_breaks_or_hangs_is_gone_on_with() {
    for fault in [Fault::DropAfter(HALF), Fault::HangAfter(HALF)] {
        let hub = HubStandIn::start();
        let asker = Asker::new(&hub);
        hub.next(BYTES, fault.clone());
        assert_small(&asker.locate(MODEL).unwrap().folder);
        let starts = starts(&hub);
        assert_eq!((starts.len(), starts[0]), (2, 0), "{fault:?}");
        assert!((1..=HALF).contains(&starts[1]), "{fault:?}: {starts:?}");
    }
}

#[test]
fn a_hub_that_is_busy_is_asked_again() {
    let hub = HubStandIn::start();
    for status in [429, 500, 503] {
        hub.next("/facebook/", Fault::Status(status));
    }
    hub.next(BYTES, Fault::Status(503));
    assert_small(&Asker::new(&hub).locate(MODEL).unwrap().folder);
    assert!(hub.is_faultless());
}

#[test]
fn what_comes_damaged_is_fetched_again_and_never_used() {
    for faults in
        [&[Fault::WrongBytes][..], &[Fault::Longer], &[Fault::DropAfter(HALF), Fault::IgnoreRange]]
    {
        let hub = HubStandIn::start();
        let asker = Asker::new(&hub);
        faults.iter().for_each(|fault| hub.next(BYTES, fault.clone()));
        assert_small(&asker.locate(MODEL).unwrap().folder);
        assert!(hub.is_faultless(), "{faults:?}");
    }
    let hub = HubStandIn::start();
    let asker = Asker::new(&hub);
    (0..3).for_each(|_| hub.next(BYTES, Fault::WrongBytes));
    let refusal = asker.refusal(&hub, MODEL);
    insta::assert_snapshot!(refusal.replace(&super::commit(1), "COMMIT"), @"no folder `facebook/esm2_t6_8M_UR50D` is here, and as a model of Hugging Face it cannot be fetched: the answer of `http://HUB/facebook/esm2_t6_8M_UR50D/resolve/COMMIT/model.safetensors` cannot be used: its SHA-256 is not the one that the hub names; check the address");
    assert!(!asker.snapshot(1).join(WEIGHTS).exists());
    assert_small(&asker.locate(MODEL).unwrap().folder);
}

#[test]
fn small_files_are_verified_too() {
    let hub = HubStandIn::start();
    hub.next("/api/resolve-cache/", Fault::WrongBytes);
    assert_small(&Asker::new(&hub).locate(MODEL).unwrap().folder);
    assert!(hub.is_faultless());
}

#[test]
fn nothing_that_the_hub_says_becomes_a_path_unless_it_is_a_digest() {
    for (fault, said) in [
        (Fault::Etag("../../../../evil"), "its etag is no digest: `../../../../evil`"),
        (Fault::Etag("0f0f"), "its etag is no digest: `0f0f`"),
        (Fault::Commit("../../evil"), "its commit is none: `../../evil`"),
        (Fault::Redirect("http://192.0.2.1/evil"), "it redirects to an address that is not safe"),
    ] {
        let hub = HubStandIn::start();
        let asker = Asker::new(&hub);
        let weights = format!("/{OWNER}/{MODEL}/resolve/{}/{WEIGHTS}", super::commit(1));
        (0..3).for_each(|_| hub.next(&weights, fault.clone()));
        let refusal = asker.refusal(&hub, MODEL);
        assert!(refusal.contains(said), "{refusal}");
        assert!(!asker.snapshot(1).join(WEIGHTS).exists() && hub.is_faultless());
        assert_eq!(hub.transfers(), Vec::<String>::new(), "it is not even asked for");
        hub.next(&weights, fault);
        assert_small(&asker.locate(MODEL).unwrap().folder);
    }
}

#[test]
fn what_the_hub_says_later_is_not_heard() {
    let hub = HubStandIn::start();
    let asker = Asker::new(&hub);
    for _ in small_files() {
        hub.next("/facebook/", Fault::LaterNames("../../../../evil"));
    }
    assert_small(&asker.locate(MODEL).unwrap().folder);
    assert!(hub.is_faultless());
    let names = |folder: &Path| -> Vec<_> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names(asker.folder.path()), ["hub"]);
    assert_eq!(names(&asker.access.cache).len(), 2, "the folder aside and the model's");
}

#[test]
fn an_odd_answer_costs_no_byte_and_a_range_that_is_none_all_of_them() {
    for (fault, kept) in [(Fault::OtherRange, true), (Fault::NoRange, false)] {
        let hub = HubStandIn::start();
        [Fault::DropAfter(HALF), fault].into_iter().for_each(|fault| hub.next(BYTES, fault));
        assert_small(&Asker::new(&hub).locate(MODEL).unwrap().folder);
        let starts = starts(&hub);
        assert!(starts.len() == 3 && starts[1] > 0, "{starts:?}");
        assert_eq!(starts[2], if kept { starts[1] } else { 0 });
    }
}

#[test]
fn no_more_is_kept_than_was_described() {
    let hub = HubStandIn::start();
    let asker = Asker::new(&hub);
    hub.next(BYTES, Fault::Longer);
    assert_small(&asker.locate(MODEL).unwrap().folder);
    assert_eq!(starts(&hub), [0], "what follows on the file is not even read");
}

#[test]
fn two_at_once_fetch_once() {
    let hub = HubStandIn::start();
    let asker = Asker::new(&hub);
    hub.next(BYTES, Fault::HangAfter(HALF));
    std::thread::scope(|scope| {
        let asking = [(); 2].map(|()| scope.spawn(|| asker.locate(MODEL).unwrap()));
        asking.into_iter().for_each(|one| assert_small(&one.join().unwrap().folder));
    });
    assert_eq!(starts(&hub).len(), 2, "{:?}", starts(&hub));
}

#[test]
fn another_process_is_waited_for_as_long_as_it_gets_on() {
    let hub = HubStandIn::start();
    let mut asker = Asker::new(&hub);
    asker.limits.stalled = Duration::from_secs(1);
    let incoming = asker.access.cache.join(format!(".dyad/models--{OWNER}--{MODEL}/blobs"));
    fs::create_dir_all(&incoming).unwrap();
    let digest = Digest::of(&small_files()[WEIGHTS]);
    let lock = fs::File::create(incoming.join(format!("{digest}.lock"))).unwrap();
    lock.try_lock().unwrap();
    std::thread::scope(|scope| {
        let began = Instant::now();
        let asking = scope.spawn(|| asker.refusal(&hub, MODEL));
        for length in 1..=8 {
            std::thread::sleep(Duration::from_millis(300));
            fs::write(incoming.join(format!("{digest}.part")), vec![0; length]).unwrap();
        }
        let refusal = asking.join().unwrap();
        assert!(
            refusal.contains("another process is fetching it and does not get on"),
            "{refusal}"
        );
        assert!(began.elapsed() > Duration::from_secs(3), "it was given up too early");
    });
    drop(lock);
    assert_small(&asker.locate(MODEL).unwrap().folder);
}

#[test]
fn a_process_killed_between_the_last_byte_and_the_name_loses_nothing() {
    let hub = HubStandIn::start();
    let asker = Asker::new(&hub);
    let weights = &small_files()[WEIGHTS];
    let incoming = asker.access.cache.join(format!(".dyad/models--{OWNER}--{MODEL}/blobs"));
    fs::create_dir_all(&incoming).unwrap();
    fs::write(incoming.join(format!("{}.part", Digest::of(weights))), weights).unwrap();
    assert_small(&asker.locate(MODEL).unwrap().folder);
    assert_eq!(starts(&hub), Vec::<usize>::new());
    assert_eq!(fs::read_dir(&incoming).unwrap().count(), 0, "nothing is left aside");
}

#[test]
fn a_hub_that_stays_silent_is_given_up_and_says_how_far_it_came() {
    let hub = HubStandIn::start();
    let mut asker = Asker::new(&hub);
    asker.limits.silence = Duration::from_millis(300);
    asker.limits.stalled = Duration::from_secs(1);
    hub.next(BYTES, Fault::HangAfter(HALF));
    (0..20).for_each(|_| hub.next(BYTES, Fault::HangAfter(0)));
    let asked = Instant::now();
    let refusal = asker.refusal(&hub, MODEL);
    assert!(asked.elapsed() < Duration::from_secs(10));
    let bytes = format!("of {} bytes are there", small_files()[WEIGHTS].len());
    let remedy = "; without a network, give the encoder's folder (`--encoder`, in a job the channel `encoder`)";
    for part in ["no usable answer of `http://HUB/", "the server is silent; ", &bytes, remedy] {
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn a_stop_breaks_off_a_download_and_the_part_stays() {
    let hub = HubStandIn::start();
    let mut asker = Asker::new(&hub);
    asker.limits.silence = Duration::from_mins(10);
    hub.next(BYTES, Fault::HangAfter(HALF));
    let stopped = std::thread::scope(|scope| {
        let asking = scope.spawn(|| asker.locate(MODEL));
        while hub.transfers().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Until the bytes that come are on the disk.
        std::thread::sleep(Duration::from_millis(500));
        let asked = Instant::now();
        asker.shutdown.request();
        let stopped = asking.join().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(2));
        stopped
    });
    let text = stopped.unwrap_err().to_string();
    assert!(text.ends_with("what was fetched is kept: run again to continue"), "{text}");
    asker.shutdown = dyad::shutdown::Shutdown::default();
    assert_small(&asker.locate(MODEL).unwrap().folder);
    assert!(starts(&hub)[1] > 0, "{:?}", starts(&hub));
}
