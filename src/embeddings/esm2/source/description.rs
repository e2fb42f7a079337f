//! The two kinds of small objects of a model in the bucket.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::http::hub::{Commit, HubModel};
use crate::storage::SourceFile;
use crate::storage::remote::{Content, ObjectStore, RemoteError};
use crate::storage::sync::{Go, UploadWatcher, without};

/// The version of both.
const SCHEMA: &str = "dyad.encoder.v1";

/// The commit of a branch or tag.
#[derive(Serialize, Deserialize)]
pub(super) struct Reference {
    schema: String,
    model: String,
    revision: String,
    pub(super) commit: Commit,
}

/// The files of a commit.
#[derive(Serialize, Deserialize)]
pub(super) struct Description {
    schema: String,
    model: String,
    commit: Commit,
    pub(super) files: Vec<SourceFile>,
}

/// What says of itself which model it is about.
pub(super) trait About {
    /// Whether it is of this version and about this model.
    fn is_about(&self, model: &HubModel) -> bool;
}

impl About for Reference {
    fn is_about(&self, model: &HubModel) -> bool {
        let said = (&*self.schema, &*self.model, &*self.revision);
        said == (SCHEMA, model.id(), model.revision())
    }
}

impl About for Description {
    /// The revision of `model` is the commit.
    fn is_about(&self, model: &HubModel) -> bool {
        let said = (&*self.schema, &*self.model, self.commit.as_str());
        said == (SCHEMA, model.id(), model.revision())
    }
}

impl Reference {
    pub(super) fn new(model: &HubModel, commit: &Commit) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            model: model.id().to_owned(),
            revision: model.revision().to_owned(),
            commit: commit.clone(),
        }
    }
}

impl Description {
    pub(super) fn new(model: &HubModel, commit: &Commit, files: Vec<SourceFile>) -> Self {
        let (schema, model) = (SCHEMA.to_owned(), model.id().to_owned());
        Self { schema, model, commit: commit.clone(), files }
    }
}

/// The content of such an object.
pub(super) fn text(value: &impl Serialize) -> Vec<u8> {
    // Texts and numbers always serialise.
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

/// Writes a description when the last of its files is there.
#[derive(Debug)]
pub(super) struct Describe {
    left: AtomicUsize,
    key: String,
    text: Vec<u8>,
}

impl Describe {
    /// Writes `description` under `key`.
    pub(super) fn new(key: String, description: &Description) -> Self {
        Self { left: AtomicUsize::new(description.files.len()), key, text: text(description) }
    }
}

impl UploadWatcher for Describe {
    fn before(&self, _: &dyn ObjectStore) -> Result<Go, RemoteError> {
        Ok(Go::Upload)
    }

    fn after(&self, objects: &dyn ObjectStore) {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        if let Err(error) = objects.create(&self.key, &Content::of(&self.text)) {
            without(
                &error,
                "the encoder is in S3 and not described there: the next run tries again",
            );
        }
    }
}
