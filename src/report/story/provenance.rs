//! Where the model comes from: program, encoder, input files, settings.

use crate::report::Report;
use crate::report::document::{Block, Kind, Section, Table};
use crate::report::text;

pub(super) fn section(report: &Report<'_>) -> Section {
    let blocks = vec![
        Block::text(
            "The same settings, input files, stored embeddings, program version and engine give \
             the same model and the same report, byte for byte. The run's name is a digest of \
             everything that changes its result.",
        ),
        Block::Table(run(report)),
        Block::Table(inputs(report)),
        Block::Table(settings(report)),
    ];
    Section::new("provenance", "Where it comes from", blocks)
}

fn run(report: &Report<'_>) -> Table {
    let (provenance, encoder) = (report.provenance, report.encoder);
    let state = if provenance.complete { "complete" } else { "stopped before its end" };
    let rows = [
        ("Run", provenance.run_id.clone()),
        ("State", state.to_owned()),
        ("Program", format!("dyad {}", env!("CARGO_PKG_VERSION"))),
        ("Engine", provenance.engine.clone()),
        ("Encoder", encoder.name.clone()),
        ("Encoder read from", encoder.source.clone()),
        ("Encoder digest", encoder.digest.to_string()),
    ];
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    Table::new("The run", &[("What", Kind::Words), ("Value", Kind::Code)], rows.collect())
}

fn inputs(report: &Report<'_>) -> Table {
    let files = report.provenance.inputs.iter().flat_map(|(channel, files)| {
        files.iter().map(|file| {
            let bytes = text::count(usize::try_from(file.bytes).unwrap_or(usize::MAX));
            vec![channel.clone(), file.name.clone(), bytes, file.sha256.to_string()]
        })
    });
    let columns = [
        ("Channel", Kind::Words),
        ("File", Kind::Code),
        ("Bytes", Kind::Number),
        ("SHA-256", Kind::Code),
    ];
    Table::new("Input files", &columns, files.collect())
}

fn settings(report: &Report<'_>) -> Table {
    let rows = report.settings.iter().map(|(name, value)| vec![name.clone(), value.clone()]);
    Table::new("Settings", &[("Setting", Kind::Code), ("Value", Kind::Code)], rows.collect())
}
