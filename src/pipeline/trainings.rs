//! The trainings of a run: the first, which gives the model, and its repetitions with other seeds.

use tracing::info;

use super::evaluate::Scored;
use super::timings::Stopwatch;
use super::{Error, Job, identity};
use crate::classifier::EmbeddingTable;
use crate::config::RunConfig;
use crate::digest::Digest;
use crate::estimate::Component;
use crate::evaluation::{Evaluation, Headline, OfSet, SeedResult, Seeds};
use crate::training::{self, CheckpointFolder, Outcome};

/// What every training of a run learns from besides its pairs.
pub(super) struct Material {
    /// Standardised embeddings.
    pub(super) table: EmbeddingTable,
    /// The digest of the list of shards that they were read from.
    pub(super) pin: Digest,
}

impl Job<'_> {
    /// One training, from its newest checkpoint on.
    pub(super) fn fit(
        &self,
        material: &Material,
        settings: &training::Settings,
        checkpoints: &CheckpointFolder,
    ) -> Result<Outcome, Error> {
        let job = training::Job {
            settings,
            classifier: &self.run.config.classifier,
            table: material.table.clone(),
            engine: &self.device.name,
            pin: Some(material.pin),
            train: &self.data.dataset.train,
            validation: &self.data.dataset.validation,
            checkpoints,
            gives_model: settings.seed == self.run.config.training.seed,
            observer: self.run.observer,
            shutdown: self.run.shutdown,
        };
        Ok(training::train(&job)?)
    }

    /// Trains with every further seed and measures the same test sets; `None` if no further one was
    /// asked for, or the first training, which ended with `first`, was stopped.
    ///
    /// A request to stop ends it between two trainings, or leaves the present one out.
    pub(super) fn repeat(
        &self,
        material: &Material,
        first: &Outcome,
        scored: &Scored,
        checkpoints: &CheckpointFolder,
        watch: &Stopwatch<'_>,
    ) -> Result<Option<Seeds>, Error> {
        let RunConfig { seed, seeds: asked, .. } = *self.run.config;
        let Some(tested) = scored.test.as_ref().filter(|_| asked > 1) else { return Ok(None) };
        let evaluation = &tested.evaluation;
        let sets = evaluation.sets.iter().map(|set| OfSet {
            class: set.class,
            metrics: Headline::new(&set.metrics, set.rival()),
        });
        let validation = Headline::new(&scored.validation, None);
        let mut trainings = vec![SeedResult {
            seed,
            best_epoch: first.best_epoch,
            validation,
            sets: sets.collect(),
        }];
        for (number, seed) in (seed..).enumerate().take(asked).skip(1) {
            if self.run.shutdown.requested() {
                break;
            }
            info!("training {} of {asked}, with the seed {seed}", number + 1);
            watch.announce(asked - number);
            let config = with_seed(self.run.config, seed);
            let checkpoints =
                checkpoints.of_seed(seed, &identity(&config, &self.space, &self.data))?;
            let outcome = self.fit(material, &config.training, &checkpoints)?;
            watch.finish(Component::Training);
            if !outcome.complete {
                break;
            }
            trainings.push(self.result(seed, material, &outcome, evaluation)?);
            watch.finish(Component::Evaluation);
        }
        let seeds = Seeds::new(asked, trainings);
        info!("with several seeds: {seeds}");
        Ok(Some(seeds))
    }

    /// What a repetition reached on the test sets of the first training's `evaluation`. Baselines
    /// know no seed: theirs are taken from there.
    fn result(
        &self,
        seed: u64,
        material: &Material,
        outcome: &Outcome,
        evaluation: &Evaluation,
    ) -> Result<SeedResult, Error> {
        let chosen = self.choose(&material.table, &outcome.parameters)?;
        let sets =
            self.test_sets().into_iter().zip(&evaluation.sets).map(|((class, pairs), set)| {
                let metrics = Headline::new(&chosen.measure(&pairs)?, set.rival());
                Ok(OfSet { class, metrics })
            });
        Ok(SeedResult {
            seed,
            best_epoch: outcome.best_epoch,
            validation: Headline::new(&chosen.validation, None),
            sets: sets.collect::<Result<_, Error>>()?,
        })
    }
}

/// The configuration of a training with another seed, which nothing but the training is given: the
/// split, the negatives and the test sets stay those of the run.
fn with_seed(config: &RunConfig, seed: u64) -> RunConfig {
    let training = training::Settings { seed, ..config.training.clone() };
    RunConfig { training, seed, ..config.clone() }
}
