//! Sharing a finished model: its files as objects, the manifest last.

use std::path::Path;

use super::{Error, Listing, MANIFEST, MAX_JSON_BYTES, parse};
use crate::digest::Digest;
use crate::storage;
use crate::storage::remote::{Body, Content, Problem, Put, RemoteError};
use crate::storage::sync::Remote;

/// Uploads the model directory `folder` of a run and gives the place where it lies.
///
/// The place is named by the manifest, so that a longer run's model lies beside the shorter one's
/// and nothing is overwritten. A place without manifest is no model.
pub fn publish(folder: &Path, run_id: &str, remote: &Remote) -> Result<String, Error> {
    let path = folder.join(MANIFEST);
    let bytes = storage::read(&path, MAX_JSON_BYTES)?;
    let manifest: Listing = parse(&path, &bytes)?;
    let place = format!("runs/{run_id}/model/{}/", Digest::of(&bytes).short(16));
    let shown = format!("{}{place}", remote.objects().place());
    let last = format!("{place}{MANIFEST}");
    match remote.objects().read(&last, MAX_JSON_BYTES) {
        // Published before, all of it.
        Ok(there) if there == bytes => return Ok(shown),
        Ok(_) | Err(RemoteError { problem: Problem::Absent | Problem::TooLarge(_), .. }) => {}
        Err(error) => return Err(error.into()),
    }
    for (name, digest) in &manifest.files {
        let path = folder.join(name);
        let bytes = storage::length(&path)?;
        let content = Content { body: Body::File(&path), bytes, digest: *digest };
        create(remote, &format!("{place}{name}"), &content)?;
    }
    create(remote, &last, &Content::of(&bytes))?;
    Ok(shown)
}

fn create(remote: &Remote, key: &str, content: &Content<'_>) -> Result<(), RemoteError> {
    match remote.objects().create(key, content)? {
        Put::New | Put::Same => Ok(()),
        Put::Other => {
            let problem = "another content lies there, damaged or foreign: remove it".to_owned();
            Err(RemoteError {
                action: "s3:PutObject",
                uri: format!("{}{key}", remote.objects().place()),
                problem: Problem::Refused(problem),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::{ModelWriter, Provenance};
    use super::*;
    use crate::storage::remote::{MemoryStore, ObjectStore as _};

    #[test]
    fn a_model_is_complete_before_its_manifest_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ModelWriter::begin(folder.path()).unwrap();
        writer.json("config.json", &1).unwrap();
        let provenance = Provenance {
            run_id: "run".to_owned(),
            complete: true,
            engine: "test".to_owned(),
            inputs: std::collections::BTreeMap::new(),
            origins: std::collections::BTreeMap::new(),
        };
        writer.finish(provenance).unwrap();
        let store = Arc::new(MemoryStore::default());
        let remote = Remote::with_patience(store.clone(), Duration::from_millis(1));
        let place = publish(folder.path(), "run", &remote).unwrap();
        assert!(place.starts_with("s3://memory/runs/run/model/"), "{place}");
        assert_eq!(publish(folder.path(), "run", &remote).unwrap(), place, "again");
        let prefix = place.strip_prefix("s3://memory/").unwrap();
        let names = |store: &MemoryStore| -> Vec<String> {
            store.list(prefix).unwrap().objects.into_iter().map(|object| object.name).collect()
        };
        assert_eq!(names(&store), ["config.json", "manifest.json"]);

        let other = Arc::new(MemoryStore::default());
        other.deny(&format!("{prefix}config.json"));
        let remote = Remote::with_patience(other.clone(), Duration::from_millis(1));
        assert!(publish(folder.path(), "run", &remote).is_err());
        assert!(names(&other).is_empty());
    }
}
