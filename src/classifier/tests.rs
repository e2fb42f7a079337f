use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::nn::loss::BinaryCrossEntropyLossConfig;
use burn::optim::GradientsParams;
use burn::tensor::module::batch_norm_train;
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

fn indices(pairs: &[(i32, i32)], side: fn(&(i32, i32)) -> i32, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = pairs.iter().map(side).collect();
    Tensor::from_data(TensorData::new(values, [pairs.len()]), device)
}

fn logits(classifier: &PairClassifier, pairs: &[(i32, i32)], device: &Device) -> Vec<f32> {
    let halves = classifier.halves(proteins(50, device));
    let select = |side| halves.select(indices(pairs, side, device));
    let logits = classifier.forward(select(|pair| pair.0), select(|pair| pair.1));
    logits.into_data().iter::<f32>().collect()
}

/// Pairs with labels and dropout masks to learn from.
fn batch(pairs: &[(i32, i32)], device: &Device) -> Batch {
    let select = |side| proteins(50, device).select(0, indices(pairs, side, device));
    let labels: Vec<f32> = (0..pairs.len()).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let masks = settings().hidden_sizes.into_iter().map(|width| {
        let shape = [pairs.len(), width];
        let mask: Vec<f32> = (0..pairs.len() * width)
            .map(|_| if random.random_range(0.0..1.0) < 0.3 { 0.0 } else { 1.0 / 0.7 })
            .collect();
        Tensor::from_data(TensorData::new(mask, shape), device)
    });
    Batch {
        a: select(|pair| pair.0),
        b: select(|pair| pair.1),
        labels: Tensor::from_data(TensorData::new(labels, [pairs.len()]), device),
        masks: masks.collect(),
    }
}

fn some_pairs() -> Vec<(i32, i32)> {
    (0..37).map(|i| (i, (i * 17 + 5) % 50)).collect()
}

/// A network whose normalisation has seen data, as a trained one's has.
fn trained(device: &Device) -> PairClassifier {
    let mut classifier = network(3, device);
    let _ = classifier.learn(batch(&some_pairs(), device));
    classifier
}

/// The gradients of `lesson` by the name of the parameter.
fn named_gradients(classifier: &PairClassifier, lesson: Lesson) -> BTreeMap<String, Vec<f32>> {
    struct Reader(ParameterPath, GradientsParams, BTreeMap<String, Vec<f32>>);
    impl ModuleVisitor for Reader {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.enter(name);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.leave();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.1.remove::<D>(param.id) {
                assert_eq!(gradient.dims(), param.val().dims(), "{}", self.0.name());
                let values = gradient.into_data().iter::<f32>().collect();
                self.2.insert(self.0.name(), values);
            }
        }
    }
    let mut reader = Reader(ParameterPath::default(), lesson.gradients, BTreeMap::new());
    classifier.visit(&mut reader);
    reader.2
}

