//! What can only be seen on a GPU: `make test-gpu`. One check after the other, on the first one.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails says why")]
#![expect(clippy::disallowed_methods, reason = "tests play the user and the platform")]

#[allow(dead_code, unused_imports, reason = "shared with the other tests")]
mod support;
#[path = "../benches/engine/weights.rs"]
mod weights;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use dyad::device::{self, DeviceChoice};
use dyad::embeddings::esm2::{Encoder, Esm2, PackedBatch, tokenize};
use safetensors::SafeTensors;
use support::job::Job;
use support::kill::{job_with, uninterrupted};
use support::{dyad, succeed};
use weights::Shape;

fn main() -> ExitCode {
    let device = match device::resolve(DeviceChoice::Cuda(0)) {
        Ok(device) => device.classifier,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let checks: [(&str, &dyn Fn()); 4] = [
        ("parity in f32", &|| parity(&device, "f32", 1e-4, 0.999_999)),
        ("parity in f16", &|| parity(&device, "f16", 3e-2, 0.9999)),
        ("a killed training goes on", &a_killed_training_goes_on),
        ("a batch too large is halved", &a_batch_too_large_is_halved),
    ];
    let mut failed = 0;
    for (name, check) in checks {
        let passed = panic::catch_unwind(panic::AssertUnwindSafe(check)).is_ok();
        eprintln!("{name}: {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The only place that knows how a number format is asked for.
fn load(encoder: &Encoder, device: &Device, precision: &str) -> Esm2 {
    encoder.load(device, precision.parse().unwrap()).unwrap()
}

/// The fixture's embeddings are those of Hugging Face: a difference alone hides errors of small
/// values, a cosine alone hides errors of scale.
fn parity(device: &Device, precision: &str, largest: f32, least_cosine: f64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/esm2_random");
    let model = load(&Encoder::open(&folder).unwrap(), device, precision);
    let text = fs::read(folder.join("sequences.json")).unwrap();
    let sequences: Vec<String> = serde_json::from_slice(&text).unwrap();
    let mut batch = PackedBatch::default();
    sequences.iter().for_each(|sequence| batch.push(&tokenize(sequence)));
    let ours: Vec<f32> = model.embed(&batch).into_data().iter::<f32>().collect();
    let theirs = embeddings(&folder.join("expected.safetensors"));
    assert_eq!(ours.len(), theirs.len());
    let width = theirs.len() / sequences.len();
    let (mut difference, mut cosine) = (0.0_f32, 1.0_f64);
    for (ours, theirs) in ours.chunks_exact(width).zip(theirs.chunks_exact(width)) {
        difference = difference.max(largest_difference(ours, theirs));
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let norm = (dot(ours, ours) * dot(theirs, theirs)).sqrt();
        cosine = cosine.min(dot(ours, theirs) / norm);
    }
    eprintln!("{precision}: differs by {difference:e} at most, cosine {cosine:.7} at least");
    assert!(difference <= largest, "differs by {difference:e}");
    assert!(cosine >= least_cosine, "cosine {cosine}");
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    // `max` would lose what is no number.
    ours.iter().zip(theirs).fold(0.0, |most, (a, b)| {
        let difference = (a - b).abs();
        if difference <= most { most } else { difference }
    })
}

/// The tensor `embeddings` of a file, row after row.
fn embeddings(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor("embeddings").unwrap();
    tensor.data().as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// A job on the GPU, killed when its first checkpoint is there, ends with a model as good as that of
/// one that ran through; whether the two are equal bit for bit is reported.
fn a_killed_training_goes_on() {
    let root = job_with(&[("device", "cuda")]);
    let (reference, _) = uninterrupted(&root);
    let repeated = {
        root.complete();
        let files = root.model_files();
        root.wipe_everything();
        files
    };
    eprintln!("repeated without interruption: {}", compared(&repeated, &reference));

    let mut first = root.start();
    let started = Instant::now();
    while !has_checkpoint(&root) {
        assert!(first.try_wait().unwrap().is_none(), "the job ended before it saved anything");
        assert!(started.elapsed() < Duration::from_mins(5), "it never saved anything");
        thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    root.wipe_instance();
    let log = root.complete();
    assert!(log.contains("resumed from step"), "{log}");
    let ours = root.model_files();
    eprintln!("killed and resumed: {}", compared(&ours, &reference));
    assert_eq!(ours.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
    let difference = auroc(&ours) - auroc(&reference);
    assert!(difference.abs() <= 0.02, "the test AUROC differs by {difference}");
}

fn has_checkpoint(root: &Job) -> bool {
    let runs = fs::read_dir(root.path("checkpoints/runs")).into_iter().flatten().flatten();
    let mut files = runs.filter_map(|run| fs::read_dir(run.path()).ok()).flatten().flatten();
    files.any(|file| file.path().extension().is_some_and(|ending| ending == "safetensors"))
}

type Files = BTreeMap<String, Vec<u8>>;

fn compared(ours: &Files, theirs: &Files) -> String {
    let differ = |name: &&String| ours.get(*name) != theirs.get(*name);
    let different: Vec<_> = theirs.keys().filter(differ).map(String::as_str).collect();
    match different.is_empty() {
        true => "bit-identical".to_owned(),
        false => format!(
            "not bit-identical ({}), test AUROC {} and {}",
            different.join(", "),
            auroc(ours),
            auroc(theirs)
        ),
    }
}

fn auroc(model: &Files) -> f64 {
    let metrics: serde_json::Value = serde_json::from_slice(&model["metrics.json"]).unwrap();
    metrics["test"]["auroc"].as_f64().unwrap()
}

/// One layer so wide that a million tokens need 260 GB for its inner states in f32, and half of it
/// in f16: more than any GPU has, for little arithmetic.
const WIDE: Shape = Shape { layers: 1, width: 64, heads: 4, inner: 1 << 16 };
const SEQUENCES: usize = 1000;
const RESIDUES: usize = 1000;
/// What the log says of a batch that was halved.
const HALVED: &str = "does not fit into the memory of the device";

/// With a budget that no GPU can hold, the job runs out of memory, takes less at once, and ends with
/// the embeddings that a small budget gives.
fn a_batch_too_large_is_halved() {
    let folder = tempfile::tempdir().unwrap();
    weights::write(&folder.path().join("wide"), WIDE).unwrap();
    let mut fasta = String::new();
    for protein in 0..SEQUENCES {
        let residue = |i: usize| char::from(b"ACDEFGHIKLMNPQRSTVWY"[(i * (protein + 7) / 3) % 20]);
        let residues: String = (0..RESIDUES).map(residue).collect();
        writeln!(fasta, ">P{protein}\n{residues}").unwrap();
    }
    fs::write(folder.path().join("proteins.fasta"), fasta).unwrap();
    let (small, log) = embedded(folder.path(), 8192);
    assert!(!log.contains(HALVED), "even a small batch is too large: {log}");
    let (large, log) = embedded(folder.path(), 2 * SEQUENCES * RESIDUES);
    assert!(log.contains(HALVED), "it never ran out of memory: {log}");
    eprintln!("{}", log.lines().find(|line| line.contains(HALVED)).unwrap_or_default());
    assert_eq!(small.len(), SEQUENCES * WIDE.width);
    assert_eq!(small.len(), large.len());
    let difference = largest_difference(&large, &small);
    assert!(difference <= 1e-4, "differs by {difference:e}");
}

/// The embeddings of all proteins, and the log.
fn embedded(folder: &Path, token_budget: usize) -> (Vec<f32>, String) {
    let place = |name: &str| -> PathBuf { folder.join(format!("{name}-{token_budget}")) };
    let mut command = dyad();
    command.args(["embed", "--device=cuda", "--precision=f32", "--encoder"]);
    command.arg(folder.join("wide"));
    command.arg(format!("--token-budget={token_budget}"));
    command.arg("--sequences").arg(folder.join("proteins.fasta"));
    command.arg("--cache").arg(place("cache")).arg("--out").arg(place("out"));
    let (_, log) = succeed(&mut command);
    (embeddings(&place("out")), log)
}
