//! The files of a store and of a checkpoint folder, read without the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dyad::digest::Digest;
use safetensors::SafeTensors;

/// The sealed shards of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shards(BTreeMap<Digest, Vec<u8>>);

impl Shards {
    /// Reads every shard below `cache`; each must have the SHA-256 that is its name.
    pub(crate) fn read(cache: &Path) -> Self {
        let mut shards = BTreeMap::new();
        for path in files(cache) {
            let Some(name) = sealed_name(&path) else { continue };
            if !fs::symlink_metadata(&path).unwrap().is_file() {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert_eq!(Digest::of(&bytes), name, "`{}` is damaged", path.display());
            shards.insert(name, bytes);
        }
        Self(shards)
    }

    /// The shards with these contents and names.
    pub(crate) fn of(shards: impl IntoIterator<Item = (Digest, Vec<u8>)>) -> Self {
        let shards: BTreeMap<_, _> = shards.into_iter().collect();
        shards.iter().for_each(|(name, bytes)| assert_eq!(Digest::of(bytes), *name, "damaged"));
        Self(shards)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The stored bytes of each sequence's embedding; copies in several shards must be equal.
    pub(crate) fn rows(&self) -> BTreeMap<Digest, Vec<u8>> {
        let mut rows = BTreeMap::new();
        for bytes in self.0.values() {
            let tensors = SafeTensors::deserialize(bytes).unwrap();
            let (keys, values) = (tensors.tensor("keys").unwrap(), tensors.tensor("emb").unwrap());
            let keys: &[[u8; 32]] = keys.data().as_chunks().0;
            let width = values.data().len() / keys.len();
            for (key, row) in keys.iter().zip(values.data().chunks_exact(width)) {
                let earlier = rows.insert(Digest::from_bytes(*key), row.to_vec());
                assert!(earlier.is_none_or(|earlier| earlier == row), "two values of one row");
            }
        }
        rows
    }

    /// How many shards of `self` are missing in `later`.
    pub(crate) fn lost_in(&self, later: &Self) -> usize {
        self.0.keys().filter(|name| !later.0.contains_key(*name)).count()
    }
}

/// The name of a shard under its final name.
fn sealed_name(path: &Path) -> Option<Digest> {
    let folder = path.parent()?.file_name()?;
    let name = path.file_name()?.to_str()?.strip_suffix(".safetensors")?;
    if folder == "shards" { name.parse().ok() } else { None }
}

/// The sequences of each unit of every plan below `cache`, by the unit's name in the log.
pub(crate) fn planned_units(cache: &Path) -> BTreeMap<Digest, BTreeSet<Digest>> {
    let plans = files(cache).into_iter().filter(|path| path.parent().unwrap().ends_with("plans"));
    let plans = plans.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    units_of(plans.map(|path| fs::read(path).unwrap()))
}

/// The same of plans as they are stored.
pub(crate) fn units_of(
    plans: impl IntoIterator<Item = Vec<u8>>,
) -> BTreeMap<Digest, BTreeSet<Digest>> {
    let units = plans.into_iter().flat_map(|bytes| {
        let plan: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        serde_json::from_value::<Vec<BTreeSet<Digest>>>(plan["units"].clone()).unwrap()
    });
    units
        .map(|unit| {
            let bytes: Vec<u8> = unit.iter().flat_map(|key| *key.as_bytes()).collect();
            (Digest::of(&bytes), unit)
        })
        .collect()
}

/// The units that the encoder was run on, by a log of level `debug`; a line that a kill cut short
/// names none.
pub(crate) fn embedded_units(log: &str) -> impl Iterator<Item = Digest> {
    let names = log.lines().filter_map(|line| line.split_once("unit=")?.1.get(..64));
    names.map(|name| name.parse().unwrap())
}

/// What is left of files in the making anywhere below `folder`.
pub(crate) fn temporaries(folder: &Path) -> Vec<PathBuf> {
    let unfinished = |path: &PathBuf| path.to_string_lossy().contains(".sagemaker-");
    files(folder).into_iter().filter(unfinished).collect()
}

/// Every file below `folder`, which need not exist; links are not followed.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    files.sort();
    files
}
