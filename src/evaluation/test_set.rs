//! One set of test pairs, measured in every way.

use std::collections::BTreeSet;

use super::baselines::{Baselines, Rows};
use super::benchmark::Benchmark;
use super::ranking::Ranking;
use super::{
    Baseline, BaselineResult, Calibration, Degrees, Error, Evaluation, Lead, LeakageCard,
    PartOrigin, Quantiles, RowOrderShares, Settings, TestPairs, TestSet, bootstrap, calibration,
    guard, metrics, prevalence, strata, words,
};
use crate::dataset::{Catalogue, Example, SplitManifest, labels};
use crate::protein::ProteinSequence;

/// What baselines are made of, and what test pairs are compared with.
#[derive(Clone, Copy, Debug)]
pub struct Background<'a> {
    /// The proteins of all pairs.
    pub catalogue: &'a Catalogue,
    /// Their residues, in the order of the catalogue.
    pub proteins: &'a [&'a ProteinSequence],
    /// The training part.
    pub train: &'a [Example],
    /// How the rows of the input name their proteins.
    pub rows: &'a Rows,
    /// Seeds the resampling of proteins.
    pub seed: u64,
}

impl TestSet {
    /// The AUROC of the baseline that the model is compared with.
    pub fn rival(&self) -> Option<f64> {
        let best = self.lead?.baseline;
        self.baselines.iter().find(|result| result.baseline == best)?.auroc
    }
}

/// Measures test sets against baselines that were fitted once.
pub struct Evaluator<'a> {
    pub(super) background: Background<'a>,
    baselines: Baselines<'a>,
}

impl<'a> Evaluator<'a> {
    /// Fits the baselines on the training part: seconds for 100,000 pairs.
    pub fn new(background: Background<'a>) -> Self {
        Self { baselines: Baselines::fit(&background), background }
    }

    /// Measures `scores`, calibrated probabilities of `examples`, at the `threshold` chosen on
    /// validation.
    pub fn measure(
        &self,
        class: TestPairs,
        examples: &[Example],
        scores: &[f64],
        threshold: f64,
    ) -> Result<TestSet, Error> {
        let labels = labels(examples);
        let metrics = metrics(scores, &labels, threshold)?;
        let ranking = Ranking::new(scores, &labels);
        let proteins: BTreeSet<u32> =
            examples.iter().flat_map(|example| [example.left, example.right]).collect();
        let judged = Baseline::ALL.map(|baseline| self.baselines.judge(baseline, examples));
        let similarity = self.baselines.similarity(examples);
        Ok(TestSet {
            class,
            proteins: proteins.len(),
            lead: self.lead(examples, scores, metrics.auroc, &judged),
            baselines: judged.map(|(result, _)| result).to_vec(),
            at_prevalence: prevalence::at_prevalence(&ranking, &metrics.confusion),
            roc: ranking.roc(),
            precision_recall: ranking.precision_recall(),
            reliability: calibration::reliability(scores, &labels),
            per_protein: strata::per_protein(examples, scores),
            by_similarity: strata::by_similarity(examples, scores, &similarity),
            degrees: self.degrees(examples),
            metrics,
        })
    }

    /// The evaluation of all `sets`, and the card of the split that they come from.
    pub fn conclude(
        &self,
        calibration: Calibration,
        sets: Vec<TestSet>,
        manifest: &SplitManifest,
        settings: &Settings,
    ) -> Evaluation {
        let Background { catalogue, rows, .. } = self.background;
        let test = &manifest.parts.test.pairs;
        let name = |protein| catalogue.accession(protein);
        let pairs = test.iter().map(|pair| (name(pair.left), name(pair.right), pair.label));
        let rows = RowOrderShares {
            positives: rows.sorted_share(test, true),
            negatives: rows.sorted_share(test, false),
        };
        let card = LeakageCard {
            split: manifest.settings.split,
            parts: manifest
                .parts
                .map(|part| PartOrigin { negatives: part.negatives, counts: part.counts }),
            lost: manifest.lost,
            overlaps: manifest.overlaps.clone(),
            rows,
            statements: words::statements(manifest, &rows, &sets),
        };
        let warnings = guard::warnings(&sets, Benchmark::of(pairs), settings);
        Evaluation { calibration, sets, card, warnings }
    }

    /// The model against the best baseline within reach; of equally good ones the first.
    fn lead(
        &self,
        examples: &[Example],
        scores: &[f64],
        auroc: Option<f64>,
        judged: &[(BaselineResult, Vec<f64>)],
    ) -> Option<Lead> {
        let within_reach = judged.iter().filter(|(result, _)| result.within_reach);
        let rivals =
            within_reach.filter_map(|(result, values)| Some((result, values, result.auroc?)));
        let (best, values, best_auroc) =
            rivals.reduce(|best, next| if next.2 > best.2 { next } else { best })?;
        let seed = self.background.seed;
        let interval = bootstrap::difference_of_aurocs(examples, scores, values, seed);
        Some(Lead {
            baseline: best.baseline,
            auroc: auroc? - best_auroc,
            low: interval.ends.map(|ends| ends[0]),
            high: interval.ends.map(|ends| ends[1]),
            resamples: interval.resamples,
        })
    }

    fn degrees(&self, examples: &[Example]) -> Degrees {
        let of_label = |label| {
            let examples = examples.iter().filter(|example| example.label == label);
            let proteins = examples.flat_map(|example| [example.left, example.right]);
            Quantiles::of(proteins.map(|protein| self.baselines.degree(protein)).collect())
        };
        Degrees { positives: of_label(true), negatives: of_label(false) }
    }
}
