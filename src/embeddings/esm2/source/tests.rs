use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::digest::Digest;
use crate::progress::Silent;
use crate::storage;
use crate::storage::remote::{MemoryStore, ObjectStore as _};

const NAME: &str = "lab/small";
const FILES: [&str; 2] = [CONFIG, weights::SINGLE];

/// What a file of these tests holds: a real configuration, and weights that nobody opens.
fn content(name: &str) -> Vec<u8> {
    match name {
        CONFIG => include_bytes!("../../../../tests/fixtures/esm2_random/config.json").to_vec(),
        name => name.repeat(1000).into_bytes(),
    }
}

fn commit(digit: &str) -> Commit {
    digit.repeat(40).parse().unwrap()
}

/// A machine that reaches a bucket, and no hub.
struct Machine {
    cache: TempDir,
    access: HubAccess,
    remote: Remote,
}

impl Machine {
    fn new(store: &Arc<MemoryStore>) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let endpoint = "http://127.0.0.1:9".parse().unwrap();
        let access = HubAccess { endpoint, token: None, cache: cache.path().to_owned() };
        let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
        Self { cache, access, remote }
    }

    /// Lays files into the cache as the hub's own programs do.
    fn has(&self, commit: &Commit) -> PathBuf {
        let model: HubModel = NAME.parse().unwrap();
        let folder = self.access.snapshot(&model, commit);
        storage::create_folder(&folder).unwrap();
        for name in FILES {
            storage::write_atomic(&folder.join(name), &content(name)).unwrap();
        }
        self.access.remember(&model, commit).unwrap();
        folder
    }

    fn locate(&self, name: &str) -> Result<Located, SourceError> {
        let lookup = Lookup {
            hub: &self.access,
            limits: HubLimits::default(),
            offline: true,
            remote: Some(&self.remote),
            observer: &Silent,
            shutdown: &Shutdown::default(),
        };
        let located = locate(&Source::of(name).unwrap(), &lookup);
        self.remote.uploader().drain(|| Some(Instant::now() + Duration::from_secs(10)));
        located
    }
}

#[test]
fn what_one_machine_has_another_reads_from_the_bucket() {
    let store = Arc::new(MemoryStore::default());
    let first = Machine::new(&store);
    let there = first.has(&commit("1"));
    assert_eq!(first.locate(NAME).unwrap().folder, there);
    let digests = FILES.map(|name| Digest::of(&content(name)));
    let mut expected = digests.map(|digest| format!("encoders/v1/files/{digest}")).to_vec();
    expected.sort();
    let model = "encoders/v1/models/lab--small";
    let described = [format!("{model}/{}.json", commit("1")), format!("{model}/refs/main.json")];
    expected.extend(described);
    assert_eq!(store.keys(), expected);

    // Elsewhere the branch has moved on meanwhile: what the bucket remembers counts.
    let second = Machine::new(&store);
    let newer = second.has(&commit("2"));
    let located = second.locate(NAME).unwrap();
    assert_ne!(located.folder, newer);
    for name in FILES {
        assert_eq!(fs::read(located.folder.join(name)).unwrap(), content(name));
    }
    let pinned = format!("{NAME}@{}", commit("2"));
    assert_eq!(second.locate(&pinned).unwrap().folder, newer);
    let main = second.cache.path().join("models--lab--small/refs/main");
    assert_eq!(fs::read_to_string(main).unwrap(), commit("1").as_str());
}

#[test]
fn damaged_and_missing_objects_are_no_encoder_and_denied_ones_an_error() {
    let store = Arc::new(MemoryStore::default());
    let first = Machine::new(&store);
    first.has(&commit("1"));
    first.locate(NAME).unwrap();
    let weights = Digest::of(&content(weights::SINGLE));
    let key = format!("encoders/v1/files/{weights}");
    for other in ["short".to_owned(), "x".repeat(weights::SINGLE.len() * 1000)] {
        store.put(&key, other.as_bytes());
        let machine = Machine::new(&store);
        let error = machine.locate(NAME).unwrap_err();
        assert!(matches!(error, SourceError::Offline { .. }), "{error}");
        let model: HubModel = NAME.parse().unwrap();
        let folder = machine.access.snapshot(&model, &commit("1"));
        let left: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [CONFIG], "only what was verified is kept");
    }
    store.deny(&key);
    let error = Machine::new(&store).locate(NAME).unwrap_err();
    assert!(matches!(error, SourceError::Remote(_)), "{error}");
}

