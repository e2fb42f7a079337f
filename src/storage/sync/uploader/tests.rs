use std::path::Path;

use super::*;
use crate::digest::Digest;
use crate::storage::remote::MemoryStore;
use crate::storage::write_atomic;

fn upload(folder: &Path, name: &str, bytes: &[u8]) -> Upload {
    let path = folder.join(name);
    write_atomic(&path, bytes).unwrap();
    Upload {
        key: format!("shards/{name}"),
        path,
        bytes: bytes.len() as u64,
        digest: Digest::of(bytes),
        rank: Rank::Shard,
        watcher: None,
    }
}

/// Waits for all uploads, for a minute at most.
fn drain(uploader: &Uploader) -> Drained {
    let end = Instant::now() + Duration::from_mins(1);
    uploader.drain(|| Some(end))
}

#[test]
fn files_arrive_although_the_server_fails_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    store.fail_next(7);
    let uploader = Uploader::start(store.clone());
    for number in 0..10_u8 {
        uploader.submit(upload(folder.path(), &number.to_string(), &[number]));
    }
    assert_eq!(drain(&uploader), Drained { uploaded: 10, left: 0 });
    assert_eq!(store.keys().len(), 10);
}

#[test]
fn what_is_refused_or_foreign_is_left_and_what_is_gone_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    store.deny("shards/denied");
    store.put("shards/taken", b"foreign");
    store.put("shards/same", b"same");
    let uploader = Uploader::start(store.clone());
    for name in ["denied", "taken", "same"] {
        uploader.submit(upload(folder.path(), name, name.as_bytes()));
    }
    let gone = upload(folder.path(), "gone", b"gone");
    crate::storage::remove(&gone.path).unwrap();
    uploader.submit(gone);
    assert_eq!(drain(&uploader), Drained { uploaded: 1, left: 2 });
    assert_eq!(store.read("shards/taken", 10).unwrap(), b"foreign");
}

#[test]
fn a_deadline_ends_the_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    store.fail_next(usize::MAX);
    let uploader = Uploader::start(store);
    uploader.submit(upload(folder.path(), "a", b"a"));
    let end = Instant::now() + Duration::from_millis(300);
    assert_eq!(uploader.drain(|| Some(end)), Drained { uploaded: 0, left: 1 });
}

#[test]
fn the_producer_waits_while_too_much_is_unsent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    store.fail_next(usize::MAX);
    let uploader = Arc::new(Uploader::start(store.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    uploader.wait_for_room(&stop);
    // Claimed sizes: one more than the cap in all.
    let huge = Upload { bytes: MAX_UNSENT + 1, ..upload(folder.path(), "a", b"a") };
    uploader.submit(huge);
    let waiting = {
        let (uploader, stop) = (Arc::clone(&uploader), Arc::clone(&stop));
        thread::spawn(move || uploader.wait_for_room(&stop))
    };
    thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    store.fail_next(0);
    waiting.join().unwrap();
    assert_eq!(drain(&uploader).left, 0);

    store.fail_next(usize::MAX);
    uploader.submit(Upload { bytes: MAX_UNSENT + 1, ..upload(folder.path(), "b", b"b") });
    stop.store(true, Ordering::SeqCst);
    uploader.wait_for_room(&stop);
}

/// Says no, or counts what it is told.
#[derive(Debug, Default)]
struct Gate {
    closed: AtomicBool,
    told: AtomicBool,
}

impl UploadWatcher for Gate {
    fn before(&self, _: &dyn ObjectStore) -> Result<Go, RemoteError> {
        Ok(if self.closed.load(Ordering::SeqCst) { Go::Skip } else { Go::Upload })
    }

    fn after(&self, _: &dyn ObjectStore) {
        self.told.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_watcher_can_stop_an_upload_and_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    let uploader = Uploader::start(store.clone());
    for closed in [false, true] {
        let gate = Arc::new(Gate { closed: AtomicBool::new(closed), ..Gate::default() });
        let name = closed.to_string();
        let watcher = Some(gate.clone() as Arc<dyn UploadWatcher>);
        let rank = Rank::Checkpoint(1);
        uploader.submit(Upload { rank, watcher, ..upload(folder.path(), &name, b"x") });
        drain(&uploader);
        assert_eq!(gate.told.load(Ordering::SeqCst), !closed);
    }
    assert_eq!(store.keys(), ["shards/false"]);
}

#[test]
fn a_file_damaged_on_the_disk_is_given_up_and_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    store.fail_next(1);
    let damaged = upload(folder.path(), "damaged", b"what it should be");
    write_atomic(&damaged.path, b"something else").unwrap();
    let uploader = Uploader::start(store.clone());
    uploader.submit(damaged);
    assert_eq!(drain(&uploader), Drained { uploaded: 0, left: 1 });
    assert!(store.keys().is_empty());
}

#[test]
fn a_checkpoint_goes_before_shards_that_are_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    store.fail_next(usize::MAX);
    let uploader = Uploader::start(store.clone());
    for number in 0..2 * WORKERS {
        uploader.submit(upload(folder.path(), &number.to_string(), b"shard"));
    }
    // Long enough for waits that are longer than this test.
    thread::sleep(Duration::from_secs(3));
    let rank = Rank::Checkpoint(1);
    uploader.submit(Upload { rank, ..upload(folder.path(), "checkpoint", b"checkpoint") });
    thread::sleep(Duration::from_millis(500));
    store.fail_next(0);
    assert_eq!(drain(&uploader), Drained { uploaded: 2 * WORKERS + 1, left: 0 });
}
