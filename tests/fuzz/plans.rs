//! Unit plans, which say what is embedded together: whatever they hold, each sequence is embedded
//! once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use dyad::device::{self, DeviceChoice};
use dyad::embeddings::esm2::Encoder;
use dyad::embeddings::{
    self, EmbeddingDtype, EmbeddingSpace, EmbeddingStore, Job, LongSequences, Precision,
    PrecisionChoice, Settings,
};
use dyad::progress::{Event, Observer};
use dyad::protein::ProteinSequence;
use dyad::shutdown::Shutdown;
use proptest::collection::vec;
use serde_json::{Value, json};

use crate::driver::{case, folder, fuzz};
use crate::json::{self, Change, changed};
use crate::mutation::{mutated, mutations};

/// Adds up what was computed.
#[derive(Default)]
struct Residues(AtomicU64);

impl Observer for Residues {
    fn observe(&self, event: Event) {
        if let Event::Advanced { units, .. } = event {
            self.0.fetch_add(units, Ordering::Relaxed);
        }
    }
}

struct Bench {
    encoder: Encoder,
    settings: Settings,
    sequences: Vec<ProteinSequence>,
    /// The name of the plan below the store's root, and what Dyad writes there.
    plan: (PathBuf, Vec<u8>),
}

impl Bench {
    fn new() -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/esm2_random");
        let settings = Settings {
            max_residues: 16,
            long_sequences: LongSequences::Truncate,
            precision: PrecisionChoice::F32,
            embedding_dtype: EmbeddingDtype::F32,
            token_budget: Some(16),
        };
        let sequences = ["MKV", "MKVLA", "ACDEFG", "MMMMMMMM", "WYW"];
        let mut bench = Self {
            encoder: Encoder::open(&fixture).unwrap(),
            settings,
            sequences: sequences.map(|residues| residues.parse().unwrap()).into(),
            plan: (PathBuf::new(), Vec::new()),
        };
        let root = folder();
        bench.embed(root.path());
        let plans = bench.plans(root.path());
        let path = fs::read_dir(plans).unwrap().next().unwrap().unwrap().path();
        let content = fs::read(&path).unwrap();
        bench.plan = (path.strip_prefix(root.path()).unwrap().to_owned(), content);
        bench
    }

    fn space(&self) -> EmbeddingSpace {
        EmbeddingSpace::new(&self.encoder, &self.settings, Precision::F32)
    }

    fn plans(&self, root: &Path) -> PathBuf {
        root.join("v1").join(self.space().id()).join("plans")
    }

    /// Embeds everything into a store below `root`, each residue once.
    fn embed(&self, root: &Path) {
        let mut device = device::resolve(DeviceChoice::Cpu).unwrap();
        device.token_budget = 16;
        let residues = Residues::default();
        let job = Job {
            encoder: &self.encoder,
            device: &device,
            precision: Precision::F32,
            settings: &self.settings,
            observer: &residues,
            shutdown: &Shutdown::default(),
        };
        let mut store = EmbeddingStore::open(root, self.space(), "test cpu").unwrap();
        let sequences: Vec<_> = self.sequences.iter().collect();
        let report = embeddings::embed(&job, &mut store, &sequences).unwrap();
        assert_eq!(report.computed, sequences.len());
        let total: usize = sequences.iter().map(|sequence| sequence.len()).sum();
        assert_eq!(residues.0.into_inner(), total as u64);
    }

    fn check(&self, plan: &[u8]) {
        let root = folder();
        fs::create_dir_all(self.plans(root.path())).unwrap();
        fs::write(root.path().join(&self.plan.0), plan).unwrap();
        self.embed(root.path());
    }
}

#[test]
fn changed_values() {
    let bench = Bench::new();
    let valid: Value = serde_json::from_slice(&bench.plan.1).unwrap();
    let changes = vec(json::change(), 1..3);
    fuzz(
        "unit plans, changed values",
        (changes, mutations()),
        |(changes, mutations): (Vec<Change>, _)| {
            let text = changes.iter().fold(valid.clone(), changed).to_string();
            bench.check(text.as_bytes());
            bench.check(&mutated(&bench.plan.1, &mutations));
        },
    );
}

#[test]
fn large_plans() {
    let bench = Bench::new();
    let budget = bench.settings.token_budget;
    let own = bench.sequences[0].digest();
    let foreign = |number: u32| dyad::digest::Digest::of(&number.to_le_bytes());
    let units: Vec<_> = (0..200_000).map(|number| [foreign(number)]).collect();
    let plan = json!({"token_budget": budget, "units": units}).to_string();
    case("unit plans, 200,000 foreign units", || bench.check(plan.as_bytes()));
    let plan = json!({"token_budget": budget, "units": [vec![own; 100_000]]}).to_string();
    case("unit plans, one sequence 100,000 times", || bench.check(plan.as_bytes()));
    let plan = json!({"token_budget": budget, "units": vec![[own]; 100_000]}).to_string();
    case("unit plans, one unit 100,000 times", || bench.check(plan.as_bytes()));
    let plan = json!({"token_budget": budget, "units": vec![json!([]); 500_000]}).to_string();
    case("unit plans, 500,000 empty units", || bench.check(plan.as_bytes()));
}
