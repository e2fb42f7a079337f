//! The section on other seeds.

use super::*;
use crate::dataset::TestClass;
use crate::evaluation::{Headline, OfSet, SeedResult, Seeds, TestPairs};

/// What a run reached with the seeds 42, 43 and 44, of which the last was the best.
fn seeds(asked: usize) -> Seeds {
    let training = |(seed, auroc): (u64, f64)| {
        let metrics = Headline {
            auroc: Some(auroc),
            average_precision: Some(auroc),
            mcc: None,
            accuracy: Some(0.6),
            lead: Some(auroc - 0.5),
        };
        let class = TestPairs::Class(TestClass::C3);
        let sets = vec![OfSet { class, metrics }];
        SeedResult { seed, best_epoch: Some(2), validation: metrics, sets }
    };
    Seeds::new(asked, [(42, 0.711), (43, 0.713), (44, 0.718)].map(training).into())
}

fn told(seeds: Option<&Seeds>) -> String {
    let made = MadeUp::run();
    let report = Report { seeds, ..made.report() };
    Page::parse(&html(&report)).check_references();
    let text = markdown(&report);
    let section = text.split("\n## ").find(|section| section.starts_with("How much is chance"));
    section.unwrap_or_default().to_owned()
}

#[test]
fn mean_and_spread_come_with_the_seed_of_the_model() {
    insta::assert_snapshot!(told(Some(&seeds(3))), @"
    How much is chance

    The same pairs were learned 3 times, each time from other initial weights, in another order and with other dropout. On pairs of two proteins that training has never seen, the AUROC is 0.714 on average, with a standard deviation of 0.004 (0.711 to 0.718). The model, and every other number of this report, are those of the first seed, 42: to choose the best one by its test result would spoil that result.

    Metrics over seeds

    | Test pairs | Metric | Mean | Standard deviation | Lowest | Highest |
    | --- | --- | ---: | ---: | ---: | ---: |
    | C3 | AUROC | 0.714 | 0.004 | 0.711 | 0.718 |
    | C3 | average precision | 0.714 | 0.004 | 0.711 | 0.718 |
    | C3 | MCC | – | – | – | – |
    | C3 | accuracy | 0.600 | 0.000 | 0.600 | 0.600 |
    | C3 | lead | 0.214 | 0.004 | 0.211 | 0.218 |

    AUROC by seed

    | Seed | Kept epoch | AUROC on validation | AUROC on C3 |
    | ---: | ---: | ---: | ---: |
    | 42 | 2 | 0.711 | 0.711 |
    | 43 | 2 | 0.713 | 0.713 |
    | 44 | 2 | 0.718 | 0.718 |
    ");
}

#[test]
fn a_stopped_run_says_how_many_trainings_there_are() {
    let told = told(Some(&seeds(5)));
    let expected = "The run was stopped after 3 of 5 trainings; run it again for the others.";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn a_run_of_one_seed_says_nothing_of_others() {
    assert_eq!(told(None), "");
}