#[test]
fn what_is_no_esm2_is_not_offered() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    let folder = machine.has(&commit("1"));
    storage::write_atomic(&folder.join(CONFIG), br#"{"model_type": "bert"}"#).unwrap();
    let error = machine.locate(NAME).unwrap_err();
    assert!(matches!(error, SourceError::Encoder(_)), "{error}");
    assert_eq!(store.keys(), ["encoders/v1/models/lab--small/refs/main.json"]);
}

#[test]
fn descriptions_of_something_else_or_of_too_little_are_none() {
    let store = Arc::new(MemoryStore::default());
    let first = Machine::new(&store);
    first.has(&commit("1"));
    first.locate(NAME).unwrap();
    let key = format!("encoders/v1/models/lab--small/{}.json", commit("1"));
    let there = String::from_utf8(store.read(&key, 1 << 20).unwrap()).unwrap();
    let lacking = there.replace(weights::SINGLE, "model.other");
    let other = there.replace(commit("1").as_str(), commit("2").as_str());
    for text in
        [lacking, other, there.replace("lab/small", "lab/large"), there.replace(".v1", ".v2")]
    {
        store.put(&key, text.as_bytes());
        let error = Machine::new(&store).locate(NAME).unwrap_err();
        assert!(matches!(error, SourceError::Offline { .. }), "{error}");
    }
}

#[test]
fn a_killed_restore_leaves_nothing_behind() {
    let store = Arc::new(MemoryStore::default());
    let first = Machine::new(&store);
    first.has(&commit("1"));
    first.locate(NAME).unwrap();
    let second = Machine::new(&store);
    let folder = second.access.snapshot(&NAME.parse().unwrap(), &commit("1"));
    let half = folder.join("model.safetensors.1-2.sagemaker-ignore");
    storage::create_folder(&folder).unwrap();
    storage::write_atomic(&half, b"half").unwrap();
    assert_eq!(second.locate(NAME).unwrap().folder, folder);
    assert!(!half.exists());
}

#[test]
fn a_bucket_that_is_away_is_gone_without() {
    let store = Arc::new(MemoryStore::default());
    let machine = Machine::new(&store);
    let there = machine.has(&commit("1"));
    store.fail_next(2);
    assert_eq!(machine.locate(NAME).unwrap().folder, there);
}

#[test]
fn a_text_is_a_folder_if_there_is_one_and_else_a_name() {
    let of = |text: &str| Source::of(text);
    let hub = |text: &str| Source::Hub(text.parse().unwrap());
    assert_eq!(of("src").unwrap(), Source::Folder("src".into()));
    assert_eq!(of("src/embeddings").unwrap(), Source::Folder("src/embeddings".into()));
    assert_eq!(of("esm2_t6_8M_UR50D").unwrap(), hub("facebook/esm2_t6_8M_UR50D"));
    assert_eq!(of("ESM2_T6_8M_ur50d@v1").unwrap(), hub("facebook/esm2_t6_8M_UR50D@v1"));
    assert_eq!(of("lab/model@v1").unwrap(), hub("lab/model@v1"));
    for path in ["/nowhere/esm2", "./esm2", "a/b/c", "lab/model/"] {
        assert_eq!(of(path).unwrap(), Source::Folder(path.into()), "{path}");
    }
    insta::assert_snapshot!(of("esm2_8M").unwrap_err(), @"`esm2_8M` is neither a folder nor a known encoder; give the folder of an ESM-2 model, a file of fair-esm (`.pt`), one of `esm2_t6_8M_UR50D`, `esm2_t12_35M_UR50D`, `esm2_t30_150M_UR50D`, `esm2_t33_650M_UR50D`, `esm2_t36_3B_UR50D`, `esm2_t48_15B_UR50D`, or `owner/name` of a model of Hugging Face");
}
