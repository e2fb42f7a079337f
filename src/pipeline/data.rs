//! The first stages: from the user's files to pairs in parts.

use std::collections::BTreeMap;
use std::slice;

use tracing::{info, warn};

use super::{Error, Inputs};
use crate::config::RunConfig;
use crate::dataset::{self, Catalogue, Dataset, Example, Pairs, Source};
use crate::digest::Digest;
use crate::evaluation::Rows;
use crate::interactions::{self, Audit, InteractionSet};
use crate::progress::{Event, Observer, Task};
use crate::protein::ProteinSequence;
use crate::sequences::{self, Found, SequenceSet};
use crate::storage::SourceFile;

/// The channel of the pairs that a run learns from.
const INTERACTIONS: &str = "interactions";
const SEQUENCES: &str = "sequences";

/// Everything read from the user's files.
pub(super) struct Data {
    pub(super) catalogue: Catalogue,
    pub(super) sequences: SequenceSet,
    pub(super) dataset: Dataset,
    /// How the rows of all channels name their proteins.
    pub(super) rows: Rows,
    pub(super) audits: BTreeMap<&'static str, Audit>,
    pub(super) sources: BTreeMap<String, Vec<SourceFile>>,
}

impl Data {
    /// The sequences of the catalogue's proteins, in its order.
    pub(super) fn protein_sequences(&self) -> impl Iterator<Item = &ProteinSequence> {
        let names = self.catalogue.proteins().iter().map(|(name, _)| name);
        names.filter_map(|name| self.sequences.get(name).map(Found::sequence))
    }
}

/// Reads pairs and sequences, and cuts the pairs into parts; `after_reading` is called in between.
pub(super) fn read(
    inputs: &Inputs,
    config: &RunConfig,
    observer: &dyn Observer,
    after_reading: impl FnOnce(),
) -> Result<Data, Error> {
    if inputs.validation.is_some() && inputs.test.is_none() {
        return Err(Error::ValidationAlone);
    }
    let task = Task::Reading;
    let channels = [
        (SEQUENCES, Some(&inputs.sequences)),
        (INTERACTIONS, Some(&inputs.interactions)),
        ("validation", inputs.validation.as_ref()),
        ("test", inputs.test.as_ref()),
    ];
    let total = channels.iter().filter(|(_, path)| path.is_some()).count() as u64;
    observer.observe(Event::Started { task, done: 0, total });
    let sequences = sequences::read(slice::from_ref(&inputs.sequences))?;
    observer.observe(Event::Advanced { task, units: 1 });
    info!("sequences: {} proteins, {} repeated records", sequences.len(), sequences.duplicates());
    let mut sets: BTreeMap<&'static str, InteractionSet> = BTreeMap::new();
    for (channel, path) in channels.into_iter().skip(1) {
        let Some(path) = path else { continue };
        let settings = settings_for(channel, config);
        let read = interactions::read(slice::from_ref(path), &settings)?;
        let set = read.resolve(|accession| sequences.get(accession).is_some(), &settings)?;
        info!("{channel}:\n{}", set.audit);
        sets.insert(channel, set);
        observer.observe(Event::Advanced { task, units: 1 });
    }
    observer.observe(Event::Finished { task });
    let proteins = sets.values().flat_map(|set| &set.pairs).flat_map(|labelled| {
        [labelled.pair.first(), labelled.pair.second()].map(|accession| {
            let found = sequences.get(accession).map(|found| found.sequence().digest());
            (accession.clone(), found.unwrap_or_else(|| Digest::of(b"")))
        })
    });
    let catalogue = Catalogue::new(proteins)?;
    report_isoforms(&catalogue, &sequences);
    let mut sources: BTreeMap<String, Vec<SourceFile>> = BTreeMap::new();
    sources.insert(SEQUENCES.to_owned(), sequences.sources().to_vec());
    let mut audits = BTreeMap::new();
    let mut rows = Rows::default();
    let mut parts: BTreeMap<&'static str, Pairs> = BTreeMap::new();
    for (channel, set) in sets {
        parts.insert(channel, indexed(&catalogue, &set, &mut rows));
        sources.insert(channel.to_owned(), set.sources);
        audits.insert(channel, set.audit);
    }
    after_reading();
    let dataset = dataset::build(&catalogue, source(parts), &config.dataset)?;
    info!("split:\n{}", dataset.manifest);
    dataset.manifest.warnings.iter().for_each(|warning| warn!("{warning}"));
    Ok(Data { catalogue, sequences, dataset, rows, audits, sources })
}

fn report_isoforms(catalogue: &Catalogue, sequences: &SequenceSet) {
    let names = catalogue.proteins().iter().map(|(accession, _)| accession);
    let isoforms = sequences.isoform_fallbacks(names);
    if isoforms > 0 {
        warn!("{isoforms} isoforms have no sequence of their own and use their parent's");
    }
}

/// The pairs of a channel by the indices of their proteins; `rows` takes note of their order.
fn indexed(catalogue: &Catalogue, set: &InteractionSet, rows: &mut Rows) -> Pairs {
    let examples = set.pairs.iter().filter_map(|labelled| {
        let left = catalogue.index(labelled.pair.first())?;
        let right = catalogue.index(labelled.pair.second())?;
        let example = Example { left, right, label: labelled.label };
        rows.add(&example, labelled.reversed);
        Some(example)
    });
    Pairs { examples: examples.collect(), has_negatives: set.has_negatives }
}

fn source(mut parts: BTreeMap<&'static str, Pairs>) -> Source {
    let train = parts.remove(INTERACTIONS).unwrap_or_default();
    match parts.remove("test") {
        Some(test) => Source::Given { train, validation: parts.remove("validation"), test },
        None => Source::Whole(train),
    }
}

/// The filters and the quick test's subset are for the pairs that a run splits; the user's own
/// validation and test parts are taken as they are.
fn settings_for(channel: &str, config: &RunConfig) -> interactions::Settings {
    let settings = config.interactions.clone();
    if channel == INTERACTIONS {
        return settings;
    }
    interactions::Settings {
        min_publications: 0,
        evidence: interactions::Evidence::Any,
        max_proteins: None,
        max_pairs: None,
        ..settings
    }
}
