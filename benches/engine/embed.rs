//! The encoder as the product runs it: from sequences to a store, in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use dyad::device::ComputeDevice;
use dyad::embeddings::esm2::Encoder;
use dyad::embeddings::{
    self, EmbeddingDtype, EmbeddingSpace, EmbeddingStore, Job, LongSequences, Precision, Settings,
};
use dyad::progress::{Event, Observer};
use dyad::protein::ProteinSequence;
use dyad::shutdown::Shutdown;
use serde_json::{Value, json};

use crate::meter::Meter;
use crate::{Result, merged};

pub(crate) struct Input {
    pub(crate) precision: String,
    pub(crate) encoder: PathBuf,
    pub(crate) sequences: PathBuf,
    pub(crate) count: usize,
}

/// One pass over the sequences after one with the shortest; `started` is when the process was.
pub(crate) fn measure(device: &ComputeDevice, input: &Input, started: Instant) -> Result<Value> {
    let encoder = Encoder::open(&input.encoder)?;
    let opened = started.elapsed().as_secs_f64();
    let sequences = read(&input.sequences, input.count)?;
    let engine = Engine { device, encoder, precision: input.precision.parse()? };

    let shortest = sequences.iter().min_by_key(|sequence| sequence.len()).ok_or("no sequences")?;
    let first = engine.embed(&[shortest])?;
    let pass = engine.embed(&sequences.iter().collect::<Vec<_>>())?;

    let residues: usize = sequences.iter().map(ProteinSequence::len).sum();
    let own = json!({
        "backend": device.name,
        "precision": input.precision,
        "nseq": sequences.len(),
        "residues": residues,
        "tokens": residues + 2 * sequences.len(),
        "units": pass.units,
        "res_per_s": residues as f64 / pass.wall,
        // Sequences are packed.
        "pad_overhead": 1.0,
        "open_s": opened,
        "load_s": first.begun.duration_since(started).as_secs_f64() - opened,
        "first_s": first.ended.duration_since(started).as_secs_f64(),
    });
    Ok(merged([own, pass.measured]))
}

struct Engine<'a> {
    device: &'a ComputeDevice,
    encoder: Encoder,
    precision: Precision,
}

/// A pass over some sequences.
struct Pass {
    /// When the encoder was loaded and the first batch begun.
    begun: Instant,
    ended: Instant,
    /// Units that were committed.
    units: usize,
    /// Seconds in between, the encoder not included.
    wall: f64,
    measured: Value,
}

impl Engine<'_> {
    /// Loads the encoder and embeds `sequences` into a store of their own.
    fn embed(&self, sequences: &[&ProteinSequence]) -> Result<Pass> {
        let settings = Settings {
            max_residues: 1022,
            long_sequences: LongSequences::Truncate,
            precision: self.precision.into(),
            embedding_dtype: EmbeddingDtype::F32,
            token_budget: None,
        };
        let folder = tempfile::tempdir()?;
        let space = EmbeddingSpace::new(&self.encoder, &settings, self.precision);
        let mut store = EmbeddingStore::open(folder.path(), space, &self.device.name)?;
        let watch = Watch::default();
        let job = Job {
            encoder: &self.encoder,
            device: self.device,
            precision: self.precision,
            settings: &settings,
            observer: &watch,
            shutdown: &Shutdown::default(),
        };
        embeddings::embed(&job, &mut store, sequences)?;
        watch.0.into_inner().unwrap_or_else(PoisonError::into_inner).pass()
    }
}

/// Takes the time from the first batch to the last.
#[derive(Default)]
struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    begun: Option<Instant>,
    meter: Option<Meter>,
    units: usize,
    ended: Option<Instant>,
    measured: Option<(f64, Value)>,
}

impl Observer for Watch {
    fn observe(&self, event: Event) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { .. } => {
                seen.begun = Some(Instant::now());
                seen.meter = Meter::start().ok();
            }
            Event::Advanced { .. } => seen.units += 1,
            Event::Finished { .. } => {
                seen.measured = seen.meter.take().and_then(|meter| meter.stop().ok());
                seen.ended = Some(Instant::now());
            }
            Event::Forecast(_) => {}
        }
    }
}

impl Seen {
    fn pass(self) -> Result<Pass> {
        let begun = self.begun.ok_or("nothing was embedded")?;
        let ended = self.ended.ok_or("embedding did not finish")?;
        let (wall, measured) = self.measured.ok_or("time and work could not be read")?;
        Ok(Pass { begun, ended, units: self.units, wall, measured })
    }
}

/// The first sequences of a FASTA file.
fn read(path: &Path, count: usize) -> Result<Vec<ProteinSequence>> {
    let text = fs::read_to_string(path)?;
    let records = text.split('>').skip(1).filter_map(|record| record.split_once('\n'));
    let sequences = records.take(count).map(|(_, lines)| lines.replace('\n', "").parse());
    let sequences: Vec<ProteinSequence> = sequences.collect::<std::result::Result<_, _>>()?;
    match sequences.len() == count {
        true => Ok(sequences),
        false => Err(format!("{} holds fewer than {count} sequences", path.display()).into()),
    }
}
