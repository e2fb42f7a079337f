//! F1 to F5: errors, resets, hangs and lies of the server, seen by the library.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dyad::digest::Digest;
use dyad::embeddings::{
    CacheLocation,
    EmbeddingDtype,
    EmbeddingSpace,
    EmbeddingStore,
    LongSequences,
    Precision,
    Row, //
};
use dyad::storage::remote::{Content, ObjectStore, Problem, Put};
use dyad::storage::sync::{Drained, Rank, Remote, Upload, Uploader};

use super::{
    STAND_INS, assert_there, matrix, patient, random_bytes, resident, stand_ins, store, upload,
    within,
};
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::support::s3::{Bucket, Server};
use crate::{rounds, seed};

/// Threads of an uploader.
const WORKERS: usize = 4;
const LARGE: usize = (64 << 20) + 1;
const MINUTES: Duration = Duration::from_mins(10);

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
    let (seeds, puts) = (rounds(1, 10), rounds(100, 2000));
    let faults = [
        Fault::SlowDown,
        Fault::InternalError,
        Fault::Reset,
        Fault::Fin,
        Fault::Hang,
        Fault::ErrorInOk,
    ];
    let (mut sent, mut injected, mut worst) = (0, 0, 0.0_f64);
    for server in stand_ins(test) {
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
            sent += puts;
            injected += proxy.injected();
        }
    }
    assert!(sent == 0 || injected > 0, "no fault was tried");
    assert!(worst <= 1.5, "{worst} requests per object");
    matrix(
        "F1",
        &format!("{sent} uploads, {injected} faults (503, 500, RST, FIN, hang, 200 with error)"),
        &format!("0 failed, 0 differ, at most {worst:.2} requests per object"),
    );
}

#[test]
fn f2_a_server_that_is_busy_for_a_while_is_waited_for() {
    let test = "s3::faults::f2_a_server_that_is_busy_for_a_while_is_waited_for";
    let outage = Duration::from_secs(rounds(5, 60) as u64);
    for server in stand_ins(test) {
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
            &format!("only 503 for {outage:?}, 40 uploads"),
            &format!("through {after:.1?} after it; {rate:.2} requests per second and worker"),
        );
    }
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
        matrix("F4", "409 x5; 412 on a free name; 412 on the same and on another content", result);
    }
}

/// What a body can suffer on its way.
const BODY_FAULTS: [Fault; 6] = [
    Fault::Hang,
    Fault::SlowBody,
    Fault::StalledBody,
    Fault::TruncatedBody,
    Fault::FlippedByte,
    Fault::WrongChecksum,
];

#[test]
fn f5_damaged_and_stalled_bodies_are_read_again() {
    let test = "s3::faults::f5_damaged_and_stalled_bodies_are_read_again";
    let servers: Vec<_> = stand_ins(test).collect();
    let count = rounds(1, 5);
    // At once, for what waits is patience.
    thread::scope(|scope| {
        for server in servers {
            for fault in BODY_FAULTS {
                scope
                    .spawn(move || (0..count).for_each(|round| read_through(server, fault, round)));
            }
        }
    });
    let reads = count * BODY_FAULTS.len() * STAND_INS.len() * 2;
    let ran = format!("{reads} reads: hang, 1 byte/s, stall, cut, flipped byte, wrong checksum");
    matrix("F5", &ran, "all detected, none served; right bytes at the next attempt");
}

fn read_through(server: &Server, fault: Fault, round: usize) {
    let bucket = server.bucket("matrix-f5");
    let proxy = Proxy::to(&server.endpoint());
    let prefix = format!("{fault:?}-{round}/");
    let store = patient(&proxy.endpoint(), &bucket.uri(&prefix), Duration::from_mins(2));
    let bytes = random_bytes(seed(), 300_000);
    store.create("object", &Content::of(&bytes)).unwrap();
    proxy.next(Match::gets(), fault);
    assert!(store.read("object", 300_000).unwrap() == bytes, "{fault:?}: other bytes were served");
    assert!(proxy.count(&Match::gets()) >= 2, "{fault:?} was not noticed");
    // Of a part of an object nobody knows the checksum.
    if !matches!(fault, Fault::FlippedByte | Fault::WrongChecksum) {
        proxy.next(Match::gets(), fault);
        assert!(store.read_start("object", 200_000).unwrap() == bytes[..200_000], "{fault:?}");
    }
    if !matches!(fault, Fault::Hang | Fault::SlowBody | Fault::StalledBody) {
        proxy.always(Match::gets(), fault);
        let store = patient(&proxy.endpoint(), &bucket.uri(&prefix), Duration::from_secs(1));
        let error = store.read("object", 300_000).unwrap_err();
        assert!(error.is_transient(), "{fault:?}: {error}");
    }
}

