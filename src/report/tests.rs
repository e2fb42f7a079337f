//! Reports of runs that nobody made, and what their readers may rely on.

mod made_up;
mod page;

use super::*;
use crate::evaluation::{Warning, WarningKind};
use crate::interactions::{Bucket, Example};
use made_up::MadeUp;
use page::{Page, visible_text};

/// What a name in a file may try.
const HOSTILE: &str =
    "</td></title><script>alert(1)</script>\"'&amp;|`*_[x](javascript:1)\n# x\n| a |";

#[test]
fn the_page_is_well_formed() {
    let made = MadeUp::run();
    let spending = made_up::spending();
    for spending in [None, Some(&spending)] {
        let page = Page::parse(&html(&Report { spending, ..made.report() }));
        assert!(page.count("section") > 7, "{page:?}");
        assert_eq!(page.count("svg"), page.count("figure"));
        assert!(page.count("svg") > 8, "{page:?}");
        page.check_references();
    }
}

#[test]
fn the_page_asks_for_nothing() {
    let made = MadeUp::run();
    let page = html(&made.report()).to_lowercase();
    for word in [
        "http:", "https:", "//", "url(", "src=", "@import", "<link", "<script", "<img", "<iframe",
        "<object",
    ] {
        assert!(!page.contains(word), "the page contains `{word}`");
    }
    assert!(page.contains("content-security-policy\" content=\"default-src 'none';"));
}

#[test]
fn names_from_files_stay_text() {
    let mut made = MadeUp::run();
    made.provenance.inputs.values_mut().for_each(|files| files[0].name = HOSTILE.to_owned());
    made.provenance.engine = HOSTILE.to_owned();
    made.encoder.name = HOSTILE.to_owned();
    made.encoder.source = HOSTILE.to_owned();
    made.settings.insert("label_column".to_owned(), HOSTILE.to_owned());
    for audit in made.audits.values_mut() {
        audit.files[0].name = HOSTILE.to_owned();
        let malformed = audit.buckets.iter_mut().find(|bucket| bucket.bucket == Bucket::Malformed);
        let [file, excerpt, reason] = [HOSTILE; 3].map(str::to_owned);
        malformed.unwrap().examples = vec![Example { file, line: 1, excerpt, reason }];
    }
    let page = html(&made.report());
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    Page::parse(&page).check_references();

    let text = markdown(&made.report());
    assert!(!text.contains("<script") && !text.contains("\n# x"));
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let lines: Vec<_> = text.lines().collect();
    for neighbours in
        lines.windows(2).filter(|lines| lines.iter().all(|line| line.starts_with('|')))
    {
        assert_eq!(cells(neighbours[0]), cells(neighbours[1]), "{neighbours:#?}");
    }
}

#[test]
fn both_forms_name_every_number_of_the_card() {
    let made = MadeUp::run();
    let page = visible_text(&html(&made.report()));
    let text = markdown(&made.report()).replace('\\', "");
    let mut expected = made.evaluation.card.statements.clone();
    for set in &made.evaluation.sets {
        let lead = set.lead.unwrap();
        let numbers = [
            Some(lead.auroc),
            lead.low,
            lead.high,
            set.metrics.auroc,
            set.per_protein.median_auroc,
        ];
        expected.extend(numbers.map(text::metric));
        expected.extend(set.baselines.iter().map(|result| text::metric(result.auroc)));
        expected.extend(set.by_similarity.iter().map(|bin| text::count(bin.pairs)));
        expected.extend(set.at_prevalence.iter().map(|rate| text::metric(rate.precision)));
        expected.extend([set.metrics.n, set.metrics.positives, set.proteins].map(text::count));
    }
    for (_, part) in made.split.parts.each() {
        let counts = part.counts;
        let counts = [
            counts.positives,
            counts.negatives,
            counts.only_in_negatives,
            counts.only_in_positives,
        ];
        expected.extend(counts.map(text::count));
    }
    expected.extend([made.split.lost.positives, made.split.lost.negatives].map(text::count));
    assert!(expected.len() > 60, "{expected:?}");
    for number in expected {
        assert!(page.contains(&number), "the page lacks `{number}`");
        assert!(text.contains(&number), "the text lacks `{number}`");
    }
}

#[test]
fn equal_runs_give_equal_reports_and_only_time_tells_them_apart() {
    let (one, other) = (MadeUp::run(), MadeUp::run());
    let plain = html(&one.report());
    assert_eq!(plain, html(&other.report()));
    assert_eq!(markdown(&one.report()), markdown(&other.report()));
    assert!(!plain.contains("Time and cost"));

    let spending = made_up::spending();
    let timed = visible_text(&html(&Report { spending: Some(&spending), ..one.report() }));
    for text in ["Time and cost", "12.5 min", "0.154 USD on demand", "training 10.0 min"] {
        assert!(timed.contains(text), "{text} is missing");
    }
}

/// The verdict of a run whose decisive set leads by `auroc`, with this interval.
fn verdict(lead: f64, interval: Option<(f64, f64)>) -> String {
    let mut made = MadeUp::run();
    let set = made.evaluation.sets.last_mut().unwrap();
    let result = set.lead.as_mut().unwrap();
    result.auroc = lead;
    (result.low, result.high) = interval.unzip();
    said(&made)
}

fn said(made: &MadeUp) -> String {
    let verdict = story::tell(&made.report()).verdict;
    format!("{:?}: {} {}", verdict.tone, verdict.answer, verdict.sentence)
}

#[test]
fn the_verdict_follows_the_lead() {
    let mut too_good = MadeUp::run();
    let text = "the AUROC of 0.9500 is above what is known to be possible".to_owned();
    too_good.evaluation.warnings.push(Warning { kind: WarningKind::TooGood, text });
    let mut seen = MadeUp::run();
    seen.evaluation.sets.truncate(1);
    let mut one_kind = MadeUp::run();
    one_kind.evaluation.sets.iter_mut().for_each(|set| set.lead = None);
    let mut stopped = MadeUp::run();
    stopped.stopped = true;
    let verdicts = [
        verdict(0.141, Some((0.11, 0.172))),
        verdict(0.03, Some((0.01, 0.05))),
        verdict(0.141, Some((-0.02, 0.3))),
        verdict(0.141, None),
        verdict(-0.02, Some((-0.05, 0.01))),
        said(&too_good),
        said(&seen),
        said(&one_kind),
        said(&stopped),
    ];
    insta::assert_snapshot!(verdicts.join("\n"), @"");
}

#[test]
fn the_text_begins_with_the_answer_and_the_card_follows() {
    let made = MadeUp::run();
    let text = markdown(&made.report());
    let beginning = text.split("## What the words mean").next().unwrap();
    let until_card: Vec<_> = beginning.split("\n## ").take(3).collect();
    insta::assert_snapshot!(until_card.join("\n## "), @"");
}

#[test]
fn a_run_that_was_stopped_says_so_and_has_no_test() {
    let mut made = MadeUp::run();
    made.stopped = true;
    let text = markdown(&made.report());
    assert!(text.contains("**Not tested.** The run was stopped before its end."), "{text}");
    assert!(!text.contains("## The test in numbers") && text.contains("## How training went"));
    Page::parse(&html(&made.report())).check_references();
}
