//! The encoder as the product runs it: length-sorted units, packed, pooled vectors read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;
use dyad::device::ComputeDevice;
use dyad::embeddings::esm2::{Encoder, Esm2, PackedBatch, tokenize};
use dyad::protein::ProteinSequence;
use serde_json::{Value, json};

use crate::meter::Meter;
use crate::{Result, merged};

pub(crate) struct Input {
    pub(crate) precision: String,
    pub(crate) encoder: PathBuf,
    pub(crate) sequences: PathBuf,
    pub(crate) count: usize,
}

/// One pass over the sequences after a small warm-up forward; `started` is when the process was.
pub(crate) fn measure(device: &ComputeDevice, input: &Input, started: Instant) -> Result<Value> {
    let encoder = Encoder::open(&input.encoder)?;
    let opened = started.elapsed().as_secs_f64();
    let model = load(&encoder, &device.device, &input.precision)?;
    let loaded = started.elapsed().as_secs_f64();

    let sequences = read(&input.sequences, input.count)?;
    let shortest = sequences.iter().min_by_key(|sequence| sequence.len()).ok_or("no sequences")?;
    embed(&model, &[shortest]);
    let first = started.elapsed().as_secs_f64();

    let meter = Meter::start()?;
    let units = units(&sequences, device.token_budget);
    let pooled: Vec<f32> = units.iter().flat_map(|unit| embed(&model, unit)).collect();
    let (wall, measured) = meter.stop()?;

    let expected = sequences.len() * encoder.config().hidden_size;
    if pooled.len() != expected || !pooled.iter().all(|value| value.is_finite()) {
        return Err("the encoder gave values that are missing or not finite".into());
    }
    let residues: usize = sequences.iter().map(ProteinSequence::len).sum();
    let own = json!({
        "backend": device.name,
        "precision": input.precision,
        "nseq": sequences.len(),
        "residues": residues,
        "tokens": residues + 2 * sequences.len(),
        "units": units.len(),
        "res_per_s": residues as f64 / wall,
        // Sequences are packed.
        "pad_overhead": 1.0,
        "open_s": opened,
        "load_s": loaded - opened,
        "first_s": first,
    });
    Ok(merged([own, measured]))
}

/// The only place that knows how a number format is asked for.
fn load(encoder: &Encoder, device: &Device, precision: &str) -> Result<Esm2> {
    Ok(encoder.load(device, precision.parse()?)?)
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

/// Neighbours in length within the budget, longest first, as unit plans cut them.
fn units(sequences: &[ProteinSequence], token_budget: usize) -> Vec<Vec<&ProteinSequence>> {
    let mut sorted: Vec<_> = sequences.iter().collect();
    sorted.sort_by(|a, b| b.len().cmp(&a.len()).then(a.digest().cmp(&b.digest())));
    let mut units: Vec<Vec<&ProteinSequence>> = Vec::new();
    let mut filled = usize::MAX;
    for sequence in sorted {
        let tokens = sequence.len() + 2;
        filled = filled.saturating_add(tokens);
        match units.last_mut() {
            Some(unit) if filled <= token_budget => unit.push(sequence),
            _ => {
                units.push(vec![sequence]);
                filled = tokens;
            }
        }
    }
    units
}

/// The embeddings of a unit on the host, row after row.
fn embed(model: &Esm2, unit: &[&ProteinSequence]) -> Vec<f32> {
    let mut batch = PackedBatch::default();
    for sequence in unit {
        batch.push(&tokenize(sequence.residues()));
    }
    model.embed(&batch).into_data().iter::<f32>().collect()
}
