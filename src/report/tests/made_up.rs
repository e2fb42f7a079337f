//! A run that nobody made, with every part of a report.

use std::collections::BTreeMap;

use crate::artifacts::Provenance;
use crate::dataset::{
    self, Classes, Counts, Lost, NegativeSource, Overlap, Part, PartRecord, Parts, SplitManifest,
    SplitRule, TestClass,
};
use crate::digest::Digest;
use crate::embeddings::esm2::EncoderIdentity;
use crate::estimate::{Component, Seconds, named_instance};
use crate::evaluation::{
    self, AtPrevalence, Baseline, BaselineResult, Calibration, Degrees, Direction, Evaluation,
    Lead, LeakageCard, Metrics, PartOrigin, PerProtein, PrecisionRecallPoint, Quantiles,
    ReliabilityBin, RocPoint, RowOrderShares, SimilarityBin, TestPairs, TestSet,
};
use crate::interactions::{Audit, Bucket, BucketCount, Example, FileAudit, Format};
use crate::report::{Report, Spending};
use crate::storage::SourceFile;
use crate::training::EpochRecord;

/// Everything that a report borrows.
pub(super) struct MadeUp {
    pub(super) provenance: Provenance,
    pub(super) encoder: EncoderIdentity,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) audits: BTreeMap<&'static str, Audit>,
    pub(super) split: SplitManifest,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) validation: Metrics,
    pub(super) evaluation: Evaluation,
    pub(super) stopped: bool,
}

impl MadeUp {
    /// A run with test pairs of all three classes.
    pub(super) fn run() -> Self {
        let file = SourceFile {
            name: "pairs.txt".to_owned(),
            bytes: 123_456,
            sha256: Digest::of(b"pairs"),
        };
        let split = split();
        Self {
            provenance: Provenance {
                run_id: "67d34b9d9b9ddde1".to_owned(),
                complete: true,
                engine: "flex cpu".to_owned(),
                inputs: BTreeMap::from([("interactions".to_owned(), vec![file])]),
                origins: BTreeMap::new(),
            },
            encoder: EncoderIdentity {
                name: "esm2_t6_tiny".to_owned(),
                source: "models/esm2_t6_tiny".to_owned(),
                digest: Digest::of(b"encoder"),
            },
            settings: BTreeMap::from([("epochs".to_owned(), "3".to_owned())]),
            audits: BTreeMap::from([("interactions", audit())]),
            epochs: (1..=3).map(epoch).collect(),
            validation: metrics(300, 0.3),
            evaluation: evaluation(&split),
            split,
            stopped: false,
        }
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report {
            provenance: &self.provenance,
            encoder: &self.encoder,
            settings: &self.settings,
            audits: &self.audits,
            split: &self.split,
            epochs: &self.epochs,
            best_epoch: Some(2),
            validation: &self.validation,
            evaluation: (!self.stopped).then_some(&self.evaluation),
            seeds: None,
            spending: None,
        }
    }
}

/// What a run took on an instance of known price.
pub(super) fn spending() -> Spending {
    let (mut actual, mut predicted) = (Seconds::default(), Seconds::default());
    actual.add(Component::Embedding, 150.0);
    actual.add(Component::Training, 600.0);
    predicted.add(Component::Training, 540.0);
    let instance = named_instance("ml.g4dn.xlarge").ok();
    Spending { device: "libtorch cuda:0".to_owned(), actual, predicted, instance }
}

/// Metrics of pairs whose scores overlap as far as `noise` says.
fn metrics(pairs: usize, noise: f64) -> Metrics {
    let labels: Vec<_> = (0..pairs).map(|pair| pair % 2 == 0).collect();
    let score = |(pair, label): (usize, &bool)| {
        // Any spread will do: multiples of the golden ratio.
        let spread = (pair as f64 * 0.618_034).fract();
        noise * spread + (1.0 - noise) * if *label { 0.8 } else { 0.3 }
    };
    let scores: Vec<_> = labels.iter().enumerate().map(score).collect();
    evaluation::metrics(&scores, &labels, 0.5).unwrap()
}

fn epoch(epoch: usize) -> EpochRecord {
    let gain = 0.02 * epoch as f64;
    EpochRecord {
        epoch,
        step: 40 * epoch as u64,
        learning_rate: 1e-4,
        train_loss: 0.7 - 2.0 * gain,
        val_loss: Some(0.7 - gain),
        val_auroc: Some(0.7 + gain),
        val_ap: Some(0.69 + gain),
        val_mcc: Some(0.2 + gain),
    }
}

fn audit() -> Audit {
    let bucket = |bucket: Bucket| {
        let rows = match bucket {
            Bucket::Used => 1234,
            Bucket::OtherKind => 0,
            _ => 7,
        };
        let example = Example {
            file: "pairs.txt".to_owned(),
            line: 12,
            excerpt: "P1".to_owned(),
            reason: "it has 1 column".to_owned(),
        };
        BucketCount { bucket, rows, examples: vec![example] }
    };
    Audit {
        rows: 1276,
        buckets: Bucket::ALL.map(bucket).into(),
        used_positives: 1200,
        used_negatives: 34,
        conflicting_pairs: 3,
        proteins: 321,
        proteins_without_sequence: 2,
        proteins_of_several_chains: 0,
        listed_without_sequence: vec!["P1".parse().unwrap(), "P2".parse().unwrap()],
        files: vec![FileAudit {
            name: "pairs.txt".to_owned(),
            bytes: 123_456,
            sha256: Digest::of(b"pairs"),
            format: Format::Hint2018,
            min_score: None,
            rows: 1276,
        }],
    }
}

