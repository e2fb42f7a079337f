//! Which pairs are used, and what becomes of them.

use std::ops::Bound::{Excluded, Included};

use super::{Effect, Key};
use crate::config::kind::Kind;

pub(super) const KEYS: [Key; 21] = [
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
];
