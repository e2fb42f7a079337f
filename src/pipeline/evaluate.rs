//! The stage before the last: what is chosen on validation, and the test part, scored once.

use tracing::{info, warn};

use super::{Error, Job};
use crate::classifier::{self, EmbeddingTable, PairClassifier, Temperature};
use crate::dataset::Example;
use crate::evaluation::{self, Background, Calibration, Evaluation, Evaluator, Metrics, TestClass};
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
        let device = &self.device.device;
        let network =
            PairClassifier::new(self.space.dimension, &self.run.config.classifier, device);
        let network = classifier::load(network, &outcome.parameters, device)?;
        let logits = |pairs: &[Example]| {
            let rows = pairs.iter().map(|pair| (pair.left, pair.right));
            classifier::logits(&network, table, rows)
        };
        let validation = &self.data.dataset.validation;
        let labels: Vec<bool> = validation.iter().map(|pair| pair.label).collect();
        let logits_of_validation = logits(validation);
        let (temperature, calibration) = evaluation::calibrate(&logits_of_validation, &labels);
        let scores = temperature.probabilities(&logits_of_validation);
        let threshold = evaluation::best_threshold(&scores, &labels).unwrap_or(0.5);
        let validation = evaluation::metrics(&scores, &labels, threshold)?;
        if !outcome.complete {
            return Ok(Scored { temperature, validation, test: None });
        }
        let scores = temperature.probabilities(&logits(&self.data.dataset.test));
        let test = self.examine(scores, threshold, calibration)?;
        Ok(Scored { temperature, validation, test: Some(test) })
    }

    /// Measures the test part beside the baselines.
    fn examine(
        &self,
        scores: Vec<f64>,
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
        let test = &data.dataset.test;
        let set = evaluator.measure(TestClass::Test, test, &scores, threshold)?;
        let metrics = set.metrics.clone();
        let manifest = &data.dataset.manifest;
        let evaluation = evaluator.conclude(calibration, vec![set], manifest, &config.evaluation);
        info!("beside what needs no knowledge of interactions:\n{evaluation}");
        evaluation.warnings.iter().for_each(|warning| warn!("{warning}"));
        Ok(Tested { scores, metrics, evaluation })
    }
}