fn split() -> SplitManifest {
    let part = |positives: usize| PartRecord {
        negatives: NegativeSource::Sampled,
        counts: Counts {
            positives,
            negatives: positives + 1,
            proteins: positives / 3,
            only_in_negatives: 11,
            only_in_positives: 13,
        },
        pairs: Vec::new(),
    };
    let warning = dataset::Warning::FewPositives { part: Part::Validation, positives: 99 };
    SplitManifest {
        settings: dataset::Settings { split: SplitRule::Proteins, ..dataset::Settings::default() },
        carved_validation: false,
        widened_validation: false,
        clusters: None,
        known: 0,
        lost: Lost { positives: 401, negatives: 17 },
        overlaps: vec![Overlap { parts: [Part::Train, Part::Test], proteins: 0, pairs: 0 }],
        warnings: vec![warning],
        proteins: (0..9).map(|n| (format!("P{n}").parse().unwrap(), Digest::of(&[n]))).collect(),
        parts: Parts { train: part(602), validation: part(99), test: part(151) },
        held_out: part(303),
        test_classes: Classes::default(),
    }
}

fn evaluation(split: &SplitManifest) -> Evaluation {
    let classes = [TestClass::C1, TestClass::C2, TestClass::C3];
    Evaluation {
        calibration: Calibration {
            temperature: 1.31,
            pairs: 300,
            log_loss_before: Some(0.61),
            log_loss_after: Some(0.59),
        },
        sets: classes.map(set).into(),
        card: LeakageCard {
            split: SplitRule::Proteins,
            parts: split
                .parts
                .map(|part| PartOrigin { negatives: part.negatives, counts: part.counts }),
            lost: split.lost,
            overlaps: split.overlaps.clone(),
            rows: RowOrderShares { positives: Some(0.98), negatives: Some(0.5) },
            statements: vec![
                "No protein of the test part is in training.".to_owned(),
                "Rows name the smaller accession first in 98.0 % of the test positives.".to_owned(),
            ],
        },
        warnings: Vec::new(),
    }
}

fn set(class: TestClass) -> TestSet {
    let number = class as usize + 1;
    let metrics = metrics(200 + 100 * number, 0.55 + 0.04 * number as f64);
    let auroc = metrics.auroc.unwrap();
    let result = |at: usize, baseline| BaselineResult {
        baseline,
        auroc: Some(0.51 + 0.012 * at as f64),
        average_precision: Some(0.5 + 0.01 * at as f64),
        direction: if baseline == Baseline::Degree { Direction::Low } else { Direction::High },
        within_reach: !matches!(baseline, Baseline::Order | Baseline::RowOrder),
    };
    let baselines: Vec<_> =
        Baseline::ALL.into_iter().enumerate().map(|(at, baseline)| result(at, baseline)).collect();
    let best = baselines.last().unwrap().auroc.unwrap();
    let quarter = |at: usize| at as f64 / 4.0;
    TestSet {
        class: TestPairs::Class(class),
        proteins: 57 + number,
        baselines,
        lead: Some(Lead {
            baseline: Baseline::NearestPair,
            auroc: auroc - best,
            low: Some(auroc - best - 0.031),
            high: Some(auroc - best + 0.029),
            resamples: 1000,
        }),
        at_prevalence: [1, 10, 100].map(at_prevalence).into(),
        roc: (0..=4)
            .map(|at| RocPoint {
                false_positive_rate: quarter(at),
                true_positive_rate: quarter(at).sqrt(),
            })
            .collect(),
        precision_recall: (0..=4)
            .map(|at| PrecisionRecallPoint {
                recall: quarter(at),
                precision: 1.0 - quarter(at) / 2.0,
            })
            .collect(),
        reliability: (0..15).map(reliability).collect(),
        per_protein: PerProtein { median_auroc: Some(0.643), proteins: 31, at_least: 2 },
        by_similarity: [(0.0, 0.15), (0.15, 0.5), (0.5, 1.0)].map(similarity).into(),
        degrees: degrees(class),
        metrics,
    }
}

fn at_prevalence(negatives_per_positive: usize) -> AtPrevalence {
    let share = 1.0 / negatives_per_positive as f64;
    AtPrevalence {
        negatives_per_positive,
        precision: Some(0.71 * share),
        average_precision: Some(0.74 * share),
        mcc: Some(0.4 * share),
    }
}

fn reliability(bin: usize) -> ReliabilityBin {
    let (above, up_to) = (bin as f64 / 15.0, (bin + 1) as f64 / 15.0);
    let middle = f64::midpoint(above, up_to);
    // The lowest bin is empty.
    let filled = bin > 0;
    ReliabilityBin {
        above,
        up_to,
        pairs: 9 * bin,
        mean_score: filled.then_some(middle),
        positives: filled.then_some(middle * middle),
    }
}

fn similarity((from, below): (f64, f64)) -> SimilarityBin {
    SimilarityBin {
        from,
        below,
        pairs: 150 - (100.0 * from) as usize,
        positives: 70,
        auroc: (from < 0.5).then_some(0.62 + from),
        average_precision: Some(0.61 + from),
    }
}

fn degrees(class: TestClass) -> Degrees {
    let quantiles = |scale: f64| Quantiles {
        minimum: 0.0,
        lower_quartile: scale,
        median: 2.0 * scale,
        upper_quartile: 4.0 * scale,
        maximum: 30.0 * scale,
    };
    match class {
        TestClass::C3 => {
            Degrees { positives: Some(quantiles(0.0)), negatives: Some(quantiles(0.0)) }
        }
        _ => Degrees { positives: Some(quantiles(3.0)), negatives: Some(quantiles(1.0)) },
    }
}
