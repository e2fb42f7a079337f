//! What is fetched, and from where.

use super::{Effect, Key};
use crate::config::kind::Kind;

pub(super) const KEYS: [Key; 10] = [
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
];
