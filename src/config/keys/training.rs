//! What is trained, and how.

use std::ops::Bound::{Excluded, Included};

use super::{Effect, Key};
use crate::config::kind::Kind;

pub(super) const KEYS: [Key; 9] = [
    Key {
        name: "encoder",
        kind: Kind::OptionalText { absent: "none" },
        default: "none",
        // The run id follows from its weights.
        effect: Effect::Conduct,
        help: "folder of an ESM-2 model, a .pt file of fair-esm, or a name at Hugging Face \
               (esm2_t33_650M_UR50D, OWNER/NAME, @REVISION behind)",
    },
    Key {
        name: "epochs",
        kind: Kind::Integer { min: 1, max: 10_000 },
        default: "10",
        effect: Effect::Conduct,
        help: "passes over the training part; more epochs continue a finished run",
    },
    Key {
        name: "batch_size",
        // Batch normalisation needs two pairs to know a variance.
        kind: Kind::Integer { min: 2, max: 1_000_000 },
        default: "32",
        effect: Effect::Result,
        help: "pairs per training step",
    },
    Key {
        name: "learning_rate",
        kind: Kind::Float(Excluded(0.0), Included(1.0)),
        default: "1e-4",
        effect: Effect::Result,
        help: "initial step size of Adam; it halves after 3 epochs without gain",
    },
    Key {
        name: "hidden_sizes",
        kind: Kind::Integers { min: 1, max: 65_536, longest: 16 },
        default: "512,256,128",
        effect: Effect::Result,
        help: "widths of the classifier's hidden layers",
    },
    Key {
        name: "dropout",
        kind: Kind::Float(Included(0.0), Excluded(1.0)),
        default: "0.3",
        effect: Effect::Result,
        help: "share of activations dropped in training",
    },
    Key {
        name: "patience",
        kind: Kind::Integer { min: 0, max: 10_000 },
        default: "0",
        effect: Effect::Conduct,
        help: "epochs without gain before training stops; 0 never stops early",
    },
    Key {
        name: "checkpoint_seconds",
        kind: Kind::Integer { min: 0, max: 86_400 },
        default: "30",
        effect: Effect::Conduct,
        help: "seconds of training between checkpoints, which a crash costs at most; 0 saves each step",
    },
    Key {
        name: "on_bad_checkpoint",
        kind: Kind::Choice(&["fail", "restart"]),
        default: "fail",
        effect: Effect::Conduct,
        help: "if checkpoints of the run exist and none can be used: fail, or train from the start",
    },
];