#[test]
fn swapping_the_proteins_changes_no_bit() {
    let device = crate::device::cpu();
    let classifier = trained(&device);
    let pairs = some_pairs();
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
fn swapping_the_proteins_changes_no_bit_of_what_is_learned() {
    let device = crate::device::cpu();
    let pairs = some_pairs();
    let mixed = pairs.iter().enumerate().map(|(i, (a, b))| match i % 3 {
        0 => (*b, *a),
        _ => (*a, *b),
    });
    let learn = |pairs: &[(i32, i32)]| {
        let mut classifier = network(3, &device);
        let lesson = classifier.learn(batch(pairs, &device));
        let loss: f32 = lesson.loss.clone().into_scalar();
        (loss.to_bits(), named_gradients(&classifier, lesson), named_tensors(&classifier))
    };
    let (loss, gradients, tensors) = learn(&pairs);
    assert!(gradients.values().flatten().any(|value| value.abs() > 1e-3));
    assert_eq!((loss, gradients, tensors), learn(&mixed.collect::<Vec<_>>()));
}

type Named = BTreeMap<String, Vec<f32>>;

/// Loss, gradients and batch statistics of the network as its documentation draws it, from burn's
/// own layers and gradients: two orders, one behind the other.
fn reference(tensors: &NamedTensors, batch: Batch) -> (f32, Named, Named) {
    let device = batch.a.device().autodiff();
    let [pairs, _] = batch.a.dims();
    let (mut vectors, mut matrices) = (BTreeMap::new(), BTreeMap::new());
    for (name, (values, shape)) in tensors.iter().filter(|(name, _)| !name.contains("running")) {
        let data = TensorData::new(values.clone(), shape.clone());
        if shape.len() == 1 {
            vectors.insert(name.as_str(), Tensor::<1>::from_data(data, &device).require_grad());
        } else {
            matrices.insert(name.as_str(), Tensor::<2>::from_data(data, &device).require_grad());
        }
    }
    let mut statistics = BTreeMap::new();
    let mut norm = |name: &str, values: Tensor<2>| {
        let [gamma, beta] = ["gamma", "beta"].map(|p| vectors[&*format!("{name}.{p}")].clone());
        let normalized = batch_norm_train(values, gamma, beta, 1e-5);
        let read = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        statistics.insert(format!("{name}.running_mean"), read(normalized.mean));
        statistics.insert(format!("{name}.running_var"), read(normalized.variance));
        relu(normalized.output)
    };
    let (a, b) = (Tensor::from_inner(batch.a), Tensor::from_inner(batch.b));
    let mut masks = batch.masks.into_iter().map(Tensor::from_inner);
    let (sum, difference) = (&matrices["sum.weight"], &matrices["difference.weight"]);
    let left = sum.clone() + difference.clone();
    let right = sum.clone() - difference.clone();
    let bias = vectors["sum.bias"].clone().unsqueeze::<2>();
    let order = |one: &Tensor<2>, other: &Tensor<2>| {
        one.clone().matmul(left.clone()) + other.clone().matmul(right.clone()) + bias.clone()
    };
    let orders = norm("first_norm", Tensor::cat(vec![order(&a, &b), order(&b, &a)], 0));
    let mut state = orders.clone().narrow(0, 0, pairs) + orders.narrow(0, pairs, pairs);
    state = state * masks.next().unwrap();
    let layer = |name: &str, state: Tensor<2>| {
        let weight = matrices[&*format!("{name}.weight")].clone();
        state.matmul(weight) + vectors[&*format!("{name}.bias")].clone().unsqueeze::<2>()
    };
    for number in 0..2 {
        let linear = layer(&format!("hidden.{number}.linear"), state);
        state = norm(&format!("hidden.{number}.norm"), linear) * masks.next().unwrap();
    }
    let logits = layer("output", state).reshape([pairs]);
    let labels = Tensor::from_inner(batch.labels).int();
    let loss = BinaryCrossEntropyLossConfig::new().with_logits(true).init(&device);
    let loss = loss.forward(logits, labels);
    let gradients = loss.backward();
    let mut named = BTreeMap::new();
    for (name, tensor) in &vectors {
        let gradient = tensor.grad(&gradients).unwrap().into_data();
        named.insert((*name).to_owned(), gradient.iter::<f32>().collect());
    }
    for (name, tensor) in &matrices {
        let gradient = tensor.grad(&gradients).unwrap().into_data();
        named.insert((*name).to_owned(), gradient.iter::<f32>().collect());
    }
    (loss.into_scalar(), named, statistics)
}

#[test]
fn what_is_learned_is_what_burn_derives_by_itself() {
    let device = crate::device::cpu();
    let mut classifier = network(3, &device);
    let mut tensors = named_tensors(&classifier);
    // Normalisations that scale and shift: the identity would hide what they do.
    for (name, (values, _)) in &mut tensors {
        let shift = match name.rsplit_once('.').unwrap().1 {
            "gamma" => -0.4,
            "beta" => 0.3,
            _ => continue,
        };
        (0..).zip(values).for_each(|(i, value)| *value += shift * f32::from(i as u8 % 5));
    }
    classifier = load(classifier, &tensors, &device).unwrap();
    let (loss, gradients, statistics) = reference(&tensors, batch(&some_pairs(), &device));
    let lesson = classifier.learn(batch(&some_pairs(), &device));
    let learned: f32 = lesson.loss.clone().into_scalar();
    assert!((learned - loss).abs() < 1e-6, "{learned}, not {loss}");
    let learned = named_gradients(&classifier, lesson);
    assert!(learned.keys().eq(gradients.keys()), "{:?}", learned.keys());
    for (name, expected) in &gradients {
        let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        // Before a normalisation a bias changes nothing: its gradient is 0 but for rounding.
        let idle = name.ends_with("linear.bias") || name == "sum.bias";
        assert_eq!(largest < 1e-6, idle, "{name}: {largest}");
        for (learned, expected) in learned[name].iter().zip(expected) {
            let tolerance = 2e-5 * largest + 1e-7;
            assert!((learned - expected).abs() < tolerance, "{name}: {learned}, not {expected}");
        }
    }
    let after = named_tensors(&classifier);
    for (name, batch) in statistics {
        for ((after, before), batch) in after[&name].0.iter().zip(&tensors[&name].0).zip(batch) {
            let expected = 0.9 * before + 0.1 * batch;
            assert!((after - expected).abs() < 1e-5, "{name}: {after}, not {expected}");
        }
    }
}

#[test]
fn parameters_of_the_first_version_are_those_of_the_same_network() {
    let device = crate::device::cpu();
    let tensors = named_tensors(&trained(&device));
    let mut earlier = tensors.clone();
    let (sum, difference) =
        (earlier.remove("sum.weight").unwrap(), earlier.remove("difference.weight").unwrap());
    for (name, sign) in [("left.weight", 1.0), ("right.weight", -1.0)] {
        let values = sum.0.iter().zip(&difference.0).map(|(s, d)| s + sign * d).collect();
        earlier.insert(name.to_owned(), (values, sum.1.clone()));
    }
    let bias = earlier.remove("sum.bias").unwrap();
    earlier.insert("left.bias".to_owned(), bias);
    let converted = from_left_and_right(earlier.clone());
    assert!(converted.keys().eq(tensors.keys()));
    for (name, (values, shape)) in &tensors {
        assert_eq!(&converted[name].1, shape);
        for (converted, value) in converted[name].0.iter().zip(values) {
            assert!((converted - value).abs() < 1e-7, "{name}: {converted}, not {value}");
        }
    }
    // Halves that do not fit each other stay what they are, and belong to no network.
    earlier.insert("right.weight".to_owned(), (vec![1.0], vec![1, 1]));
    let network = PairClassifier::new(DIMENSION, &settings(), &device);
    assert!(load(network, &from_left_and_right(earlier), &device).is_err());
}

#[test]
fn initial_weights_depend_on_the_seed_alone() {
    let device = crate::device::cpu();
    let one = named_tensors(&network(1, &device));
    assert_eq!(one, named_tensors(&network(1, &device)));
    assert_ne!(one, named_tensors(&network(2, &device)));
    let (sum, shape) = &one["sum.weight"];
    assert_eq!(shape, &[DIMENSION, 16]);
    let bound = (1.0 / (2.0 * DIMENSION as f32)).sqrt();
    // The halves of the layer, `L` and `R`, are uniform up to the bound and not each other.
    for sign in [1.0, -1.0] {
        let half = sum.iter().zip(&one["difference.weight"].0).map(|(s, d)| s + sign * d);
        let largest = half.fold(0.0_f32, |largest, value| largest.max(value.abs()));
        assert!(largest <= 1.0001 * bound && largest > 0.9 * bound, "{largest} against {bound}");
    }
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
