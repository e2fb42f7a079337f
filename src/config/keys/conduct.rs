//! Seeds, machine, results.

use std::ops::Bound::{Excluded, Included};

use super::{Effect, Key};
use crate::config::kind::Kind;
use crate::device::PrecisionChoice;

pub(super) const KEYS: [Key; 12] = [
    Key {
        name: "seed",
        // TOML integers end there.
        kind: Kind::Integer { min: 0, max: i64::MAX as u64 },
        default: "42",
        effect: Effect::Result,
        help: "seeds the split, the negatives, the initial weights and the order of pairs",
    },
    Key {
        name: "seeds",
        kind: Kind::Integer { min: 1, max: 100 },
        default: "1",
        // The model is that of the first; the others only tell what it is worth.
        effect: Effect::Conduct,
        help: "trainings on the same split, with seed, seed + 1 and so on: mean and spread of their test \
               results; the model is the first",
    },
    Key {
        name: "device",
        kind: Kind::Device,
        default: "auto",
        effect: Effect::Conduct,
        help: "device that computes; one that is named must be there. With auto and cuda all GPUs embed and the \
               first trains; cuda:N is one alone",
    },
    Key {
        name: "precision",
        kind: Kind::Choice(PrecisionChoice::WORDS),
        default: "auto",
        effect: Effect::Result,
        help: "number format of the encoder's forward pass; auto takes the fastest of the device",
    },
    Key {
        name: "embedding_dtype",
        kind: Kind::Choice(&["f32", "f16"]),
        default: "f32",
        effect: Effect::Result,
        help: "number format of stored embeddings; f16 halves the space and rounds",
    },
    Key {
        name: "token_budget",
        kind: Kind::OptionalInteger { min: 16, max: 1_000_000_000, absent: "auto" },
        default: "auto",
        effect: Effect::Conduct,
        help: "tokens per batch of the encoder; auto lets the device decide; halved where memory does not suffice",
    },
    Key {
        name: "seal_seconds",
        kind: Kind::Integer { min: 0, max: 86_400 },
        default: "30",
        effect: Effect::Conduct,
        help: "seconds of computed embeddings a kill may cost; 0 keeps every batch at once",
    },
    Key {
        name: "bundle_encoder",
        kind: Kind::Bool,
        default: "false",
        effect: Effect::Conduct,
        help: "put the encoder's weights into the model directory",
    },
    Key {
        name: "strict",
        kind: Kind::Bool,
        default: "false",
        effect: Effect::Conduct,
        help: "fail, once the model is written, if the evaluation has a warning",
    },
    Key {
        name: "expected_ceiling",
        kind: Kind::Float(Excluded(0.0), Included(1.0)),
        default: "1.0",
        effect: Effect::Conduct,
        help: "AUROC on test pairs above which a result counts as too good to be believed",
    },
    Key {
        name: "storage_uri",
        kind: Kind::OptionalS3Uri { absent: "none" },
        default: "none",
        effect: Effect::Conduct,
        help: "place in S3 that shares embeddings, checkpoints and, outside SageMaker, the model",
    },
    Key {
        name: "sse_kms_key_id",
        kind: Kind::OptionalText { absent: "none" },
        default: "none",
        effect: Effect::Conduct,
        help: "KMS key that encrypts what is written there; none leaves it to the bucket",
    },
];
