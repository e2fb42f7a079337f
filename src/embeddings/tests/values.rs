//! What is stored of a sequence.

use super::*;

#[test]
fn long_sequences_are_truncated_or_averaged_over_windows() {
    let long = fixture::random_sequences(3, [41]);
    let expected = |windows: &[std::ops::Range<usize>]| -> Vec<f32> {
        let encoder = Encoder::open(&fixture::folder()).unwrap();
        let model = encoder.load(&crate::device::cpu(), Precision::F32).unwrap();
        let embedded: Vec<Vec<f32>> = windows
            .iter()
            .map(|window| {
                let tokens = esm2::tokenize(&long[0].residues()[window.clone()]);
                let embedded = model.embed(&esm2::PackedBatch::of(&tokens));
                embedded.into_data().iter::<f32>().collect()
            })
            .collect();
        let mean = |i: usize| embedded.iter().map(|row| row[i]).sum::<f32>() / windows.len() as f32;
        (0..32).map(mean).collect()
    };
    let cases = [
        (LongSequences::Truncate, std::iter::once(0..16).collect()),
        // A stride of three quarters of the window; the last one ends with the sequence.
        (LongSequences::Window, vec![0..16, 12..28, 24..40, 25..41]),
    ];
    for (long_sequences, windows) in cases {
        let settings = Settings { max_residues: 16, long_sequences, ..settings() };
        let bench = Bench::new(settings, long.clone());
        let root = tempfile::tempdir().unwrap();
        assert_eq!(bench.run(root.path(), &StopAfter::never()).unwrap().long, 1);
        for (ours, theirs) in bench.bits(root.path()).into_iter().zip(expected(&windows)) {
            let difference = (f32::from_bits(ours) - theirs).abs();
            assert!(difference <= 1e-6, "{long_sequences:?}: {difference:e}");
        }
    }
}

#[test]
fn numbers_that_the_store_cannot_hold_are_an_error() {
    let folder = fixture::with_weights(|tensors| {
        let norm = tensors.get_mut("esm.encoder.emb_layer_norm_after.weight").unwrap();
        norm.2 = fixture::bytes([1e6; 32]);
    });
    let mut bench = Bench::mixed();
    bench.encoder = Encoder::open(folder.path()).unwrap();
    let root = tempfile::tempdir().unwrap();
    assert!(bench.run(root.path(), &StopAfter::never()).is_ok(), "they are numbers");
    bench.settings.embedding_dtype = EmbeddingDtype::F16;
    let error = bench.run(root.path(), &StopAfter::never()).unwrap_err();
    assert!(matches!(error, Error::NotFinite(_)), "{error}");
    assert!(error.to_string().contains("`embedding_dtype=f32`"), "{error}");
}
