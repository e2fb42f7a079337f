//! What can be wrong with a model directory.

use std::path::PathBuf;

use crate::embeddings::esm2::{EncoderError, EncoderIdentity};
use crate::storage::StorageError;
use crate::storage::remote::RemoteError;

/// Why a model directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bucket refused the model, or did not answer.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// No manifest.
    #[error(
        "`{0}` is not a model directory: it has no `manifest.json`; give the folder that `dyad train` wrote, unpacked"
    )]
    NotAModel(PathBuf),
    /// The run that wrote it was stopped before there was a model.
    #[error("the run that wrote `{0}` was stopped before it had a model; run it to its end")]
    NoModelYet(PathBuf),
    /// A file that is not what the manifest says.
    #[error("the model file `{path}` is damaged: {problem}; unpack the model again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A model of a version that computed embeddings in another way.
    #[error(
        "`{0}` was trained on embeddings that this version of Dyad ({version}) computes in another \
         way; use the version that its `manifest.json` names, or train again",
        version = env!("CARGO_PKG_VERSION")
    )]
    OtherSpace(PathBuf),
    /// The encoder cannot be read.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The encoder is neither given nor bundled.
    #[error(
        "this model needs the encoder that it was trained with, {}; give it with `--encoder`",
        named(.0)
    )]
    EncoderNotGiven(Box<EncoderIdentity>),
    /// The encoder is not the one the classifier was trained with.
    #[error(
        "the encoder in `{folder}` is not the one that this model was trained with, {}; give that \
         one with `--encoder`",
        named(expected)
    )]
    OtherEncoder {
        /// The folder of the encoder that was given.
        folder: PathBuf,
        /// The right one.
        expected: Box<EncoderIdentity>,
    },
}

fn named(EncoderIdentity { name, source, digest }: &EncoderIdentity) -> String {
    format!("`{name}` (digest {}), which was read from `{source}`", digest.short(12))
}
