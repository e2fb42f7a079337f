//! The model directory: its manifest, its description and its tensors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dyad::artifacts::{Description, Model, ModelWriter, Provenance};
use dyad::classifier::{self, PairClassifier, Standardizer, Temperature};
use dyad::device::{self, ComputeDevice, DeviceChoice};
use dyad::digest::Digest;
use dyad::embeddings::CacheLocation;
use dyad::embeddings::esm2::Encoder;
use dyad::embeddings::{
    self, EmbeddingDtype, EmbeddingSpace, LongSequences, Precision, PrecisionChoice,
};
use dyad::inference::Predictor;
use dyad::interactions::ListedPair;
use dyad::progress::Silent;
use dyad::sequences::{self, SequenceSet};
use dyad::shutdown::Shutdown;
use proptest::collection::vec;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::{case, folder, fuzz, refused};
use crate::forged::{self, Edit, File};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

const MANIFEST: &str = "manifest.json";
const DESCRIPTION: &str = "classifier.json";
const PARAMETERS: &str = "classifier.safetensors";

/// A model directory, and everything that scoring pairs with it needs.
struct Bench {
    folder: TempDir,
    encoder: Encoder,
    sequences: SequenceSet,
    device: ComputeDevice,
}

impl Bench {
    fn new() -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/esm2_random");
        let encoder = Encoder::open(&fixture).unwrap();
        let folder = folder();
        let fasta = folder.path().join("proteins.fasta");
        fs::write(&fasta, ">P00001\nMKVLA\n>P00002\nACDEFG\n>P00003\nWYWMK\n").unwrap();
        let bench = Self {
            encoder,
            sequences: sequences::read(&[fasta]).unwrap(),
            device: device::resolve(DeviceChoice::Cpu).unwrap(),
            folder,
        };
        bench.write();
        assert!(bench.scores().is_some_and(|scores| scores.len() == 2));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("model").join(name)
    }

    fn write(&self) {
        let settings = embeddings::Settings {
            max_residues: 16,
            long_sequences: LongSequences::Truncate,
            precision: PrecisionChoice::F32,
            embedding_dtype: EmbeddingDtype::F32,
            token_budget: None,
        };
        let space = EmbeddingSpace::new(&self.encoder, &settings, Precision::F32);
        let dimension = space.dimension;
        let description = Description {
            classifier: classifier::Settings { hidden_sizes: vec![4, 3], dropout: 0.25 },
            threshold: 0.5,
            temperature: Temperature::ONE,
            encoder: self.encoder.identity().clone(),
            encoder_bundled: false,
            embeddings: settings,
            space,
        };
        let device = device::cpu();
        let network = PairClassifier::new(dimension, &description.classifier, &device);
        let network = classifier::initialize(network, 1, &device);
        let parameters = classifier::named_tensors(&network);
        let standardizer =
            Standardizer { mean: vec![0.0; dimension], deviation: vec![1.0; dimension] };
        let mut writer = ModelWriter::begin(&self.path("")).unwrap();
        writer.classifier(&description, &parameters, &standardizer).unwrap();
        let provenance = Provenance {
            run_id: "run".to_owned(),
            complete: true,
            engine: "test cpu".to_owned(),
            inputs: BTreeMap::new(),
        };
        writer.finish(provenance).unwrap();
    }

    /// Puts `bytes` in the place of a file of the model, and its digest into the manifest.
    fn replace(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        let mut manifest: Value =
            serde_json::from_slice(&fs::read(self.path(MANIFEST)).unwrap()).unwrap();
        manifest["files"][name] = json!(Digest::of(bytes));
        fs::write(self.path(MANIFEST), manifest.to_string()).unwrap();
    }

    /// The scores of two pairs, if the model can be used.
    fn scores(&self) -> Option<Vec<f64>> {
        let refusal = |error: &dyn std::fmt::Display| refused(&error);
        let model = Model::read(&self.path("")).map_err(|error| refusal(&error)).ok()?;
        model.open_encoder(None).map_err(|error| refusal(&error)).err();
        let predictor = Predictor {
            device: &self.device,
            cache: &CacheLocation::from(&*self.folder.path().join("cache")),
            token_budget: None,
            observer: &Silent,
            shutdown: &Shutdown::default(),
        };
        let pair = |one: &str, other: &str| ListedPair {
            first: one.parse().unwrap(),
            second: other.parse().unwrap(),
            label: None,
        };
        let pairs = [pair("P00001", "P00002"), pair("P00003", "P00003")];
        let scores = predictor.score(&model, &self.encoder, &self.sequences, &pairs);
        let scores = scores.map_err(|error| refusal(&error)).ok()?;
        let scores: Vec<f64> = scores.into_iter().flatten().collect();
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
        Some(scores)
    }

    /// The file as it was written.
    fn original(&self, name: &str) -> Vec<u8> {
        self.write();
        fs::read(self.path(name)).unwrap()
    }
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn manifests() {
    let bench = Bench::new();
    let valid = json_of(&bench.original(MANIFEST));
    fuzz("model, manifest.json", vec(json::change(), 1..3), |changes: Vec<Change>| {
        let changed = changes.iter().fold(valid.clone(), changed);
        fs::write(bench.path(MANIFEST), changed.to_string()).unwrap();
        bench.scores();
    });
}

