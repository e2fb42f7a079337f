//! The stage before the last: what is chosen on validation, and the test part, scored once.

use std::iter;

use tracing::{info, warn};

use super::{Error, Job};
use crate::classifier::{self, EmbeddingTable, NamedTensors, PairClassifier, Temperature};
use crate::dataset::{Classes, Example, TestClass, labels};
use crate::evaluation::{self, Background, Calibration, Evaluation, Evaluator, Metrics, TestPairs};
use crate::training;

/// Metrics of validation and what was chosen there, with the test part.
pub(super) struct Scored {
    pub(super) temperature: Temperature,
    pub(super) validation: Metrics,
    /// Absent where training is not over.
    pub(super) test: Option<Tested>,
}

/// The test part, measured.
pub(super) struct Tested {
    /// The probability of each pair.
    pub(super) scores: Vec<f64>,
    pub(super) metrics: Metrics,
    pub(super) evaluation: Evaluation,
}

/// A classifier with what was chosen for it on validation.
pub(super) struct Chosen<'t> {
    network: PairClassifier,
    table: &'t EmbeddingTable,
    temperature: Temperature,
    calibration: Calibration,
    /// At the threshold that was chosen.
    pub(super) validation: Metrics,
}

impl Chosen<'_> {
    /// The probability of each pair.
    fn score(&self, pairs: &[Example]) -> Vec<f64> {
        self.temperature.probabilities(&logits(&self.network, self.table, pairs))
    }

    /// The metrics of `pairs`.
    pub(super) fn measure(&self, pairs: &[Example]) -> Result<Metrics, Error> {
        let scores = self.score(pairs);
        Ok(evaluation::metrics(&scores, &labels(pairs), self.validation.threshold)?)
    }
}

fn logits(network: &PairClassifier, table: &EmbeddingTable, pairs: &[Example]) -> Vec<f64> {
    classifier::logits(network, table, pairs.iter().map(|pair| (pair.left, pair.right)))
}

impl Job<'_> {
    /// Chooses temperature and threshold on validation and, if training is over, measures the test
    /// part.
    pub(super) fn evaluate(
        &self,
        table: &EmbeddingTable,
        outcome: &training::Outcome,
    ) -> Result<Scored, Error> {
        let chosen = self.choose(table, &outcome.parameters)?;
        let test = outcome.complete.then(|| self.examine(&chosen)).transpose()?;
        Ok(Scored { temperature: chosen.temperature, validation: chosen.validation, test })
    }

    /// Chooses temperature and threshold on validation.
    pub(super) fn choose<'t>(
        &self,
        table: &'t EmbeddingTable,
        parameters: &NamedTensors,
    ) -> Result<Chosen<'t>, Error> {
        let device = &self.device.classifier;
        let network =
            PairClassifier::new(self.space.dimension, &self.run.config.classifier, device);
        let network = classifier::load(network, parameters, device)?;
        let validation = &self.data.dataset.validation;
        let labels = labels(validation);
        let logits = logits(&network, table, validation);
        let (temperature, calibration) = evaluation::calibrate(&logits, &labels);
        let scores = temperature.probabilities(&logits);
        let threshold = evaluation::best_threshold(&scores, &labels).unwrap_or(0.5);
        let validation = evaluation::metrics(&scores, &labels, threshold)?;
        Ok(Chosen { network, table, temperature, calibration, validation })
    }

    /// Measures the test part, and what is tested beside it, beside the baselines.
    fn examine(&self, chosen: &Chosen<'_>) -> Result<Tested, Error> {
        let (data, config) = (&self.data, self.run.config);
        let proteins: Vec<_> = data.protein_sequences().collect();
        let evaluator = Evaluator::new(Background {
            catalogue: &data.catalogue,
            proteins: &proteins,
            train: &data.dataset.train,
            rows: &data.rows,
            seed: config.seed,
        });
        let sets = self.test_sets().into_iter().map(|(class, pairs)| {
            let scores = chosen.score(&pairs);
            let threshold = chosen.validation.threshold;
            Ok((evaluator.measure(class, &pairs, &scores, threshold)?, scores))
        });
        let sets: Result<Vec<_>, Error> = sets.collect();
        let (sets, scores): (Vec<_>, Vec<_>) = sets?.into_iter().unzip();
        // The first is the test part.
        let metrics = sets[0].metrics.clone();
        let scores = scores.into_iter().next().unwrap_or_default();
        let manifest = &data.dataset.manifest;
        let evaluation = evaluator.conclude(chosen.calibration, sets, manifest, &config.evaluation);
        info!("beside what needs no knowledge of interactions:\n{evaluation}");
        evaluation.warnings.iter().for_each(|warning| warn!("{warning}"));
        Ok(Tested { scores, metrics, evaluation })
    }

    /// The test part, by the name of its class where it has pairs of one class only, and the other
    /// classes that have pairs with both labels.
    pub(super) fn test_sets(&self) -> Vec<(TestPairs, Vec<Example>)> {
        let dataset = &self.data.dataset;
        let Classes { c1, c2, c3 } = dataset.test_classes();
        let classes = [(TestClass::C3, c3), (TestClass::C2, c2), (TestClass::C1, c1)];
        // The order within a class is that of the test part.
        let whole = classes.iter().position(|(_, pairs)| *pairs == dataset.test);
        let measurable = |pairs: &[Example]| {
            pairs.iter().any(|pair| pair.label) && pairs.iter().any(|pair| !pair.label)
        };
        let class = whole.map_or(TestPairs::Test, |at| TestPairs::Class(classes[at].0));
        let others = classes.into_iter().enumerate();
        let others = others.filter(|(at, (_, pairs))| Some(*at) != whole && measurable(pairs));
        iter::once((class, dataset.test.clone()))
            .chain(others.map(|(_, (class, pairs))| (TestPairs::Class(class), pairs)))
            .collect()
    }
}
