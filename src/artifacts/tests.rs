use std::path::Path;

use serde_json::Value;

use super::*;
use crate::classifier::PairClassifier;
use crate::embeddings::{EmbeddingDtype, LongSequences, Precision, PrecisionChoice};

const HUGGING_FACE: &str = "tests/fixtures/esm2_random";
const FAIR_ESM: &str = "tests/fixtures/fair_esm_random/esm2_tiny.pt";

/// A model directory with the parameters of an untrained network.
fn written(folder: &Path) -> NamedTensors {
    written_with(folder, HUGGING_FACE)
}

/// The same, with an encoder of the sources bundled.
fn written_with(folder: &Path, encoder: &str) -> NamedTensors {
    let encoder = Encoder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join(encoder)).unwrap();
    let embeddings = embeddings::Settings {
        max_residues: 16,
        long_sequences: LongSequences::Truncate,
        precision: PrecisionChoice::F32,
        embedding_dtype: EmbeddingDtype::F32,
        token_budget: None,
    };
    let space = EmbeddingSpace::new(&encoder, &embeddings, Precision::F32);
    let classifier = classifier::Settings { hidden_sizes: vec![4, 3], dropout: 0.25 };
    let device = crate::device::cpu();
    let network = PairClassifier::new(space.dimension, &classifier, &device);
    let parameters = classifier::named_tensors(&classifier::initialize(network, 1, &device));
    let numbers = vec![1.0; space.dimension];
    let standardizer = Standardizer { mean: numbers.clone(), deviation: numbers };
    let description = Description {
        classifier,
        threshold: 0.5,
        temperature: Temperature::ONE,
        encoder: encoder.identity().clone(),
        encoder_bundled: true,
        embeddings,
        space,
    };
    let mut writer = ModelWriter::begin(folder).unwrap();
    writer.classifier(&description, &parameters, &standardizer).unwrap();
    writer.encoder(&encoder).unwrap();
    let provenance = Provenance {
        run_id: "run".to_owned(),
        complete: true,
        engine: "test cpu".to_owned(),
        inputs: BTreeMap::new(),
        origins: BTreeMap::new(),
    };
    writer.finish(provenance).unwrap();
    parameters
}

/// Turns a model directory into one of another version, with other tensors.
fn rewrite(folder: &Path, schema: &str, change: fn(&mut NamedTensors)) {
    let path = folder.join(PARAMETERS);
    let bytes = storage::read(&path, MAX_PARAMETER_BYTES).unwrap();
    let (mut tensors, _) = tensor_file::decode(&bytes).unwrap();
    change(&mut tensors);
    let bytes = tensor_file::encode(&tensors, schema.to_owned());
    storage::write_atomic(&path, &bytes).unwrap();
    let path = folder.join(MANIFEST);
    let manifest = storage::read(&path, MAX_JSON_BYTES).unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["schema"] = schema.into();
    manifest["files"][PARAMETERS] = serde_json::to_value(Digest::of(&bytes)).unwrap();
    storage::write_atomic(&path, &serde_json::to_vec(&manifest).unwrap()).unwrap();
}

/// Stores the first layer as version 0.1.0 did.
fn split_into_left_and_right(tensors: &mut NamedTensors) {
    let (sum, shape) = tensors.remove("sum.weight").unwrap();
    let (difference, _) = tensors.remove("difference.weight").unwrap();
    for (name, sign) in [("left.weight", 1.0), ("right.weight", -1.0)] {
        let half = sum.iter().zip(&difference).map(|(sum, difference)| sum + sign * difference);
        tensors.insert(name.to_owned(), (half.collect(), shape.clone()));
    }
    let bias = tensors.remove("sum.bias").unwrap();
    tensors.insert("left.bias".to_owned(), bias);
}

#[test]
fn a_directory_of_the_first_version_holds_the_same_network() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = written(folder.path());
    assert_eq!(Model::read(folder.path()).unwrap().parameters, parameters);
    rewrite(folder.path(), "dyad.model.v1", split_into_left_and_right);
    let read = Model::read(folder.path()).unwrap().parameters;
    assert!(read.keys().eq(parameters.keys()), "{:?}", read.keys());
    for (name, (values, shape)) in &parameters {
        assert_eq!(&read[name].1, shape, "{name}");
        for (read, value) in read[name].0.iter().zip(values) {
            assert!((read - value).abs() < 1e-7, "{name}: {read}, not {value}");
        }
    }
}

#[test]
fn a_directory_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    rewrite(folder.path(), "dyad.model.v3", |_| {});
    let error = Model::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("its schema is `dyad.model.v3`, expected `dyad.model.v2`"), "{error}");
}

#[test]
fn a_bundled_encoder_is_the_one_that_is_opened_whatever_lay_there() {
    let folder = tempfile::tempdir().unwrap();
    let files = |encoder: &str| {
        written_with(folder.path(), encoder);
        let model = Model::read(folder.path()).unwrap();
        let opened = model.open_encoder(None).unwrap();
        assert_eq!(opened.identity().digest, model.description.encoder.digest);
        storage::list(&folder.path().join(ENCODER)).unwrap()
    };
    let hugging_face = ["config.json", "model.safetensors", "vocab.txt"];
    assert_eq!(files(HUGGING_FACE), hugging_face);
    assert_eq!(files(FAIR_ESM), ["esm2_tiny.pt"]);
    assert_eq!(files(HUGGING_FACE), hugging_face);
}