#[test]
fn descriptions() {
    let bench = Bench::new();
    let valid = json_of(&bench.original(DESCRIPTION));
    fuzz("model, classifier.json", vec(json::change(), 1..3), |changes: Vec<Change>| {
        let changed = changes.iter().fold(valid.clone(), changed);
        bench.replace(DESCRIPTION, changed.to_string().as_bytes());
        bench.scores();
    });
}

#[test]
fn tensors() {
    let bench = Bench::new();
    let valid = File::parse(&bench.original(PARAMETERS));
    fuzz("model, classifier.safetensors", forged::edits(), |edits: Vec<Edit>| {
        bench.replace(PARAMETERS, &valid.forged(&edits));
        bench.scores();
    });
}

#[test]
fn damaged() {
    let bench = Bench::new();
    let files = [MANIFEST, DESCRIPTION, PARAMETERS].map(|name| (name, bench.original(name)));
    let expected = bench.scores();
    let strategy = (0..files.len(), mutations());
    fuzz("model, damaged", strategy, |(file, mutations)| {
        let (name, valid) = &files[file];
        fs::write(bench.path(name), mutated(valid, &mutations)).unwrap();
        let scores = bench.scores();
        assert!(scores.is_none() || scores == expected);
        fs::write(bench.path(name), valid).unwrap();
    });
}

#[test]
fn large_files() {
    let bench = Bench::new();
    let valid = File::parse(&bench.original(PARAMETERS));
    for (what, edit) in [
        ("model, 100,000 tensors", Edit::Many(100_000)),
        ("model, a header of 17 MiB", Edit::Pad(17 << 20)),
    ] {
        bench.replace(PARAMETERS, &valid.forged(&[edit]));
        case(what, || drop(bench.scores()));
    }
    bench.write();
    let mut description = json_of(&bench.original(DESCRIPTION));
    description["classifier"]["hidden_sizes"] = json!([65_536, 65_536, 65_536]);
    bench.replace(DESCRIPTION, description.to_string().as_bytes());
    case("model, layers of 65,536", || drop(bench.scores()));
    description["classifier"]["hidden_sizes"] = json!(vec![1; 1_000_000]);
    bench.replace(DESCRIPTION, description.to_string().as_bytes());
    case("model, 1,000,000 layers", || drop(bench.scores()));
    let manifest = String::from_utf8(bench.original(MANIFEST)).unwrap();
    let zeros = format!("{{\"x\": [0{}],", ",0".repeat(15_000_000));
    fs::write(bench.path(MANIFEST), manifest.replacen('{', &zeros, 1)).unwrap();
    case("model, a manifest of 30 MB", || drop(bench.scores()));
}
