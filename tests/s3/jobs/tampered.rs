//! P3: objects that somebody else put, or changed, where jobs keep theirs.

use std::collections::BTreeMap;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Place;
use crate::crash::matrix;
use crate::crash::store::files;
use crate::support::job::Job;
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::{Kind, Server};
use crate::support::shown;
use crate::{rounds, seed};

const MIB: usize = 1 << 20;

/// What lies in the bucket, by a part of its key.
const KINDS: [&str; 5] = ["/shards/", "/ckpt/", "pin.json", "space.json", "/plans/"];

/// Keys that nobody of ours writes, in any folder.
const NAMES: [&str; 8] = [
    "../../x",
    "../../../../../../x",
    "/x",
    "..%2f..%2fx.safetensors",
    "..\\..\\x.safetensors",
    "x y/+\u{e9}%20",
    "4294967295.json",
    "000000999999-a1-0123456789abcdef.safetensors",
];

#[derive(Clone, Copy, Debug)]
enum Damage {
    Flipped,
    Truncated,
    Empty,
    Huge,
    /// Another object of the same kind, whole.
    Other,
}

const DAMAGES: [Damage; 5] =
    [Damage::Flipped, Damage::Truncated, Damage::Empty, Damage::Huge, Damage::Other];

#[test]
fn p3_tampered_objects_are_rejected() {
    let test = "p3_tampered_objects_are_rejected";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-p3");
    let settings = [
        ("epochs", "100"),
        ("checkpoint_seconds", "1"),
        ("seal_seconds", "0"),
        ("token_budget", "1024"),
    ];
    // Another run, for the damage that takes an object of it; its proteins are others, too.
    let foreign = place.job(&[&settings[..], &[("seed", "7"), ("max_proteins", "90")]].concat());
    foreign.complete();
    let foreign = place.objects("");
    place.empty("");
    let job = place.job(&settings);
    let (reference, _) = uninterrupted(&job);
    let good = place.objects("");

    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let mut cases: Vec<(&str, Damage)> = Vec::new();
    for kind in KINDS {
        let mut damages = DAMAGES;
        damages.shuffle(&mut random);
        cases.extend(damages[..rounds(1, DAMAGES.len())].iter().map(|damage| (kind, *damage)));
    }
    let (mut recovered, mut refused) = (0, 0);
    for (kind, damage) in &cases {
        let case = format!("{kind} {damage:?}, seed {}", seed());
        put_all(&place, &good);
        // Of shards and plans any, of checkpoints the newest.
        let mut keys: Vec<_> = good.keys().filter(|key| key.contains(kind)).collect();
        let key = match *kind {
            "/ckpt/" => keys.pop(),
            _ => keys.choose(&mut random).copied(),
        };
        let key = key.unwrap();
        place.put(key, damaged(*damage, key, &good, &foreign, &mut random));
        if *kind == "/plans/" {
            // A plan is read where something is missing.
            place.empty("/shards/");
        }
        litter(&place, &good);
        match outcome(&job, &case) {
            None => refused += 1,
            Some(exact) => {
                recovered += 1;
                if exact {
                    assert_equal(&job.model_files(), &reference);
                }
            }
        }
        assert_confined(&job, &case);
        job.wipe_everything();
        place.empty("");
    }
    matrix(
        "P3 S3",
        &format!(
            "{} tampered objects of {} kinds, {} odd names in each folder",
            cases.len(),
            KINDS.len(),
            NAMES.len()
        ),
        &format!(
            "{recovered} jobs recovered, {refused} refused with a message, nothing written outside"
        ),
    );
}

/// Runs the job on tampered objects: `None` if it was refused, else whether it promised the
/// reference's bytes.
fn outcome(job: &Job, case: &str) -> Option<bool> {
    let output = job.run();
    let log = shown(&output);
    assert!(!log.contains("panic"), "{case}: {log}");
    if !output.status.success() {
        assert_eq!(output.status.code(), Some(2), "{case}: {log}");
        let failure = job.failure();
        let told = ["remove it", "move the folder away"].iter().any(|told| failure.contains(told));
        assert!(failure.contains("s3://") && told, "{case}: {failure}");
        return None;
    }
    // A space is what everything else is of; it must not be taken for granted.
    assert!(!case.starts_with("space.json"), "{case}: {log}");
    Some(!log.contains("the result is not bit-identical"))
}

fn damaged(
    damage: Damage,
    key: &str,
    good: &BTreeMap<String, Vec<u8>>,
    foreign: &BTreeMap<String, Vec<u8>>,
    random: &mut ChaCha8Rng,
) -> Vec<u8> {
    let mut bytes = good[key].clone();
    match damage {
        Damage::Flipped => {
            let at = random.random_range(0..bytes.len());
            bytes[at] ^= 1 << random.random_range(0..8);
            bytes
        }
        Damage::Truncated => bytes[..random.random_range(1..bytes.len())].to_vec(),
        Damage::Empty => Vec::new(),
        Damage::Huge => vec![b' '; 100 * MIB],
        Damage::Other => {
            let kind = KINDS.iter().find(|kind| key.contains(*kind)).unwrap();
            let mut others = foreign.iter().filter(|(other, _)| other.contains(kind));
            let other = others.find(|(_, other)| **other != bytes).map(|(_, bytes)| bytes.clone());
            // All runs with one encoder have one space.
            other.unwrap_or_else(|| b"{}".to_vec())
        }
    }
}

fn put_all(place: &Place, objects: &BTreeMap<String, Vec<u8>>) {
    objects.iter().for_each(|(key, bytes)| place.put(key, bytes.clone()));
}

/// Odd names in every folder.
fn litter(place: &Place, good: &BTreeMap<String, Vec<u8>>) {
    let mut folders: Vec<_> = good.keys().filter_map(|key| key.rsplit_once('/')).collect();
    folders.dedup_by_key(|(folder, _)| *folder);
    for (folder, _) in folders {
        NAMES.iter().for_each(|name| place.put(&format!("{folder}/{name}"), *b"foreign"));
    }
}

/// Below the root are only files of ours, and beside it is nothing new.
fn assert_confined(job: &Job, case: &str) {
    let root = job.path("");
    for file in files(&root) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with('x') && !name.contains(".."), "{case}: {}", file.display());
        assert!(!name.starts_with("4294967295"), "{case}: {}", file.display());
    }
    let mut above = root.as_path();
    while let Some(parent) = above.parent() {
        assert!(!parent.join("x").exists(), "{case}: {}", parent.display());
        above = parent;
    }
}
