use burn::tensor::{Int, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const DIMENSION: usize = 24;

fn settings() -> Settings {
    Settings { hidden_sizes: vec![16, 8, 4], dropout: 0.3 }
}

fn network(seed: u64, device: &Device) -> PairClassifier {
    initialize(PairClassifier::new(DIMENSION, &settings(), device), seed, device)
}

fn proteins(n: usize, device: &Device) -> Tensor<2> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let values: Vec<f32> = (0..n * DIMENSION).map(|_| random.random_range(-2.0..2.0)).collect();
    Tensor::from_data(TensorData::new(values, [n, DIMENSION]), device)
}

fn logits(classifier: &PairClassifier, pairs: &[(i32, i32)], device: &Device) -> Vec<f32> {
    let halves = classifier.halves(proteins(50, device));
    let indices = |side: fn(&(i32, i32)) -> i32| {
        let values: Vec<i32> = pairs.iter().map(side).collect();
        Tensor::<1, Int>::from_data(TensorData::new(values, [pairs.len()]), device)
    };
    let (a, b) = (halves.select(indices(|pair| pair.0)), halves.select(indices(|pair| pair.1)));
    classifier.forward(a, b, Vec::new()).into_data().iter::<f32>().collect()
}

/// A network whose normalisation has seen data, as a trained one's has.
fn trained(device: &Device) -> PairClassifier {
    let training = device.clone().autodiff();
    let classifier = network(3, &training);
    let halves = classifier.halves(proteins(50, &training));
    let swapped =
        Halves { left: halves.left.clone().flip([0]), right: halves.right.clone().flip([0]) };
    let _ = classifier.forward(halves, swapped, Vec::new());
    classifier.valid()
}

#[test]
fn swapping_the_proteins_changes_no_bit() {
    let device = crate::device::cpu();
    let classifier = trained(&device);
    let pairs: Vec<_> = (0..37).map(|i| (i, (i * 17 + 5) % 50)).collect();
    let swapped: Vec<_> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
    let forward = logits(&classifier, &pairs, &device);
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&forward), bits(&logits(&classifier, &swapped, &device)));
    let mixed = pairs.iter().zip(&swapped).enumerate();
    let mixed: Vec<_> = mixed.map(|(i, (p, s))| if i % 3 == 0 { *s } else { *p }).collect();
    assert_eq!(bits(&forward), bits(&logits(&classifier, &mixed, &device)));
    assert!(forward.iter().any(|v| (v - forward[0]).abs() > 1e-3), "logits depend on the pair");
}

#[test]
fn initial_weights_depend_on_the_seed_alone() {
    let device = crate::device::cpu();
    let one = named_tensors(&network(1, &device));
    assert_eq!(one, named_tensors(&network(1, &device.clone().autodiff())));
    assert_ne!(one, named_tensors(&network(2, &device)));
    let (values, shape) = &one["left.weight"];
    assert_eq!(shape, &[DIMENSION, 16]);
    let bound = (1.0 / (2.0 * DIMENSION as f32)).sqrt();
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(largest <= bound && largest > 0.9 * bound, "{largest} against {bound}");
}

#[test]
fn parameters_survive_the_round_trip_with_running_statistics() {
    let device = crate::device::cpu();
    let classifier = trained(&device);
    let tensors = named_tensors(&classifier);
    assert!(tensors["first_norm.running_mean"].0.iter().any(|v| *v != 0.0));
    let empty = || PairClassifier::new(DIMENSION, &settings(), &device);
    let loaded = load(empty(), &tensors, &device).unwrap();
    let pairs = [(0, 1), (2, 3), (4, 4)];
    assert_eq!(logits(&loaded, &pairs, &device), logits(&classifier, &pairs, &device));

    let mut wrong = tensors.clone();
    wrong.remove("output.bias");
    let error = load(empty(), &wrong, &device).unwrap_err();
    assert_eq!(error, ParameterError::Missing("output.bias".into()));
    let mut wrong = tensors;
    wrong.insert("extra".into(), (vec![1.0], vec![1]));
    let error = load(empty(), &wrong, &device).unwrap_err();
    assert_eq!(error, ParameterError::LeftOver("extra".into()));
}

#[test]
fn the_number_of_parameters_is_that_of_the_network() {
    for hidden_sizes in [vec![1], vec![7, 1], vec![5, 4, 3]] {
        let settings = Settings { hidden_sizes, dropout: 0.0 };
        let network = PairClassifier::new(6, &settings, &crate::device::cpu());
        let numbers: usize = named_tensors(&network).values().map(|(values, _)| values.len()).sum();
        assert_eq!(settings.parameters(6), numbers as u64, "{settings:?}");
    }
}
