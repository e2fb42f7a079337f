//! Reports of runs that nobody made, and what their readers may rely on.

mod made_up;
mod page;
mod seeds;

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
    let price = spending.instance.and_then(|instance| instance.price).unwrap().usd_per_hour;
    let cost = format!("{:.3} USD on demand", price * 750.0 / 3600.0);
    for text in ["Time and cost", "took 12.5 min", &cost, "Training 9.0 min 10.0 min"] {
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
    let rival = set.baselines.iter_mut().find(|rule| rule.baseline == result.baseline).unwrap();
    rival.auroc = set.metrics.auroc.map(|auroc| auroc - lead);
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
    insta::assert_snapshot!(verdicts.join("\n"), @"
    Good: Yes, it knows more than the shortcuts. On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.573. The lead is 0.141 (95 % interval 0.110 to 0.172).
    Doubtful: Hardly more than the shortcuts. On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.684. The lead is 0.030 (95 % interval 0.010 to 0.050).
    Doubtful: It has not been shown. On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.573. The lead of 0.141 (95 % interval -0.020 to 0.300) could be chance.
    Doubtful: It has not been shown. On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.573. The lead of 0.141 (95 % interval not known) could be chance.
    Bad: No, a shortcut does as well. On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.734. So nothing shows that it knows more than the shortcut.
    Bad: Too good to be trusted. On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.570. But: the AUROC of 0.9500 is above what is known to be possible.
    Doubtful: Yes, on these pairs. On new pairs of proteins that training has seen, the model reaches an AUROC of 0.787; the best shortcut, looking up the most similar training pairs, reaches 0.570. The lead is 0.217 (95 % interval 0.186 to 0.246). It says nothing about proteins that training has not seen.
    Doubtful: It cannot be told. The test pairs are all of one kind, or too few, so that nothing can be compared.
    Doubtful: Not tested. The run was stopped before its end. The model is the best so far, and the test pairs have not been scored; run it again to go on.
    ");
}

#[test]
fn the_text_begins_with_the_answer_and_the_card_follows() {
    let made = MadeUp::run();
    let text = markdown(&made.report());
    let beginning = text.split("## What the words mean").next().unwrap();
    let until_card: Vec<_> = beginning.split("\n## ").take(3).collect();
    insta::assert_snapshot!(until_card.join("\n## "), @r"
    # Protein interaction classifier: training report

    Run 67d34b9d9b9ddde1: 1,707 pairs of 9 proteins in all three parts, encoder esm2\_t6\_tiny

    **Yes, it knows more than the shortcuts.** On pairs of two proteins that training has never seen, the model reaches an AUROC of 0.714; the best shortcut, looking up the most similar training pairs, reaches 0.570. The lead is 0.144 (95 % interval 0.113 to 0.173).

    - AUROC: **0.714**, best shortcut 0.570, guessing 0.500
    - Average precision: **0.743**, guessing 0.500
    - Lead over the best shortcut: **0.144**, 95 % interval 0.113 to 0.173
    - Precision on rare interactions: **0.007**, where 1 in 101 pairs interacts; 0.616 in the test

    ## The model beside the shortcuts

    A classifier of interactions can score well without knowing anything about proteins, from how the pairs were collected. These shortcuts were measured on the same test pairs. What the model has beyond the best of them is what it has learned from sequences. A rule that is reversed ranks better the other way round, and counts so.

    ### AUROC of the model and of the shortcuts (C3)

    Model 0.714; Degree 0.510, Order 0.522, Row order 0.534, Self-pair 0.546, Composition 0.558, Nearest pair 0.570. Bars begin at 0.5, which guessing gives. The model has to reach beyond every bar of a rule that is within its reach.

    AUROC (C3)

    | Scored by | AUROC |
    | --- | ---: |
    | Model | 0.714 |
    | Degree | 0.510 |
    | Order | 0.522 |
    | Row order | 0.534 |
    | Self-pair | 0.546 |
    | Composition | 0.558 |
    | Nearest pair | 0.570 |

    AUROC

    | Scored by | C1 | C2 | C3 |
    | --- | ---: | ---: | ---: |
    | Model | 0.787 | 0.747 | 0.714 |
    | Degree (reversed in C1, C2, C3) | 0.510 | 0.510 | 0.510 |
    | Order (out of the model’s reach) | 0.522 | 0.522 | 0.522 |
    | Row order (out of the model’s reach) | 0.534 | 0.534 | 0.534 |
    | Self-pair | 0.546 | 0.546 | 0.546 |
    | Composition | 0.558 | 0.558 | 0.558 |
    | Nearest pair | 0.570 | 0.570 | 0.570 |

    Average precision

    | Scored by | C1 | C2 | C3 |
    | --- | ---: | ---: | ---: |
    | Model | 0.811 | 0.774 | 0.743 |
    | Degree (reversed in C1, C2, C3) | 0.500 | 0.500 | 0.500 |
    | Order (out of the model’s reach) | 0.510 | 0.510 | 0.510 |
    | Row order (out of the model’s reach) | 0.520 | 0.520 | 0.520 |
    | Self-pair | 0.530 | 0.530 | 0.530 |
    | Composition | 0.540 | 0.540 | 0.540 |
    | Nearest pair | 0.550 | 0.550 | 0.550 |

    - **Degree**: Scores a pair by how many interacting training pairs its two proteins are in: hubs interact with everything.
    - **Order**: Scores a pair by which accession comes first, after pairs were made unordered. It must give 0.5.
    - **Row order**: Scores a pair by whether its row in the file names the smaller accession first. Files of interactions are often sorted and negatives are not. The model does not see the order.
    - **Self-pair**: Says that a protein paired with itself interacts, and nothing else does.
    - **Composition**: Learns from the training pairs how often each amino acid occurs in the two proteins, and how long they are, without any language model.
    - **Nearest pair**: Looks for the training pairs with the most similar sequences: is the nearest that interacts nearer than the nearest that does not?

    ## Leakage card

    Leakage is whatever makes a test easier than the use of the model will be. This card says what was done against it, and what is left.

    > **Careful:** The validation part has only 99 positive pairs: its metrics are uncertain.

    - No protein of the test part is in training.
    - Rows name the smaller accession first in 98.0 % of the test positives.

    Test pairs and the lead over the best shortcut

    | Test pairs | Pairs | Interacting | Proteins | AUROC | Best shortcut | Lead | 95 % interval | What they are |
    | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |
    | C1 | 300 | 150 | 58 | 0.787 | nearest pair | 0.217 | 0.186 to 0.246 | New pairs of proteins that training has seen |
    | C2 | 400 | 200 | 59 | 0.747 | nearest pair | 0.177 | 0.146 to 0.206 | Pairs with one protein that training has never seen |
    | C3 | 500 | 250 | 60 | 0.714 | nearest pair | 0.144 | 0.113 to 0.173 | Pairs of two proteins that training has never seen |

    ### Similarity of test pairs to training (C3)

    150 of 385 test pairs are in the least similar bin. A pair counts with the more similar of its two proteins. Pairs on the left are unlike anything that training has seen; a result that rests on pairs on the right is recognition of relatives.

    Test pairs by similarity to training

    | Similarity | Pairs | Share |
    | --- | ---: | ---: |
    | 0–0.15 | 150 | 39.0 % |
    | 0.15–0.5 | 135 | 35.1 % |
    | 0.5–1 | 100 | 26.0 % |

    What each part holds. Proteins with one label only can be learned by heart; pairs in none had proteins of different parts

    | Part | Interacting | Not interacting | Proteins | Only in interacting pairs | Only in other pairs | Pairs that do not interact were |
    | --- | ---: | ---: | ---: | ---: | ---: | --- |
    | train | 602 | 603 | 200 | 13 | 11 | drawn |
    | validation | 99 | 100 | 33 | 13 | 11 | drawn |
    | test | 151 | 152 | 50 | 13 | 11 | drawn |
    | tested as C1 and C2 | 303 | 304 | 101 | 13 | 11 | drawn |
    | in none | 401 | 17 |  |  |  |  |

    What parts share

    | Parts | Sequences in both | Pairs in both |
    | --- | ---: | ---: |
    | train and test | 0 | 0 |
    ");
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
