//! The published ESM-2 models by name.

/// A published model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The name without the publisher's.
    pub name: &'static str,
    /// Transformer layers.
    pub layers: usize,
    /// The width of states and embeddings.
    pub width: usize,
}

/// Who publishes them on the hub of Hugging Face.
pub(super) const OWNER: &str = "facebook";

/// Layers and width of the published models (Lin et al. 2023, Science 379, table S1; the
/// `config.json` of each at huggingface.co/facebook). Their feed-forward blocks are four times as wide.
pub(super) const PUBLISHED: [Published; 6] = [
    Published { name: "esm2_t6_8M_UR50D", layers: 6, width: 320 },
    Published { name: "esm2_t12_35M_UR50D", layers: 12, width: 480 },
    Published { name: "esm2_t30_150M_UR50D", layers: 30, width: 640 },
    Published { name: "esm2_t33_650M_UR50D", layers: 33, width: 1280 },
    Published { name: "esm2_t36_3B_UR50D", layers: 36, width: 2560 },
    Published { name: "esm2_t48_15B_UR50D", layers: 48, width: 5120 },
];

/// The published model of this name, in upper or lower case.
pub fn published(name: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// All names in backticks, for messages.
pub(super) fn published_names() -> String {
    let names: Vec<_> = PUBLISHED.iter().map(|known| format!("`{}`", known.name)).collect();
    names.join(", ")
}
