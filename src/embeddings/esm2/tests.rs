mod loading;
mod pt;

use std::fs;
#[cfg(feature = "tch")]
use std::path::Path;

use super::*;
use crate::embeddings::tests::fixture;

fn model() -> Esm2 {
    model_in(Precision::F32)
}

fn model_in(precision: Precision) -> Esm2 {
    Encoder::open(&fixture::folder()).unwrap().load(&crate::device::cpu(), precision).unwrap()
}

/// The sequences of the fixture as tokens.
fn sequences() -> Vec<Vec<i32>> {
    let text = fs::read(fixture::folder().join("sequences.json")).unwrap();
    let sequences: Vec<String> = serde_json::from_slice(&text).unwrap();
    sequences.iter().map(|residues| tokenize(residues)).collect()
}

fn batch<'a>(sequences: impl IntoIterator<Item = &'a Vec<i32>>) -> PackedBatch {
    let mut batch = PackedBatch::default();
    sequences.into_iter().for_each(|tokens| batch.push(tokens));
    batch
}

/// The embeddings of a batch, one row per sequence.
fn embed(model: &Esm2, batch: &PackedBatch) -> Vec<Vec<f32>> {
    let embedded = model.embed(batch);
    let [_, dimension] = embedded.dims();
    let values: Vec<f32> = embedded.into_data().iter::<f32>().collect();
    values.chunks_exact(dimension).map(<[f32]>::to_vec).collect()
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn cosine(ours: &[f32], theirs: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt()
}

/// A difference alone hides errors of small values, a cosine alone hides errors of scale.
fn assert_parity(what: &str, ours: &[f32], theirs: &[f32]) {
    let (difference, cosine) = (largest_difference(ours, theirs), cosine(ours, theirs));
    assert!(difference <= 2e-5, "{what}: differs by {difference:e}");
    assert!(cosine >= 0.999_999, "{what}: cosine {cosine}");
}

#[test]
fn mixed_lengths_in_one_batch_give_what_hugging_face_gives() {
    let expected = fixture::stored("expected.safetensors");
    let (_, shape, bytes) = &expected["embeddings"];
    let expected = fixture::floats(bytes);
    let ours = embed(&model(), &batch(&sequences()));
    assert_eq!(ours.len(), shape[0]);
    for (index, (ours, theirs)) in ours.iter().zip(expected.chunks_exact(shape[1])).enumerate() {
        assert_parity(&format!("sequence {index}"), ours, theirs);
    }
}

#[test]
fn residue_states_are_those_of_hugging_face() {
    let sequences = sequences();
    let (_, shape, bytes) = &fixture::stored("expected.safetensors")["states.2"];
    let before: usize = sequences[..2].iter().map(Vec::len).sum();
    // Behind two other sequences, without <cls> and <eos>.
    let states = model().forward(&batch(&sequences)).narrow(0, before + 1, shape[0]);
    let ours: Vec<f32> = states.into_data().iter::<f32>().collect();
    let theirs = fixture::floats(bytes);
    for (residue, (ours, theirs)) in
        ours.chunks_exact(shape[1]).zip(theirs.chunks_exact(shape[1])).enumerate()
    {
        assert_parity(&format!("residue {residue}"), ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn an_embedding_does_not_depend_on_batch_or_position() {
    let model = model();
    let sequences = sequences();
    let alone: Vec<_> =
        sequences.iter().map(|tokens| embed(&model, &PackedBatch::of(tokens)).remove(0)).collect();
    let near = |what: &str, ours: &[f32], index: usize| {
        let difference = largest_difference(ours, &alone[index]);
        assert!(difference <= 1e-6, "sequence {index} {what}: {difference:e}");
    };
    for (index, ours) in embed(&model, &batch(sequences.iter().rev())).iter().rev().enumerate() {
        near("in reverse order", ours, index);
    }
    for (index, tokens) in sequences.iter().enumerate() {
        // Neighbours of equal length share one call of attention.
        let others = fixture::random_sequences(index as u64, [tokens.len() - 2; 2]);
        let others: Vec<_> = others.iter().map(|other| tokenize(other.residues())).collect();
        let neighbours = [&others[0], tokens, &others[1], tokens];
        let embedded = embed(&model, &batch(neighbours));
        near("between equals", &embedded[1], index);
        near("behind equals", &embedded[3], index);
        assert!(largest_difference(&embedded[0], &alone[index]) > 1e-3, "others differ");
    }
}

/// In half precision values lose digits, and embeddings keep their direction.
#[cfg(feature = "tch")]
#[test]
fn half_precision_keeps_the_direction_of_embeddings() {
    use crate::device::{DeviceChoice, resolve};

    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/esm2_t6_tiny");
    let lengths = [30, 100, 333, 700];
    let random = fixture::random_sequences(11, lengths);
    let random: Vec<_> = random.iter().map(|sequence| tokenize(sequence.residues())).collect();
    let bf16 = resolve(DeviceChoice::Cpu).unwrap().half == Some(Precision::Bf16);
    for (precision, most) in [(Precision::Bf16, 3e-2), (Precision::F16, 3e-3)] {
        if precision == Precision::Bf16 && !bf16 {
            eprintln!("skipped: bf16: this processor has no instructions for it");
            continue;
        }
        for (folder, sequences) in
            [(fixture::folder(), sequences()), (small.clone(), random.clone())]
        {
            let encoder = Encoder::open(&folder).unwrap();
            let embed = |precision| {
                embed(&encoder.load(&crate::device::cpu(), precision).unwrap(), &batch(&sequences))
            };
            for (ours, exact) in embed(precision).iter().zip(embed(Precision::F32)) {
                let (difference, cosine) = (largest_difference(ours, &exact), cosine(ours, &exact));
                let length = exact.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                eprintln!(
                    "{precision} {}: {difference:.1e}, 1 - cosine {:.1e}, length {length:.1}",
                    folder.display(),
                    1.0 - cosine
                );
                assert!(difference <= most, "{precision}: differs by {difference:e}");
                assert!(cosine >= 0.9999, "{precision}: cosine {cosine}");
            }
        }
    }
}
