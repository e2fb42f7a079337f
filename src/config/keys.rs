//! The table of keys: command line options, documentation and checks all derive from it.

use std::ops::Bound::{Excluded, Included};

use super::kind::Kind;
use crate::device::PrecisionChoice;

/// Begins the name of every environment variable that is ours.
pub(super) const VARIABLE_PREFIX: &str = "DYAD_";

/// One setting: its name, what it accepts and what it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The name in every layer, in snake case.
    pub name: &'static str,
    /// What values it accepts.
    pub kind: Kind,
    /// The default, as a user would write it.
    pub default: &'static str,
    /// Whether another value gives another result.
    pub effect: Effect,
    /// What it does, in one line.
    pub help: &'static str,
}

/// What changing a key does to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes the result: another value is another run.
    Result,
    /// It changes how far, where or how fast a run goes, or what is kept of it.
    Conduct,
}

impl Key {
    /// The key of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key whose name is most similar to `name`, by Jaro-Winkler similarity.
    pub fn nearest(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase().replace('-', "_");
        let similarity = |key: &Self| strsim::jaro_winkler(key.name, &name);
        KEYS.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)))
    }

    /// The command line option of a key: `--learning-rate` for `learning_rate`.
    pub fn option(name: &str) -> String {
        format!("--{}", name.replace('_', "-"))
    }

    /// The environment variable of a key: `DYAD_LEARNING_RATE` for `learning_rate`.
    pub fn variable(name: &str) -> String {
        format!("{VARIABLE_PREFIX}{}", name.to_uppercase())
    }
}

