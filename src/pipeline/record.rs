//! The record of a run for people: its report in the model directory and, with time and cost,
//! outside of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tracing::warn;

use super::{Job, Summary};
use crate::artifacts::{self, Provenance};
use crate::config::RunConfig;
use crate::report::{self, Report, Spending};
use crate::storage;

/// The folder of what the model directory leaves out because it does not repeat. What cannot be
/// written there fails no run.
pub(super) struct Record<'a>(pub(super) &'a Path);

impl Record<'_> {
    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let Self(folder) = self;
        let written = storage::create_folder(folder)
            .and_then(|()| storage::write_atomic(&folder.join(name), bytes));
        if let Err(error) = written {
            warn!(%error, "`{name}` is not kept");
        }
    }
}

impl Job<'_> {
    /// The report of a run as HTML and as Markdown; `None` of one that has no model.
    pub(super) fn report(
        &self,
        summary: &Summary,
        provenance: &Provenance,
        spending: Option<&Spending>,
    ) -> Option<[String; 2]> {
        let report = Report {
            provenance,
            encoder: self.encoder.identity(),
            settings: &settings(self.run.config),
            audits: &self.data.audits.rows,
            split: &self.data.dataset.manifest,
            epochs: &summary.epochs,
            best_epoch: summary.best_epoch,
            validation: summary.validation.as_ref()?,
            evaluation: summary.evaluation.as_ref(),
            seeds: summary.seeds.as_ref(),
            spending,
        };
        Some([report::html(&report), report::markdown(&report)])
    }

    /// Writes the report with what the run took, and the metrics, into the folder of the record.
    pub(super) fn record(&self, summary: &Summary, spending: Option<&Spending>) {
        let record = Record(&self.run.places.record);
        let provenance = self.provenance(summary.complete);
        let Some([html, markdown]) = self.report(summary, &provenance, spending) else { return };
        record.write("report.html", html.as_bytes());
        record.write("report.md", markdown.as_bytes());
        record.write("metrics.json", &artifacts::json(summary));
    }
}

/// Every setting as a user would write it, by name.
fn settings(config: &RunConfig) -> BTreeMap<String, String> {
    // A configuration always serialises, flat.
    let values = serde_json::to_value(config).unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    let fields = values.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), text(value))).collect()
}
