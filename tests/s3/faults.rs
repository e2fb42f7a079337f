//! F1 to F4: a server that is busy, breaks off, loses replies or contradicts.

use std::time::{Duration, Instant};

use dyad::storage::remote::{Content, ObjectStore, Problem, Put};
use dyad::storage::sync::{Drained, Rank, Upload, Uploader};

use super::{
    LARGE, MINUTES, assert_there, matrix, on_each, patient, random_bytes, resident, stand_ins,
    store, upload, within,
};
use crate::support::s3::Bucket;
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::{rounds, seed};

/// Threads of an uploader.
const WORKERS: usize = 4;

fn uploads(folder: &std::path::Path, count: usize, seed: u64) -> Vec<Upload> {
    let bytes = |number| random_bytes(seed + number as u64, 1000 + number % 7000);
    (0..count).map(|number| upload(folder, &format!("{number:05}"), &bytes(number))).collect()
}

/// Sends files through an uploader, which must not lose one; the time it took.
fn send(endpoint: &str, uri: &str, uploads: &[Upload]) -> Duration {
    let uploader = Uploader::start(store(endpoint, uri));
    let started = Instant::now();
    uploads.iter().for_each(|upload| uploader.submit(upload.clone()));
    let drained = uploader.drain(within(MINUTES));
    assert_eq!(drained, Drained { uploaded: uploads.len(), left: 0 });
    started.elapsed()
}

#[test]
fn f1_random_failures_cost_some_requests_and_nothing_else() {
    let test = "s3::faults::f1_random_failures_cost_some_requests_and_nothing_else";
    let (seeds, puts) = (rounds(1, 10), rounds(200, 2000));
    let faults = [
        Fault::SlowDown,
        Fault::InternalError,
        Fault::Reset,
        Fault::Fin,
        Fault::Hang,
        Fault::ErrorInOk,
    ];
    on_each(test, |server| {
        let (mut injected, mut worst) = (0, 0.0_f64);
        for round in 0..seeds {
            let seed = seed() + round as u64;
            let bucket = server.bucket("matrix-f1");
            let prefix = format!("{round}/");
            let folder = tempfile::tempdir().unwrap();
            let uploads = uploads(folder.path(), puts, seed);
            let proxy = Proxy::to(&server.endpoint());
            proxy.random(seed, 0.05, Match::any().containing("/files/"), &faults);
            send(&proxy.endpoint(), &bucket.uri(&prefix), &uploads);
            assert_there(&bucket, &prefix, &uploads);
            let requests = proxy.count(&Match::any().containing("/files/"));
            worst = worst.max(requests as f64 / puts as f64);
            injected += proxy.injected();
        }
        assert!(worst <= 1.5, "{worst} requests per object");
        matrix(
            "F1",
            server,
            &format!(
                "{seeds} x {puts} uploads, {injected} faults (503, 500, RST, FIN, hang, 200 with \
                 error)"
            ),
            &format!("0 failed, 0 differ, at most {worst:.2} requests per object"),
        );
    });
}

#[test]
fn f2_a_server_that_is_busy_for_a_while_is_waited_for() {
    let test = "s3::faults::f2_a_server_that_is_busy_for_a_while_is_waited_for";
    let outage = Duration::from_secs(rounds(5, 60) as u64);
    on_each(test, |server| {
        let bucket = server.bucket("matrix-f2");
        let folder = tempfile::tempdir().unwrap();
        let uploads = uploads(folder.path(), 40, seed());
        let proxy = Proxy::to(&server.endpoint());
        let objects = Match::any().containing("/files/");
        proxy.during(outage, objects.clone(), Fault::SlowDown);
        let memory = resident();
        let took = send(&proxy.endpoint(), &bucket.uri("p/"), &uploads);
        let grown = resident().saturating_sub(memory);
        assert_there(&bucket, "p/", &uploads);
        let refused = proxy.injected();
        let rate = refused as f64 / outage.as_secs_f64() / WORKERS as f64;
        let after = took.saturating_sub(outage);
        assert!(after < Duration::from_secs(30), "{after:?}");
        // The first waits are short.
        assert!(refused <= WORKERS * 12 + 2 * WORKERS * outage.as_secs() as usize, "{refused}");
        assert!(grown < 64 << 20, "{grown} bytes more in memory");
        matrix(
            "F2",
            server,
            &format!("only 503 for {outage:?}, 40 uploads"),
            &format!("through {after:.1?} after it; {rate:.2} requests per second and worker"),
        );
    });
}

