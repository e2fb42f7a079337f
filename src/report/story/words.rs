//! What the words of the report mean.

use crate::report::document::{Block, Section};

const WORDS: [(&str, &str); 12] = [
    (
        "AUROC",
        "Take one pair that interacts and one that does not: how often does the model give the \
         first the higher score? 1 is always, 0.5 is what guessing gives.",
    ),
    (
        "Average precision",
        "How pure the top of the ranking is, averaged from the best score down to the last \
         interacting pair. A random ranking gives the share of interacting pairs, so compare it \
         with that.",
    ),
    (
        "Baseline, or shortcut",
        "A rule that knows nothing about how proteins bind and still scores on badly made data, \
         such as counting how many partners a protein has.",
    ),
    (
        "Lead",
        "The AUROC of the model minus that of the best shortcut on the same pairs. The interval \
         says how far it would move if other proteins of the same kind had been tested; proteins, \
         not pairs, are redrawn, because the pairs of one protein are alike.",
    ),
    (
        "Threshold",
        "Pairs that score at least so high are called interacting. It was chosen on the validation \
         part.",
    ),
    (
        "Precision and recall",
        "Of the pairs called interacting, the share that do; of the pairs that interact, the share \
         called so.",
    ),
    (
        "F1, accuracy, MCC",
        "Summaries at the threshold. MCC is the correlation of calls and truth: 0 for guessing, 1 \
         for perfect, and not flattered by a class that is frequent.",
    ),
    ("Brier score, log loss", "Errors of the probabilities themselves; lower is better."),
    (
        "ECE",
        "Expected calibration error: pairs are put into 15 equally wide bins by their score, and \
         the distance between mean score and share of interacting pairs is averaged over pairs.",
    ),
    (
        "C1, C2, C3",
        "Test pairs of which training has seen both proteins (in other pairs), one, or none. Only \
         C3 tells what to expect of new proteins.",
    ),
    (
        "Degree",
        "The number of interacting training pairs that a protein is in. Hubs have a high one.",
    ),
    (
        "Similarity",
        "The share of stretches of five residues that two sequences have in common, counted on the \
         one with fewer; 1 for equal sequences.",
    ),
];

pub(super) fn section() -> Section {
    let terms = WORDS.map(|(word, meaning)| (word.to_owned(), meaning.to_owned()));
    Section::new("words", "What the words mean", vec![Block::Terms(terms.into())])
}
