//! The first stages: from the user's files, and what is fetched besides, to pairs in parts.

use std::collections::BTreeMap;
use std::slice;

use serde::Serialize;
use tracing::{info, warn};

use super::{Error, Fetching, Inputs, background};
use crate::artifacts::Origin;
use crate::config::RunConfig;
use crate::dataset::{self, Background, Catalogue, Dataset, Example, Pairs, Source};
use crate::digest::Digest;
use crate::evaluation::Rows;
use crate::interactions::{self, Audit, InteractionSet, Interactions};
use crate::progress::{Event, Task};
use crate::protein::ProteinSequence;
use crate::sequences::{Found, SequenceSet, uniprot};
use crate::storage::SourceFile;

/// The channel of the pairs that a run learns from.
const INTERACTIONS: &str = "interactions";
const SEQUENCES: &str = "sequences";
/// The channel of pairs that are no negatives, and used for nothing else.
const KNOWN: &str = "known_interactions";

/// What reading works with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) fetching: Fetching<'a>,
}

/// Everything read and fetched.
pub(super) struct Data {
    pub(super) catalogue: Catalogue,
    pub(super) sequences: SequenceSet,
    pub(super) dataset: Dataset,
    /// How the rows of all channels name their proteins.
    pub(super) rows: Rows,
    pub(super) audits: Audits,
    pub(super) sources: BTreeMap<String, Vec<SourceFile>>,
    /// Where fetched input comes from, by channel.
    pub(super) origins: BTreeMap<String, Origin>,
}

/// `audit.json`.
#[derive(Serialize)]
pub(super) struct Audits {
    /// The rows of each channel of pairs.
    #[serde(flatten)]
    pub(super) rows: BTreeMap<&'static str, Audit>,
    /// The proteins that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    uniprot: Option<uniprot::Audit>,
}

impl Data {
    /// The sequences of the catalogue's proteins, in its order.
    pub(super) fn protein_sequences(&self) -> impl Iterator<Item = &ProteinSequence> {
        let names = self.catalogue.proteins().iter().map(|(name, _)| name);
        names.filter_map(|name| self.sequences.get(name).map(Found::sequence))
    }
}

/// Pairs and sequences as they come, before one is looked for in the other.
struct Files {
    sequences: SequenceSet,
    pairs: Vec<(&'static str, Interactions)>,
    origins: BTreeMap<String, Origin>,
}

/// Reads pairs and sequences, fetches what is asked for, and cuts the pairs into parts;
/// `after_reading` is called in between.
pub(super) fn read(reading: Reading<'_>, after_reading: impl FnOnce()) -> Result<Data, Error> {
    let Reading { inputs, fetching } = reading;
    let config = fetching.config;
    if inputs.validation.is_some() && inputs.test.is_none() {
        return Err(Error::ValidationAlone);
    }
    let Files { mut sequences, pairs, mut origins } = read_files(&reading)?;
    let used = pairs.iter().filter(|(channel, _)| *channel != KNOWN);
    let named = used.flat_map(|(_, pairs)| pairs.accessions());
    let uniprot = fetching.complete(named, &mut sequences)?;
    if let Some(audit) = &uniprot {
        let releases = audit.releases.iter().cloned().collect();
        let origin = Origin { address: audit.address.clone(), releases };
        origins.insert(SEQUENCES.to_owned(), origin);
    }
    let mut sets: BTreeMap<&'static str, InteractionSet> = BTreeMap::new();
    for (channel, pairs) in pairs {
        let settings = settings_for(channel, config);
        let is_usable = |name: &_| channel == KNOWN || sequences.get(name).is_some();
        let set = pairs.resolve(is_usable, &settings)?;
        info!("{channel}:\n{}", set.audit);
        sets.insert(channel, set);
    }
    let known = sets.remove(KNOWN);
    let proteins = sets.values().flat_map(|set| &set.pairs).flat_map(|labelled| {
        [labelled.pair.first(), labelled.pair.second()].map(|accession| {
            let found = sequences.get(accession).map(|found| found.sequence().digest());
            (accession.clone(), found.unwrap_or_else(|| Digest::of(b"")))
        })
    });
    let catalogue = Catalogue::new(proteins)?;
    report_isoforms(&catalogue, &sequences);
    after_reading();
    let (clusters, table) = background::clusters(&reading, &catalogue, &sequences)?;
    let left_out = sets.values().flat_map(|set| &set.left_out);
    let known_pairs = known.iter().flat_map(|set| set.pairs.iter().filter(|pair| pair.label));
    let known_pairs = left_out.chain(known_pairs.map(|labelled| &labelled.pair));
    let known_pairs = background::known(known_pairs, &catalogue, &sequences);
    let background = Background { clusters, known: known_pairs };

    let mut sources: BTreeMap<String, Vec<SourceFile>> = BTreeMap::new();
    sources.insert(SEQUENCES.to_owned(), sequences.sources().to_vec());
    if !table.is_empty() {
        sources.insert("clusters".to_owned(), table);
    }
    let mut rows = Rows::default();
    let index =
        |(channel, set): (&&'static str, _)| (*channel, indexed(&catalogue, set, &mut rows));
    let parts = sets.iter().map(index).collect();
    let mut audits = BTreeMap::new();
    for (channel, set) in sets.into_iter().chain(known.map(|set| (KNOWN, set))) {
        sources.insert(channel.to_owned(), set.sources);
        audits.insert(channel, set.audit);
    }
    let dataset = dataset::build(&catalogue, source(parts), &background, &config.dataset)?;
    info!("split:\n{}", dataset.manifest);
    dataset.manifest.warnings.iter().for_each(|warning| warn!("{warning}"));
    let audits = Audits { rows: audits, uniprot };
    Ok(Data { catalogue, sequences, dataset, rows, audits, sources, origins })
}

fn read_files(reading: &Reading<'_>) -> Result<Files, Error> {
    let Reading { inputs, fetching } = reading;
    let Fetching { config, observer, .. } = fetching;
    let task = Task::Reading;
    let sequences = fetching.sequences(inputs.sequences.as_ref())?;
    let (path, origin) = fetching.interactions(inputs.interactions.as_deref())?;
    let channels = [
        (INTERACTIONS, Some(&path)),
        ("validation", inputs.validation.as_ref()),
        ("test", inputs.test.as_ref()),
        (KNOWN, inputs.known_interactions.as_ref()),
    ];
    let given = channels.into_iter().filter_map(|(channel, path)| Some((channel, path?)));
    let given: Vec<_> = given.collect();
    observer.observe(Event::Started { task, done: 0, total: 1 + given.len() as u64 });
    observer.observe(Event::Advanced { task, units: 1 });
    info!("sequences: {} proteins, {} repeated records", sequences.len(), sequences.duplicates());
    let mut pairs = Vec::new();
    for (channel, path) in given {
        let settings = settings_for(channel, config);
        pairs.push((channel, interactions::read(slice::from_ref(path), &settings)?));
        observer.observe(Event::Advanced { task, units: 1 });
    }
    observer.observe(Event::Finished { task });
    let origins = origin.map(|origin| (INTERACTIONS.to_owned(), origin)).into_iter().collect();
    Ok(Files { sequences, pairs, origins })
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
/// validation and test parts, and pairs that are only known, are taken as they are.
fn settings_for(channel: &str, config: &RunConfig) -> interactions::Settings {
    let settings = config.interactions.clone();
    if channel == INTERACTIONS {
        return settings;
    }
    settings.without_filters()
}