#[test]
fn f3_lost_replies_make_no_second_object_and_no_error() {
    let test = "s3::faults::f3_lost_replies_make_no_second_object_and_no_error";
    let count = rounds(50, 500);
    for server in stand_ins(test) {
        let bucket = server.bucket("matrix-f3");
        let folder = tempfile::tempdir().unwrap();
        let mut uploads = uploads(folder.path(), count, seed());
        let large = upload(folder.path(), "large", &random_bytes(seed(), LARGE));
        uploads.push(Upload { rank: Rank::Checkpoint(1), ..large });
        let proxy = Proxy::to(&server.endpoint());
        for upload in &uploads {
            proxy.next(Match::puts().ending(&upload.key), Fault::DroppedReply);
        }
        proxy.next(Match::method("POST").ending("/large"), Fault::DroppedReply);
        proxy.times(2, Match::parts(), Fault::DroppedReply);
        proxy.next(Match::completes(), Fault::DroppedReply);
        send(&proxy.endpoint(), &bucket.uri("p/"), &uploads);
        assert_eq!(proxy.injected(), count + 4);
        // The lost reply to the beginning of an upload in parts leaves one that nobody knows of.
        let open = bucket.open_uploads("");
        assert!(open.len() <= 1, "{open:?}");
        abort_all(&bucket);
        assert_there(&bucket, "p/", &uploads);
        matrix(
            "F3",
            server,
            &format!("{count} PUTs, 2 parts, 1 Create and 1 Complete applied, replies lost"),
            "no error, one object each",
        );
    }
}

/// What the lifecycle rule of a bucket does.
fn abort_all(bucket: &Bucket) {
    let open = bucket.sdk().list_multipart_uploads().bucket(bucket.name());
    for upload in bucket.wait(open.send()).unwrap().uploads() {
        let abort = bucket.sdk().abort_multipart_upload().bucket(bucket.name());
        let abort = abort.key(upload.key().unwrap()).upload_id(upload.upload_id().unwrap());
        bucket.wait(abort.send()).unwrap();
    }
}

#[test]
fn f4_conflicts_are_tried_again_and_taken_names_are_compared() {
    let test = "s3::faults::f4_conflicts_are_tried_again_and_taken_names_are_compared";
    for server in stand_ins(test) {
        let bucket = server.bucket("matrix-f4");
        let proxy = Proxy::to(&server.endpoint());
        let store = patient(&proxy.endpoint(), &bucket.uri("p/"), Duration::from_mins(1));
        proxy.times(5, Match::puts(), Fault::ConditionalRequestConflict);
        assert_eq!(store.create("conflict", &Content::of(b"a")).unwrap(), Put::New);
        assert_eq!(proxy.count(&Match::puts()), 6);
        // 412 for a name that turns out to be free.
        proxy.next(Match::puts(), Fault::PreconditionFailed);
        assert_eq!(store.create("free", &Content::of(b"a")).unwrap(), Put::New);
        // 412 and then a busy server.
        proxy.next(Match::heads(), Fault::InternalError);
        assert_eq!(store.create("free", &Content::of(b"a")).unwrap(), Put::Same);
        assert_eq!(store.create("free", &Content::of(b"b")).unwrap(), Put::Other);
        // 403 is not "absent".
        proxy.times(2, Match::heads(), Fault::AccessDenied);
        let error = store.create("free", &Content::of(b"a")).unwrap_err();
        assert!(matches!(error.problem, Problem::Denied { .. }), "{error}");
        proxy.heal();

        // In parts: a conflict when they are put together sends them again.
        let bytes = random_bytes(seed(), LARGE);
        proxy.next(Match::completes(), Fault::ConditionalRequestConflict);
        assert_eq!(store.create("large", &Content::of(&bytes)).unwrap(), Put::New);
        assert_eq!(proxy.count(&Match::completes()), 2);
        assert!(bucket.get("p/large").unwrap() == bytes);

        let folder = tempfile::tempdir().unwrap();
        let [same, other] = ["same", "other"].map(|name| upload(folder.path(), name, b"ours"));
        bucket.put("p/files/same", *b"ours");
        bucket.put("p/files/other", *b"theirs");
        let uploader = Uploader::start(super::store(&proxy.endpoint(), &bucket.uri("p/")));
        [same, other].into_iter().for_each(|upload| uploader.submit(upload));
        assert_eq!(uploader.drain(within(MINUTES)), Drained { uploaded: 1, left: 1 });
        assert_eq!(bucket.get("p/files/other").unwrap(), b"theirs");
        assert_eq!(bucket.open_uploads(""), Vec::<String>::new());
        let result = "created; created; same is fine; another content stays and is an error";
        matrix(
            "F4",
            server,
            "409 x5; 412 on a free name; 412 on the same and on another content",
            result,
        );
    }
}

#[test]
fn a_slow_link_is_given_time() {
    let test = "s3::faults::a_slow_link_is_given_time";
    // In full: less than half a mebibyte per second for each of four shards.
    let (size, rate) = (rounds(1 << 20, 32 << 20), rounds(1 << 20, 3 << 19));
    for server in stand_ins(test).take(1) {
        let bucket = server.bucket("slow");
        let folder = tempfile::tempdir().unwrap();
        let bytes = |number: u64| random_bytes(seed() + number, size);
        let uploads: Vec<_> = (0..4)
            .map(|number| upload(folder.path(), &number.to_string(), &bytes(number)))
            .collect();
        let proxy = Proxy::to(&server.endpoint());
        proxy.limit_uploads(rate as u64);
        let took = send(&proxy.endpoint(), &bucket.uri("p/"), &uploads);
        assert_there(&bucket, "p/", &uploads);
        assert_eq!(proxy.count(&Match::puts()), 4, "a slow link is no failure");
        let ran = format!("4 uploads of {size} bytes at {rate} bytes/s");
        matrix(
            "slow link",
            server,
            &ran,
            &format!("through after {took:.0?} at the first attempt"),
        );
    }
}
