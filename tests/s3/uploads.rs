//! Uploads over a server that dies, outages, and what uploads cost in memory and connections.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use dyad::storage::sync::{Rank, Upload, Uploader};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    LARGE, MINUTES, assert_there, matrix, random_bytes, resident, stand_ins, store, upload, within,
};
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::support::s3::{Kind, Server};
use crate::{rounds, seed};

#[test]
fn c7_a_server_that_dies_again_and_again_gets_everything() {
    let test = "s3::uploads::c7_a_server_that_dies_again_and_again_gets_everything";
    let Some(mut server) = Server::start(test, Kind::Ministack) else { return };
    let kills = rounds(3, 20);
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let bucket = server.bucket("matrix-c7");
    let proxy = Proxy::to(&server.endpoint());
    // Slow enough to be met in the middle.
    proxy.limit_uploads(24 << 20);
    let uploader = Uploader::start(store(&proxy.endpoint(), &bucket.uri("p/")));
    let folder = tempfile::tempdir().unwrap();
    let mut uploads = Vec::new();
    for kill in 0..kills as u64 {
        let large = upload(folder.path(), &format!("{kill}-large"), &random_bytes(kill, LARGE));
        uploads.push(Upload { rank: Rank::Checkpoint(kill), ..large });
        for number in 0..20 {
            let bytes = random_bytes(kill * 100 + number, 1 << 20);
            uploads.push(upload(folder.path(), &format!("{kill}-{number}"), &bytes));
        }
        uploads[uploads.len() - 21..].iter().for_each(|upload| uploader.submit(upload.clone()));
        thread::sleep(Duration::from_secs_f64(random.random_range(0.2..3.0)));
        server.kill();
        thread::sleep(Duration::from_secs_f64(random.random_range(0.0..1.0)));
        server.restart();
    }
    let drained = uploader.drain(within(MINUTES));
    assert_eq!(drained.left, 0, "{drained:?}");
    // A checkpoint that waited for its turn makes room for the next; the last is always there.
    let there = bucket.list("p/");
    let skipped = |upload: &Upload| {
        matches!(upload.rank, Rank::Checkpoint(number) if number + 1 < kills as u64)
            && !there.iter().any(|object| object.key.ends_with(&upload.key))
    };
    uploads.retain(|upload| !skipped(upload));
    assert_there(&bucket, "p/", &uploads);
    let (objects, failed) =
        (uploads.len(), proxy.log().iter().filter(|s| s.status.is_none()).count());
    assert!(failed > 0, "no request met a dead server");
    matrix(
        "C7",
        &server,
        &format!("{kills} times kill -9 and restart during uploads, {failed} requests cut off"),
        &format!("{objects} objects there, all bytes right"),
    );
}

#[test]
fn the_producer_waits_in_an_outage_and_memory_stays() {
    let test = "s3::uploads::the_producer_waits_in_an_outage_and_memory_stays";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let bucket = server.bucket("outage");
    let proxy = Proxy::to(&server.endpoint());
    let objects = Match::any().containing("/files/");
    proxy.always(objects.clone(), Fault::SlowDown);
    let uploader = Arc::new(Uploader::start(store(&proxy.endpoint(), &bucket.uri("p/"))));
    let folder = tempfile::tempdir().unwrap();
    // One file under many names: 10 x 32 MiB are over the cap of 256 MiB.
    let file = upload(folder.path(), "file", &random_bytes(seed(), 32 << 20));
    let uploads: Vec<_> =
        (0..10).map(|number| Upload { key: format!("files/{number}"), ..file.clone() }).collect();
    let memory = resident();
    let stop = AtomicBool::new(false);
    uploads[..8].iter().for_each(|upload| uploader.submit(upload.clone()));
    let started = Instant::now();
    uploader.wait_for_room(&stop);
    assert!(started.elapsed() < Duration::from_secs(1), "there was room");
    uploads[8..].iter().for_each(|upload| uploader.submit(upload.clone()));
    let waiting = {
        let uploader = Arc::clone(&uploader);
        thread::spawn(move || uploader.wait_for_room(&AtomicBool::new(false)))
    };
    thread::sleep(Duration::from_secs(rounds(3, 20) as u64));
    assert!(!waiting.is_finished(), "320 MiB may be lost with the disk");
    let waited = resident().saturating_sub(memory);
    proxy.heal();
    let healed = Instant::now();
    waiting.join().unwrap();
    let freed = healed.elapsed();
    assert!(freed < Duration::from_secs(40), "{freed:?}");
    let drained = uploader.drain(within(MINUTES));
    assert_eq!((drained.uploaded, drained.left), (10, 0));
    assert_there(&bucket, "p/", &uploads);
    assert!(waited < 128 << 20, "{waited} bytes more in memory while 320 MiB waited");
    matrix(
        "outage",
        server,
        "320 MiB wait for a server that says 503",
        &format!(
            "the producer waits, {} KiB more in memory; goes on {freed:.1?} after it",
            waited >> 10
        ),
    );
}

#[test]
fn s3_connections_and_files_do_not_pile_up() {
    let test = "s3::uploads::s3_connections_and_files_do_not_pile_up";
    let count = rounds(150, 1000);
    for server in stand_ins(test) {
        let bucket = server.bucket("leaks");
        let proxy = Proxy::to(&server.endpoint());
        proxy.random(
            seed(),
            0.05,
            Match::any().containing("/files/"),
            &[Fault::SlowDown, Fault::Reset, Fault::Fin, Fault::DroppedReply, Fault::ErrorInOk],
        );
        let folder = tempfile::tempdir().unwrap();
        let uploads: Vec<_> = (0..count as u64)
            .map(|n| upload(folder.path(), &n.to_string(), &random_bytes(n, 20_000)))
            .collect();
        let large = upload(folder.path(), "large", &random_bytes(seed(), LARGE));
        let uploader = Uploader::start(store(&proxy.endpoint(), &bucket.uri("p/")));
        let mut most = 0;
        for part in uploads.chunks(50) {
            part.iter().for_each(|upload| uploader.submit(upload.clone()));
            assert_eq!(uploader.drain(within(MINUTES)).left, 0);
            most = most.max(connections(&proxy));
        }
        uploader.submit(Upload { rank: Rank::Checkpoint(1), ..large.clone() });
        assert_eq!(uploader.drain(within(MINUTES)).left, 0);
        let files = open_files().filter(|path| path.starts_with(folder.path())).count();
        assert_eq!(files, 0, "files stay open");
        // Four workers, and one that asked for the region.
        assert!(most <= 8, "{most} connections are kept");
        assert!(connections(&proxy) <= 16, "connections of parts pile up");
        assert_there(&bucket, "p/", &[uploads, vec![large]].concat());
        matrix(
            "S3 leaks",
            server,
            &format!("{count} uploads and one in parts, 5 % faults"),
            &format!("at most {most} connections kept, no file open, no upload in parts open"),
        );
    }
}

/// Connections to a proxy that are open at this end.
fn connections(proxy: &Proxy) -> usize {
    let port = proxy.endpoint().rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let to_proxy = format!("0100007F:{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        // 01: established.
        .filter(|fields| fields[2] == to_proxy && fields[3] == "01")
        .count()
}

fn open_files() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
}
