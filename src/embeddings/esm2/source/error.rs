//! Why an encoder cannot be had.

use super::super::EncoderError;
use super::super::published::published_names;
use crate::http::hub::{HubError, HubModel};
use crate::storage::StorageError;
use crate::storage::remote::RemoteError;

/// An encoder that cannot be had by the name that was given.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A text that means nothing.
    #[error(
        "`{0}` is neither a folder nor a known encoder; give the folder of an ESM-2 model, a file of fair-esm \
         (`.pt`), one of {names}, or `owner/name` of a model of Hugging Face",
        names = published_names()
    )]
    Unknown(String),
    /// The hub does not give it.
    #[error(
        "no folder `{model}` is here, and as a model of Hugging Face it cannot be fetched: {source}"
    )]
    Hub {
        /// What was asked for.
        model: Box<HubModel>,
        /// What failed.
        source: HubError,
    },
    /// Nobody answers for the hub.
    #[error(
        "no folder `{model}` is here, and as a model of Hugging Face it cannot be fetched: {source}; without a \
         network, give the encoder's folder (`--encoder`, in a job the channel `encoder`)"
    )]
    NoHub {
        /// What was asked for.
        model: Box<HubModel>,
        /// What failed.
        source: HubError,
    },
    /// A model without the files of an encoder.
    #[error(
        "the model `{model}` of Hugging Face has no `{name}`; give one with `config.json` and \
         `model.safetensors`"
    )]
    NoEncoder {
        /// What was asked for.
        model: Box<HubModel>,
        /// The file that it lacks.
        name: String,
    },
    /// It is not here, and the hub is not to be asked.
    #[error(
        "no folder `{model}` is here, and as a model of Hugging Face it is not complete in {places}; with \
         `offline` nothing is fetched: fetch it before with `dyad fetch --encoder {model}`, or set \
         `offline` to false"
    )]
    Offline {
        /// What was asked for.
        model: Box<HubModel>,
        /// Where it was looked for.
        places: String,
    },
    /// Its configuration is not that of an ESM-2 model, or the index of its weights is damaged.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// It cannot be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bucket refuses.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}
