//! The last stage: from what training gave to the model directory.

use std::fmt::Write as _;

use super::evaluate::Scored;
use super::{Error, Job, Summary};
use tracing::info;

use crate::artifacts::{self, Description, ModelWriter, Provenance};
use crate::classifier::Standardizer;
use crate::evaluation::Seeds;
use crate::training;

/// The version of `metrics.json`.
const METRICS_SCHEMA: &str = "dyad.metrics.v1";

impl Job<'_> {
    pub(super) fn write(
        &self,
        outcome: &training::Outcome,
        scored: Scored,
        seeds: Option<Seeds>,
        standardizer: &Standardizer,
    ) -> Result<Summary, Error> {
        let mut writer = self.begin()?;
        let description = Description {
            classifier: self.run.config.classifier.clone(),
            threshold: scored.validation.threshold,
            temperature: scored.temperature,
            encoder: self.encoder.identity().clone(),
            encoder_bundled: self.run.config.bundle_encoder,
            embeddings: self.run.config.embeddings.clone(),
            space: self.space.clone(),
        };
        writer.classifier(&description, &outcome.parameters, standardizer)?;
        if self.run.config.bundle_encoder {
            writer.encoder(&self.encoder)?;
        }
        if let Some(test) = &scored.test {
            writer.bytes("test_predictions.tsv", self.predictions(&test.scores).as_bytes())?;
        }
        let complete = outcome.complete && seeds.as_ref().is_none_or(Seeds::is_complete);
        let (test, evaluation) = scored.test.map(|test| (test.metrics, test.evaluation)).unzip();
        let summary = Summary {
            schema: METRICS_SCHEMA,
            run_id: self.identity.id.clone(),
            complete,
            best_epoch: outcome.best_epoch,
            validation: Some(scored.validation),
            test,
            evaluation,
            seeds,
            epochs: outcome.history.clone(),
        };
        writer.json("metrics.json", &summary)?;
        let provenance = self.provenance(complete);
        if let Some([html, markdown]) = self.report(&summary, &provenance, None) {
            writer.bytes("report.html", html.as_bytes())?;
            writer.bytes("report.md", markdown.as_bytes())?;
        }
        writer.finish(provenance)?;
        Ok(summary)
    }

    /// Leaves a directory that says that the run was stopped before it had a model; a model that
    /// is there already stays.
    pub(super) fn write_interrupted(&self) -> Result<Summary, Error> {
        let folder = &self.run.places.model;
        match artifacts::is_model(folder) {
            true => info!("stopped before training; the model in `{}` stays", folder.display()),
            false => self.begin()?.finish(self.provenance(false))?,
        }
        let run_id = self.identity.id.clone();
        let epochs = Vec::new();
        Ok(Summary {
            schema: METRICS_SCHEMA,
            run_id,
            complete: false,
            best_epoch: None,
            validation: None,
            test: None,
            evaluation: None,
            seeds: None,
            epochs,
        })
    }

    fn begin(&self) -> Result<ModelWriter, Error> {
        let mut writer = ModelWriter::begin(&self.run.places.model)?;
        writer.json("config.json", self.run.config)?;
        writer.json("audit.json", &self.data.audits)?;
        writer.json("split.json", &self.data.dataset.manifest)?;
        Ok(writer)
    }

    pub(super) fn provenance(&self, complete: bool) -> Provenance {
        let mut inputs = self.data.sources.clone();
        inputs.insert("encoder".to_owned(), self.encoder.sources().to_vec());
        Provenance {
            run_id: self.identity.id.clone(),
            complete,
            engine: self.device.name.clone(),
            inputs,
            origins: self.data.origins.clone(),
        }
    }

    /// The test pairs with labels and probabilities.
    fn predictions(&self, scores: &[f64]) -> String {
        let mut text = String::from("protein_a\tprotein_b\tlabel\tprobability\n");
        for (pair, score) in self.data.dataset.test.iter().zip(scores) {
            let name = |protein| self.data.catalogue.accession(protein);
            let (left, right, label) = (name(pair.left), name(pair.right), u8::from(pair.label));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{left}\t{right}\t{label}\t{score:.6}");
        }
        text
    }
}