/// Every key, in the order of help and documentation.
///
/// Upper limits of counts only catch slips of the pen; they are far above any sensible value.
pub const KEYS: &[Key] = &[
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
    Key {
        name: "negatives",
        kind: Kind::Choice(&["degree_matched", "uniform"]),
        default: "degree_matched",
        effect: Effect::Result,
        help: "how negatives are drawn: degree_matched (every protein as often as in the positives), or uniform",
    },
    Key {
        name: "negative_ratio",
        kind: Kind::Float(Excluded(0.0), Included(1000.0)),
        default: "1.0",
        effect: Effect::Result,
        help: "sampled negatives per positive, where the input has no pairs of label 0",
    },
    Key {
        name: "split",
        kind: Kind::Choice(&["clusters", "proteins", "pairs", "given"]),
        default: "clusters",
        effect: Effect::Result,
        help: "what is split: clusters (training has seen nothing like a test protein), proteins, pairs, or \
               given parts",
    },
    Key {
        name: "cluster_similarity",
        kind: Kind::Float(Excluded(0.0), Included(1.0)),
        default: "0.15",
        effect: Effect::Result,
        help: "share of 5-mers, of the protein with fewer, from which on two are in one cluster",
    },
    Key {
        name: "cluster_by",
        kind: Kind::Choice(&["kmers", "mmseqs"]),
        default: "kmers",
        // The run id follows from the clusters that are found.
        effect: Effect::Conduct,
        help: "what finds similar proteins for split=clusters: kmers (shared 5-mers), or mmseqs (MMseqs2, which \
               must be installed)",
    },
    Key {
        name: "cluster_min_seq_id",
        kind: Kind::Float(Included(0.0), Included(1.0)),
        default: "0.3",
        effect: Effect::Conduct,
        help: "sequence identity from which on MMseqs2 connects two proteins (--min-seq-id)",
    },
    Key {
        name: "cluster_coverage",
        kind: Kind::Float(Included(0.0), Included(1.0)),
        default: "0.5",
        effect: Effect::Conduct,
        help: "share of both proteins that an alignment of MMseqs2 must cover (-c)",
    },
    Key {
        name: "test_fraction",
        kind: Kind::Float(Excluded(0.0), Excluded(1.0)),
        default: "0.2",
        effect: Effect::Result,
        help: "share of proteins (or pairs, as the split) for the test part",
    },
    Key {
        name: "validation_fraction",
        kind: Kind::Float(Excluded(0.0), Excluded(1.0)),
        default: "0.1",
        effect: Effect::Result,
        help: "share of proteins (or pairs, as the split) for the validation part",
    },
    Key {
        name: "max_residues",
        kind: Kind::Integer { min: 16, max: 100_000 },
        default: "1022",
        effect: Effect::Result,
        help: "residues the encoder sees at once; ESM-2 was trained on at most 1022",
    },
    Key {
        name: "long_sequences",
        kind: Kind::Choice(&["truncate", "window"]),
        default: "truncate",
        effect: Effect::Result,
        help: "longer sequences: truncate them, or average overlapping windows",
    },
    Key {
        name: "min_publications",
        kind: Kind::Integer { min: 0, max: 1_000_000 },
        default: "1",
        effect: Effect::Result,
        help: "publications a pair needs at least (HINT and MITAB files)",
    },
    Key {
        name: "evidence",
        kind: Kind::Choice(&["any", "high_throughput", "literature"]),
        default: "any",
        effect: Effect::Result,
        help: "kind of experiment a pair needs at least one of (HINT files)",
    },
    Key {
        name: "min_score",
        kind: Kind::OptionalFloat { from: Included(0.0), to: Included(1.0), absent: "auto" },
        default: "auto",
        effect: Effect::Result,
        help: "score a pair needs at least (MITAB files, STRING's divided by 1000); auto is 0.7 for STRING",
    },
    Key {
        name: "taxon",
        kind: Kind::OptionalInteger { min: 1, max: u32::MAX as u64, absent: "any" },
        default: "any",
        effect: Effect::Result,
        help: "NCBI taxon that both proteins must be of (HINT since 2024, MITAB, STRING)",
    },
    Key {
        name: "expanded_complexes",
        kind: Kind::Choice(&["exclude", "include"]),
        default: "exclude",
        effect: Effect::Result,
        help: "pairs that MITAB files derive from complexes (spoke expansion): leave them out or use them",
    },
    Key {
        name: "self_pairs",
        kind: Kind::Choice(&["exclude", "include"]),
        default: "exclude",
        effect: Effect::Result,
        help: "proteins paired with themselves: leave them out or use them",
    },
    Key {
        name: "label_column",
        kind: Kind::OptionalText { absent: "auto" },
        default: "auto",
        effect: Effect::Result,
        help: "name of the label column; auto looks for label, interaction, y or class",
    },
    Key {
        name: "max_proteins",
        kind: Kind::OptionalInteger { min: 2, max: 1_000_000_000, absent: "none" },
        default: "none",
        effect: Effect::Result,
        help: "use at most so many proteins, a connected random subset for a quick test",
    },
    Key {
        name: "max_pairs",
        kind: Kind::OptionalInteger { min: 1, max: 1_000_000_000, absent: "none" },
        default: "none",
        effect: Effect::Result,
        help: "use at most so many pairs, a connected random subset for a quick test",
    },
    Key {
        name: "max_dropped_fraction",
        kind: Kind::Float(Included(0.0), Included(1.0)),
        default: "0.1",
        // It lets a run pass or fails it; the pairs of a run that passes are the same.
        effect: Effect::Conduct,
        help: "largest share of rows that may be malformed, conflicting or without sequence",
    },
    Key {
        name: "missing_sequences",
        kind: Kind::Choice(&["drop", "fetch"]),
        default: "drop",
        // The run id follows from the sequences that are found.
        effect: Effect::Conduct,
        help: "proteins without sequence in the FASTA files: drop their pairs, or fetch them from UniProt",
    },
    Key {
        name: "uniprot_url",
        kind: Kind::Url,
        default: "https://rest.uniprot.org",
        effect: Effect::Conduct,
        help: "address of UniProt's REST service or a mirror of it",
    },
    Key {
        name: "uniprot_parallel",
        kind: Kind::Integer { min: 1, max: 16 },
        default: "3",
        effect: Effect::Conduct,
        help: "requests to UniProt at a time",
    },
    Key {
        name: "fetch_seconds",
        kind: Kind::Integer { min: 1, max: 86_400 },
        default: "1800",
        effect: Effect::Conduct,
        help: "seconds that fetching may take, all attempts of all requests together",
    },
    Key {
        name: "offline",
        kind: Kind::Bool,
        default: "false",
        effect: Effect::Conduct,
        help: "ask neither UniProt nor HINT nor Hugging Face; what was fetched before is used",
    },
    Key {
        name: "interactions",
        kind: Kind::OptionalSpecies { absent: "files" },
        default: "files",
        // The run id follows from the pairs that are found.
        effect: Effect::Conduct,
        help: "whose interactions are fetched from HINT, where no file is given",
    },
    Key {
        name: "hint_url",
        kind: Kind::Url,
        default: "https://hint.yulab.org/download-raw",
        effect: Effect::Conduct,
        help: "address of HINT's files, for interactions such as hint:HomoSapiens",
    },
    Key {
        name: "hint_release",
        kind: Kind::OptionalText { absent: "none" },
        default: "2024-06",
        effect: Effect::Conduct,
        help: "release of HINT, a folder there; none where the address has no such folders",
    },
    Key {
        name: "hint_quality",
        kind: Kind::Choice(&["hq", "all"]),
        default: "hq",
        effect: Effect::Conduct,
        help: "which of HINT's files: high quality, or all",
    },
    Key {
        name: "hint_kind",
        kind: Kind::Choice(&["binary", "cocomp"]),
        default: "binary",
        effect: Effect::Conduct,
        help: "which of HINT's files: binary interactions, or co-complex associations",
    },
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
