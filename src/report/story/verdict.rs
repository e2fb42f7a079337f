//! The answer: does the model know more than the shortcuts?

use super::sets;
use crate::dataset::SplitManifest;
use crate::evaluation::{Evaluation, Lead, SMALL_LEAD, TestSet, WarningKind};
use crate::report::Report;
use crate::report::document::{Fact, Tone, Verdict};
use crate::report::text;

pub(super) fn verdict(report: &Report<'_>) -> Verdict {
    let Some(evaluation) = report.evaluation else { return untested(report) };
    match sets::decisive(evaluation).and_then(|set| Some((set, set.lead.as_ref()?))) {
        Some((set, lead)) => {
            let (tone, answer, remark) = judged(report.split, evaluation, set, lead);
            let sentence = format!("{} {remark}", comparison(report.split, set, lead));
            Verdict { tone, answer: answer.to_owned(), sentence, facts: facts(set, Some(lead)) }
        }
        None => Verdict {
            tone: Tone::Doubtful,
            answer: "It cannot be told.".to_owned(),
            sentence:
                "The test pairs are all of one kind, or too few, so that nothing can be compared."
                    .to_owned(),
            facts: sets::decisive(evaluation).map_or_else(Vec::new, |set| facts(set, None)),
        },
    }
}

/// The verdict on a run that was stopped.
fn untested(report: &Report<'_>) -> Verdict {
    let metrics = report.validation;
    Verdict {
        tone: Tone::Doubtful,
        answer: "Not tested.".to_owned(),
        sentence: "The run was stopped before its end. The model is the best so far, and the test \
                   pairs have not been scored; run it again to go on."
            .to_owned(),
        facts: vec![Fact {
            label: "AUROC on validation".to_owned(),
            value: text::metric(metrics.auroc),
            beside: "guessing gives 0.500".to_owned(),
        }],
    }
}

/// The model beside the best shortcut, in one sentence.
fn comparison(split: &SplitManifest, set: &TestSet, lead: &Lead) -> String {
    format!(
        "On {}, the model reaches an AUROC of {}; the best shortcut, {}, reaches {}.",
        sets::meaning(set.class, split),
        text::metric(set.metrics.auroc),
        sets::activity(lead.baseline),
        text::metric(set.rival()),
    )
}

fn judged(
    split: &SplitManifest,
    evaluation: &Evaluation,
    set: &TestSet,
    lead: &Lead,
) -> (Tone, &'static str, String) {
    let too_good = evaluation.warnings.iter().find(|warning| warning.kind == WarningKind::TooGood);
    if let Some(warning) = too_good {
        return (Tone::Bad, "Too good to be trusted.", format!("But: {warning}."));
    }
    let (difference, interval) = (text::decimals(lead.auroc, 3), sets::interval(lead));
    let above_chance = lead.low.is_some_and(|low| low > 0.0);
    if lead.auroc <= 0.0 {
        let remark = "So nothing shows that it knows more than the shortcut.".to_owned();
        return (Tone::Bad, "No, a shortcut does as well.", remark);
    }
    if !above_chance {
        let remark =
            format!("The lead of {difference} (95 % interval {interval}) could be chance.");
        return (Tone::Doubtful, "It has not been shown.", remark);
    }
    let remark = format!("The lead is {difference} (95 % interval {interval}).");
    if lead.auroc < SMALL_LEAD {
        return (Tone::Doubtful, "Hardly more than the shortcuts.", remark);
    }
    if sets::is_of_new_proteins(set.class, split) {
        return (Tone::Good, "Yes, it knows more than the shortcuts.", remark);
    }
    let remark = format!("{remark} It says nothing about proteins that training has not seen.");
    (Tone::Doubtful, "Yes, on these pairs.", remark)
}

fn facts(set: &TestSet, lead: Option<&Lead>) -> Vec<Fact> {
    let fact = |label: &str, value, beside| Fact { label: label.to_owned(), value, beside };
    let metrics = &set.metrics;
    let mut facts = vec![
        fact(
            "AUROC",
            text::metric(metrics.auroc),
            format!("best shortcut {}, guessing 0.500", text::metric(set.rival())),
        ),
        fact(
            "Average precision",
            text::metric(metrics.average_precision),
            format!("guessing {}", text::metric(metrics.prevalence)),
        ),
    ];
    if let Some(lead) = lead {
        let beside = format!("95 % interval {}", sets::interval(lead));
        facts.push(fact("Lead over the best shortcut", text::decimals(lead.auroc, 3), beside));
    }
    if let Some(rare) = set.at_prevalence.last() {
        let (pairs, in_test) = (rare.negatives_per_positive + 1, text::metric(metrics.precision));
        let beside = format!("where 1 in {pairs} pairs interacts; {in_test} in the test");
        facts.push(fact("Precision on rare interactions", text::metric(rare.precision), beside));
    }
    facts
}
