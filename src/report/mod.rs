//! Report: what a run did and what its numbers mean, for people.
//!
//! A [`Report`] is told once, as a document of plain sentences, tables and charts, and rendered
//! twice: as one [`html()`] page that needs nothing else, and as [`markdown()`]. Both are pure
//! functions; equal reports give equal bytes.

mod chart;
mod document;
mod html;
mod markdown;
mod story;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use crate::artifacts::Provenance;
use crate::dataset::SplitManifest;
use crate::embeddings::esm2::EncoderIdentity;
use crate::estimate::{Instance, Seconds};
use crate::evaluation::{Evaluation, Metrics, Seeds};
use crate::interactions::Audit;
use crate::training::EpochRecord;

/// What a run did, gathered for its report.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Run id, engine and input files.
    pub provenance: &'a Provenance,
    /// What turned sequences into vectors.
    pub encoder: &'a EncoderIdentity,
    /// Every setting by its name.
    pub settings: &'a BTreeMap<String, String>,
    /// What became of the rows, by channel.
    pub audits: &'a BTreeMap<&'static str, Audit>,
    /// Which pair is where.
    pub split: &'a SplitManifest,
    /// One record per epoch.
    pub epochs: &'a [EpochRecord],
    /// The epoch whose parameters were kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Metrics of the part on which epoch and threshold were chosen.
    pub validation: &'a Metrics,
    /// What was measured on test pairs; absent from a run that was stopped.
    pub evaluation: Option<&'a Evaluation>,
    /// What the same training reached with other seeds, where that was asked for.
    pub seeds: Option<&'a Seeds>,
    /// What the run took. It does not repeat, so that a report without it does.
    pub spending: Option<&'a Spending>,
}

/// What a run took, of time and money.
#[derive(Clone, Debug, PartialEq)]
pub struct Spending {
    /// The device that computed.
    pub device: String,
    /// Seconds by part, as measured.
    pub actual: Seconds,
    /// Seconds by part, as predicted for what this attempt found left to do.
    pub predicted: Seconds,
    /// The type of the machine, where it is known.
    pub instance: Option<Instance>,
}

/// The report as one HTML page.
pub fn html(report: &Report<'_>) -> String {
    html::page(&story::tell(report))
}

/// The report as Markdown.
pub fn markdown(report: &Report<'_>) -> String {
    markdown::text(&story::tell(report))
}
