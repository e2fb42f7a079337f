//! What was read, and what became of every row.

use crate::interactions::{Audit, Bucket};
use crate::report::Report;
use crate::report::document::{Block, Kind, Section, Table};
use crate::report::text;

pub(super) fn section(report: &Report<'_>) -> Section {
    let mut blocks = vec![Block::text(
        "Every row of the input ends in exactly one of these buckets, the first that fits. Rows \
         that are malformed, that contradict each other or whose proteins have no sequence were \
         lost against your will; the other buckets follow from the settings.",
    )];
    for (channel, audit) in report.audits {
        blocks.push(Block::text(summary(channel, audit)));
        blocks.push(Block::Table(buckets(channel, audit)));
    }
    Section::new("data", "What was read and what was dropped", blocks)
}

fn summary(channel: &str, audit: &Audit) -> String {
    let files: Vec<_> = audit
        .files
        .iter()
        .map(|file| {
            format!("“{}” ({}, {})", file.name, file.kind(), text::counted(file.rows, "row"))
        })
        .collect();
    let share = text::percent_of(audit.count(Bucket::Used), audit.rows);
    let positives = text::counted(audit.used_positives, "interacting pair");
    let negatives = text::counted(audit.used_negatives, "pair");
    let (used, rows) = (text::count(audit.count(Bucket::Used)), text::count(audit.rows));
    let mut summary = format!(
        "Channel {channel}: {used} of {rows} rows ({share}) are used, as {positives} and \
         {negatives} labelled as not interacting. They name {}, {} of which without a sequence. \
         Files: {}.",
        text::counted(audit.proteins, "protein"),
        text::count(audit.proteins_without_sequence),
        files.join(", "),
    );
    let missing = &audit.listed_without_sequence;
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().take(LISTED).map(ToString::to_string).collect();
        let more = if missing.len() > LISTED { ", …" } else { "" };
        summary.push_str(&format!(" Without a sequence: {}{more}.", names.join(", ")));
    }
    summary
}

/// So many proteins without sequence are named.
const LISTED: usize = 10;

fn buckets(channel: &str, audit: &Audit) -> Table {
    let rows = audit.buckets.iter().map(|bucket| {
        let example = bucket.examples.first().filter(|_| bucket.bucket != Bucket::Used);
        vec![
            bucket.bucket.to_string(),
            text::count(bucket.rows),
            text::percent_of(bucket.rows, audit.rows),
            example.map(ToString::to_string).unwrap_or_default(),
        ]
    });
    let columns = [
        ("Bucket", Kind::Words),
        ("Rows", Kind::Number),
        ("Share", Kind::Number),
        ("First example", Kind::Words),
    ];
    Table::new(&format!("Rows of channel {channel}"), &columns, rows.collect())
}
