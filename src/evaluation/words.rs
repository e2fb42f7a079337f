//! An evaluation as people read it: the table of the log, and the leakage card in sentences.

use std::fmt;

use super::{Baseline, Evaluation, Lead, RowOrderShares, TestPairs, TestSet};
use crate::dataset::{Counts, Lost, NegativeSource, Part, SplitManifest, TestClass};

impl fmt::Display for TestPairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => f.pad("test"),
            Self::Class(class) => class.fmt(f),
        }
    }
}

/// How sentences call the pairs of a class.
pub(super) fn set_name(class: TestPairs) -> &'static str {
    match class {
        TestPairs::Test => "the test pairs",
        TestPairs::Class(TestClass::C1) => "C1 pairs (both proteins seen in training)",
        TestPairs::Class(TestClass::C2) => "C2 pairs (one protein seen in training)",
        TestPairs::Class(TestClass::C3) => "C3 pairs (no protein seen in training)",
    }
}

/// Where the AUROC of the `model` lies, beside the best baseline.
pub(super) fn against(lead: &Lead, model: f64) -> String {
    let side = if lead.auroc < 0.0 { "below" } else { "above" };
    let (distance, baseline) = (lead.auroc.abs(), model - lead.auroc);
    format!(
        "{distance:.4} {side} the best baseline, {} ({baseline:.4}{})",
        lead.baseline,
        interval(lead)
    )
}

/// The interval of a lead with a leading comma, if there is one.
fn interval(lead: &Lead) -> String {
    match lead.low.zip(lead.high) {
        Some((low, high)) => format!(", 95 % interval of the lead {low:+.4} to {high:+.4}"),
        None => String::new(),
    }
}

impl fmt::Display for Evaluation {
    /// AUROCs, the model's beside those of the baselines, one line per test set, without a final
    /// line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number =
            |value: Option<f64>| value.map_or("undefined".to_owned(), |v| format!("{v:.4}"));
        write!(f, "{:<6} {:>8} {:>9}", "AUROC", "pairs", "model")?;
        for baseline in Baseline::ALL {
            write!(f, " {baseline:>12}")?;
        }
        write!(f, "  lead (95 % interval)")?;
        for set in &self.sets {
            let auroc = number(set.metrics.auroc);
            write!(f, "\n{:<6} {:>8} {auroc:>9}", set.class, set.metrics.n)?;
            for result in &set.baselines {
                write!(f, " {:>12}", number(result.auroc))?;
            }
            match &set.lead {
                Some(lead) => {
                    write!(f, "  {:+.4} over {}", lead.auroc, lead.baseline)?;
                    if let Some((low, high)) = lead.low.zip(lead.high) {
                        write!(f, " ({low:+.4} to {high:+.4})")?;
                    }
                }
                None => write!(f, "  undefined")?,
            }
        }
        Ok(())
    }
}

/// The leakage card in sentences, most important first.
pub(super) fn statements(
    manifest: &SplitManifest,
    rows: &RowOrderShares,
    sets: &[TestSet],
) -> Vec<String> {
    let mut statements = vec![shared(manifest)];
    for set in sets {
        statements.extend(lead(set));
        statements.extend(relatives(set));
        statements.extend(rarity(set));
    }
    statements.extend(order(rows));
    statements.push(negatives(manifest));
    statements.extend(one_label(manifest));
    statements.extend(lost(manifest.lost));
    statements.push(
        "The encoder was trained on public sequences, the test proteins' perhaps among them; no \
         split can undo that."
            .to_owned(),
    );
    statements
}

fn shared(manifest: &SplitManifest) -> String {
    let overlap =
        manifest.overlaps.iter().find(|overlap| overlap.parts == [Part::Train, Part::Test]);
    match overlap.map_or((0, 0), |overlap| (overlap.proteins, overlap.pairs)) {
        (0, _) => "No protein of the test part is in training.".to_owned(),
        (proteins, 0) => format!(
            "{proteins} proteins of the test part are in training too: a model can score by \
             remembering which of them have many partners."
        ),
        (proteins, pairs) => format!(
            "{proteins} proteins and {pairs} pairs of the test part are in training too: its \
             metrics say little about new pairs."
        ),
    }
}

fn lead(set: &TestSet) -> Option<String> {
    let (lead, model) = (set.lead?, set.metrics.auroc?);
    let (name, against) = (set_name(set.class), against(&lead, model));
    Some(format!("On {name} the model has an AUROC of {model:.4}, {against}."))
}

/// What is left without relatives of training proteins.
fn relatives(set: &TestSet) -> Option<String> {
    let unrelated = set.by_similarity.first()?;
    let related = set.metrics.n - unrelated.pairs;
    let among = unrelated.auroc.map(|auroc| format!(", and {auroc:.4} is the AUROC on the others"));
    (related > 0).then(|| {
        format!(
            "{related} of {} pairs have a protein with a relative in training (similarity {} or \
             more){}.",
            set.metrics.n,
            unrelated.below,
            among.unwrap_or_default(),
        )
    })
}

fn rarity(set: &TestSet) -> Option<String> {
    let rarest = set.at_prevalence.last()?;
    let precision = rarest.precision?;
    Some(format!(
        "Where one pair in {} interacts, {:.1} % of the pairs called interacting would be.",
        1 + rarest.negatives_per_positive,
        100.0 * precision,
    ))
}

fn order(rows: &RowOrderShares) -> Option<String> {
    let (positives, negatives) = (rows.positives?, rows.negatives?);
    let auroc = 0.5 + (positives - negatives).abs() / 2.0;
    Some(format!(
        "Rows of the input name the smaller accession first in {:.1} % of the test positives and \
         {:.1} % of the negatives; a model that sees that order gets an AUROC of {auroc:.4} from \
         it. This one does not see it.",
        100.0 * positives,
        100.0 * negatives,
    ))
}

fn negatives(manifest: &SplitManifest) -> String {
    let test = &manifest.parts.test;
    let Counts { positives, negatives, .. } = test.counts;
    let source = match test.negatives == NegativeSource::Given {
        true => "given",
        false => "sampled among pairs that the input does not name; a few may interact",
    };
    format!("The test part has {positives} positives and {negatives} negatives, {source}.")
}

fn one_label(manifest: &SplitManifest) -> Option<String> {
    let Counts { proteins, only_in_negatives, only_in_positives, .. } = manifest.parts.test.counts;
    (only_in_negatives + only_in_positives > 0).then(|| {
        format!(
            "Of its {proteins} proteins {only_in_negatives} are in negatives only and \
             {only_in_positives} in positives only."
        )
    })
}

fn lost(Lost { positives, negatives }: Lost) -> Option<String> {
    (positives + negatives > 0).then(|| {
        format!(
            "The split left out {positives} positives and {negatives} negatives whose proteins \
             fell into different parts."
        )
    })
}