/// So small that the middle of a shard is among its keys.
const DIMENSION: usize = 1;

fn space() -> EmbeddingSpace {
    EmbeddingSpace {
        schema: 1,
        model: "esm2_t1_1d".to_owned(),
        weights: Digest::of(b"weights"),
        alphabet: "test".to_owned(),
        layer: 1,
        pooling: "mean".to_owned(),
        max_residues: 1022,
        long_sequences: LongSequences::Truncate,
        window_overlap: 0,
        compute: Precision::F32,
        stored: EmbeddingDtype::F32,
        dimension: DIMENSION,
        numerics: 1,
    }
}

fn rows(count: u32) -> Vec<Row> {
    let row = |number: u32| Row {
        key: Digest::of(&number.to_le_bytes()),
        residues: 1,
        values: (0..DIMENSION as u32).map(|column| (number + column) as f32).collect(),
    };
    (0..count).map(row).collect()
}

fn remote(endpoint: &str, uri: &str) -> Remote {
    Remote::new(store(endpoint, uri), Arc::default())
}

/// A store on a new disk that shares `remote`.
fn cache(remote: &Remote) -> (tempfile::TempDir, EmbeddingStore) {
    let folder = tempfile::tempdir().unwrap();
    let location = CacheLocation {
        folder: folder.path().to_owned(),
        adopted: None,
        remote: Some(remote.clone()),
    };
    let store = EmbeddingStore::open(location, space(), "cpu").unwrap();
    (folder, store)
}

#[test]
fn f5_embeddings_are_right_or_absent() {
    let test = "s3::faults::f5_embeddings_are_right_or_absent";
    for server in stand_ins(test) {
        let bucket = server.bucket("f5-embeddings");
        let rows = rows(500);
        let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
        let values: Vec<_> = rows.iter().flat_map(|row| row.values.clone()).collect();
        let direct = remote(&server.endpoint(), &bucket.uri("p/"));
        let (_folder, mut writer) = cache(&direct);
        for part in rows.chunks(100) {
            writer.append(part.to_vec()).unwrap();
            writer.seal().unwrap();
        }
        assert_eq!(direct.uploader().drain(within(MINUTES)).left, 0);

        let proxy = Proxy::to(&server.endpoint());
        let shards = Match::gets().containing("/shards/");
        let remote = remote(&proxy.endpoint(), &bucket.uri("p/"));
        for fault in [Fault::TruncatedBody, Fault::FlippedByte, Fault::WrongChecksum] {
            proxy.times(5, shards.clone(), fault);
            let (_folder, mut reader) = cache(&remote);
            assert!(keys.iter().all(|key| reader.contains(key)), "{fault:?}");
            proxy.times(5, shards.clone(), fault);
            reader.fetch(&keys).unwrap();
            assert_eq!(reader.load(&keys).unwrap(), values, "{fault:?}");
        }
        // Nothing but damaged beginnings: the rows count as absent.
        proxy.always(shards.clone(), Fault::FlippedByte);
        let (_folder, reader) = cache(&remote);
        let known = keys.iter().filter(|key| reader.contains(key)).count();
        assert_eq!(known, 0, "keys were taken from damaged shards");
        proxy.heal();
        // An object that is damaged itself.
        let name =
            bucket.list("p/cache/").into_iter().find(|o| o.key.contains("/shards/")).unwrap();
        let mut bytes = bucket.get(&name.key).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bucket.put(&name.key, bytes);
        let (_folder, mut reader) = cache(&remote);
        reader.fetch(&keys).unwrap();
        let right: Vec<_> = keys.iter().filter(|key| reader.contains(key)).copied().collect();
        assert_eq!(right.len(), 400);
        let table = reader.load(&right).unwrap();
        for (key, row) in right.iter().zip(table.chunks(DIMENSION)) {
            let position = keys.iter().position(|other| other == key).unwrap();
            assert_eq!(row, &rows[position].values);
        }
    }
    let ran = "5 shards: damaged on the way once, damaged always, damaged in the bucket";
    matrix("F5", ran, "right after another reading, or absent; never wrong");
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
        matrix("slow link", &ran, &format!("through after {took:.0?} at the first attempt"));
    }
}
