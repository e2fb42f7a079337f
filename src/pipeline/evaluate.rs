//! The stage before the last: what is chosen on validation, and the test part, scored once.

use std::iter;

use tracing::{info, warn};

use super::{Error, Job};
use crate::classifier::{self, EmbeddingTable, PairClassifier, Temperature};
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

impl Job<'_> {
    /// Chooses temperature and threshold on validation and, if training is over, measures the test
    /// part.
    pub(super) fn evaluate(
        &self,
        table: &EmbeddingTable,
        outcome: &training::Outcome,
    ) -> Result<Scored, Error> {
        let device = &self.device.classifier;
        let network =
            PairClassifier::new(self.space.dimension, &self.run.config.classifier, device);
        let network = classifier::load(network, &outcome.parameters, device)?;
        let logits = |pairs: &[Example]| {
            let rows = pairs.iter().map(|pair| (pair.left, pair.right));
            classifier::logits(&network, table, rows)
        };
        let validation = &self.data.dataset.validation;
        let labels = labels(validation);
        let logits_of_validation = logits(validation);
        let (temperature, calibration) = evaluation::calibrate(&logits_of_validation, &labels);
        let scores = temperature.probabilities(&logits_of_validation);
        let threshold = evaluation::best_threshold(&scores, &labels).unwrap_or(0.5);
        let validation = evaluation::metrics(&scores, &labels, threshold)?;
        if !outcome.complete {
            return Ok(Scored { temperature, validation, test: None });
        }
        let score = |pairs: &[Example]| temperature.probabilities(&logits(pairs));
        let test = self.examine(&score, threshold, calibration)?;
        Ok(Scored { temperature, validation, test: Some(test) })
    }

    /// Measures the test part, and what is tested beside it, beside the baselines.
    fn examine(
        &self,
        score: &dyn Fn(&[Example]) -> Vec<f64>,
        threshold: f64,
        calibration: Calibration,
    ) -> Result<Tested, Error> {
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
            let scores = score(&pairs);
            Ok((evaluator.measure(class, &pairs, &scores, threshold)?, scores))
        });
        let sets: Result<Vec<_>, Error> = sets.collect();
        let (sets, scores): (Vec<_>, Vec<_>) = sets?.into_iter().unzip();
        // The first is the test part.
        let metrics = sets[0].metrics.clone();
        let scores = scores.into_iter().next().unwrap_or_default();
        let manifest = &data.dataset.manifest;
        let evaluation = evaluator.conclude(calibration, sets, manifest, &config.evaluation);
        info!("beside what needs no knowledge of interactions:\n{evaluation}");
        evaluation.warnings.iter().for_each(|warning| warn!("{warning}"));
        Ok(Tested { scores, metrics, evaluation })
    }

    /// The test part, by the name of its class where it has pairs of one class only, and the other
    /// classes that have pairs with both labels.
    fn test_sets(&self) -> Vec<(TestPairs, Vec<Example>)> {
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
