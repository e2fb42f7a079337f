//! A model trained once for all tests of a run, by the binary, on a part of the sample.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use dyad::sample;

use super::{dyad, small_encoder, succeed};

/// Epochs of the shared model.
pub(crate) const EPOCHS: usize = 2;

/// A small model with its inputs.
pub(crate) struct Trained {
    /// Holds everything, and may hold more.
    pub(crate) folder: PathBuf,
    /// The model directory; the encoder is not bundled.
    pub(crate) model: PathBuf,
    /// The sample's sequences.
    pub(crate) sequences: PathBuf,
    /// The store with the embeddings of the training run.
    pub(crate) cache: PathBuf,
    /// The log of the training run.
    pub(crate) log: String,
}

/// The model, trained when first asked for.
pub(crate) fn trained() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trained");
        // Left by an earlier run; the first run finds nothing.
        let _ = fs::remove_dir_all(&folder);
        let settings = sample::Settings { seed: 1, shuffled: false };
        sample::write(&sample::generate(&settings), &folder).unwrap();
        let mut trained = Trained {
            model: folder.join("model"),
            sequences: folder.join(sample::SEQUENCES_FILE),
            cache: folder.join("cache"),
            log: String::new(),
            folder,
        };
        (_, trained.log) = succeed(&mut trained.train(&trained.model));
        trained
    })
}

impl Trained {
    /// The command that trained the model, writing to `out`.
    pub(crate) fn train(&self, out: &Path) -> Command {
        self.train_with(out, EPOCHS, &small_encoder())
    }

    /// The same for another number of epochs or an encoder elsewhere.
    pub(crate) fn train_with(&self, out: &Path, epochs: usize, encoder: &Path) -> Command {
        let mut command = dyad();
        command.arg("train").arg(format!("--epochs={epochs}")).arg("--max-proteins=150");
        command.arg("--interactions").arg(self.folder.join(sample::INTERACTIONS_FILE));
        command.arg("--sequences").arg(&self.sequences).arg("--encoder").arg(encoder);
        command.arg("--out").arg(out).arg("--cache").arg(&self.cache);
        command
    }

    /// A command that uses the model: `predict` or `evaluate` on `pairs`.
    pub(crate) fn apply(&self, command: &str, pairs: &Path) -> Command {
        let mut applied = dyad();
        applied.arg(command).arg("--model").arg(&self.model).arg("--pairs").arg(pairs);
        applied.arg("--sequences").arg(&self.sequences).arg("--encoder").arg(small_encoder());
        applied.arg("--cache").arg(&self.cache);
        applied
    }
}
