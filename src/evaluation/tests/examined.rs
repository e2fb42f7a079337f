//! Whole evaluations of invented proteins: those that interact are rich in the same residue.

use super::super::benchmark::KNOWN;
use super::super::guard;
use super::*;
use crate::dataset::{self, Catalogue, Dataset, Example, Pairs, Source, TestClass};
use crate::protein::ProteinSequence;

/// Proteins, the split of their pairs, and the rows that the pairs came from.
struct World {
    catalogue: Catalogue,
    sequences: Vec<ProteinSequence>,
    dataset: Dataset,
    rows: Rows,
}

const PROTEINS: u32 = 240;

/// Whether a protein is rich in lysine, or else in leucine.
fn is_rich_in_lysine(protein: u32) -> bool {
    protein.is_multiple_of(2)
}

fn world() -> World {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let letters = b"ACDEFGHIKLMNPQRSTVWYKKKK";
    let mut residue = |protein: u32| match letters[random.random_range(0..letters.len())] {
        b'K' if !is_rich_in_lysine(protein) => 'L',
        letter => char::from(letter),
    };
    let text = |protein: u32| (0..120).map(|_| residue(protein)).collect::<String>();
    let sequences: Vec<ProteinSequence> =
        (0..PROTEINS).map(text).map(|text| text.parse().unwrap()).collect();
    let names = (0..PROTEINS).map(|protein| format!("P{protein:03}").parse().unwrap());
    let digests = sequences.iter().map(ProteinSequence::digest);
    let catalogue = Catalogue::new(names.zip(digests)).unwrap();

    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut rows = Rows::default();
    let mut examples = Vec::new();
    for left in 0..PROTEINS {
        for right in left + 1..PROTEINS {
            let kin = is_rich_in_lysine(left) == is_rich_in_lysine(right);
            if kin && random.random_bool(0.3) {
                let example = Example { left, right, label: true };
                rows.add(&example, false);
                examples.push(example);
            }
        }
    }
    let pairs = Pairs { examples, has_negatives: false };
    let (known, settings) = (dataset::Background::default(), dataset::Settings::default());
    let dataset = dataset::build(&catalogue, Source::Whole(pairs), &known, &settings).unwrap();
    World { catalogue, sequences, dataset, rows }
}

impl World {
    fn evaluator<'a>(&'a self, proteins: &'a [&'a ProteinSequence]) -> Evaluator<'a> {
        Evaluator::new(Background {
            catalogue: &self.catalogue,
            proteins,
            train: &self.dataset.train,
            rows: &self.rows,
            seed: 1,
        })
    }

    /// The evaluation of a model that gives every test pair the score `score`.
    fn evaluation(
        &self,
        settings: &Settings,
        score: impl Fn(usize, &Example) -> f64,
    ) -> Evaluation {
        let proteins: Vec<_> = self.sequences.iter().collect();
        let evaluator = self.evaluator(&proteins);
        let test = &self.dataset.test;
        let scores: Vec<f64> = test.iter().enumerate().map(|(at, pair)| score(at, pair)).collect();
        let set = evaluator.measure(TestPairs::Class(TestClass::C3), test, &scores, 0.5).unwrap();
        let (_, calibration) = calibrate(&[-1.0, 1.0, 2.0], &[false, true, false]);
        evaluator.conclude(calibration, vec![set], &self.dataset.manifest, settings)
    }
}

/// Sees which residue is frequent, and nothing else.
fn only_composition(at: usize, pair: &Example) -> f64 {
    let kin = is_rich_in_lysine(pair.left) == is_rich_in_lysine(pair.right);
    if kin { 0.7 } else { 0.2 + (at % 10) as f64 / 100.0 }
}

/// Right in 29 pairs of 30.
fn knows_interactions(at: usize, pair: &Example) -> f64 {
    let right = pair.label != at.is_multiple_of(30);
    let score = 0.6 + (at % 7) as f64 / 100.0;
    if right { score } else { 1.0 - score }
}

fn no_demands() -> Settings {
    Settings { strict: false, expected_ceiling: 1.0 }
}

#[test]
fn a_model_that_knows_composition_alone_does_not_lead() {
    let evaluation = world().evaluation(&no_demands(), only_composition);
    insta::assert_snapshot!(evaluation.to_string(), @"
    AUROC     pairs     model       degree        order    row order    self-pair  composition nearest pair  lead (95 % interval)
    C3          324    0.8333       0.5000       0.5000       0.7500       0.5000       0.8560       0.5000  -0.0227 over composition (-0.0726 to +0.0300)
    ");
    assert_eq!(evaluation.warnings[0].kind, WarningKind::SmallLead);
    insta::assert_snapshot!(evaluation.without_doubt().unwrap_err().to_string(), @"`strict` allows no warning, and the evaluation has: the model's AUROC on C3 pairs (no protein seen in training), 0.8333, is 0.0227 below the best baseline, composition (0.8560, 95 % interval of the lead -0.0726 to +0.0300); a lead under 0.05 may be that shortcut and no knowledge of interactions; the model was written all the same: run again with `strict=false` to accept it, which trains nothing again");
    let lead = evaluation.sets[0].lead.unwrap();
    assert!(lead.low.unwrap() < lead.auroc && lead.auroc < lead.high.unwrap(), "{lead:?}");
}

#[test]
fn a_model_that_knows_more_leads_and_is_doubted_above_the_ceiling_only() {
    let world = world();
    let evaluation = world.evaluation(&no_demands(), knows_interactions);
    assert_eq!(evaluation.without_doubt(), Ok(()));
    let lead = evaluation.sets[0].lead.unwrap();
    assert!(lead.low.unwrap() > 0.0 && lead.auroc > 0.1, "{lead:?}");

    let settings = Settings { expected_ceiling: 0.8, ..no_demands() };
    let doubted = world.evaluation(&settings, knows_interactions);
    insta::assert_snapshot!(doubted.warnings[0].to_string(), @"the model's AUROC on C3 pairs (no protein seen in training), 0.9658, is above `expected_ceiling`, 0.8: look for a leak before believing it");
    assert_eq!((doubted.warnings.len(), doubted.warnings[0].kind), (1, WarningKind::TooGood));
}

#[test]
fn a_known_benchmark_has_a_ceiling_of_its_own() {
    let world = world();
    let set = |score: fn(usize, &Example) -> f64| world.evaluation(&no_demands(), score).sets;
    let warnings = guard::warnings(&set(knows_interactions), Some(&KNOWN[0]), &no_demands());
    insta::assert_snapshot!(warnings[0].to_string(), @"the test pairs are the test part of Bernett's gold standard: accuracy 0.9660 where at most about 0.66 is known and AUROC 0.9658 where at most about 0.72 is known; with frozen mean-pooled embeddings that is a leak or a defect until proven otherwise: look for training pairs or proteins among the test pairs");
    assert_eq!((warnings.len(), warnings[0].kind), (1, WarningKind::TooGood));
    let half_right: fn(usize, &Example) -> f64 = |at, pair| {
        if at.is_multiple_of(3) { 0.5 } else { f64::from(u8::from(pair.label != (at % 3 == 1))) }
    };
    let warnings = guard::warnings(&set(half_right), Some(&KNOWN[0]), &no_demands());
    assert!(warnings.iter().all(|warning| warning.kind == WarningKind::SmallLead), "{warnings:?}");
}

#[test]
fn the_card_says_what_the_numbers_mean() {
    let evaluation = world().evaluation(&no_demands(), knows_interactions);
    insta::assert_snapshot!(evaluation.card.statements.join("\n"), @"
    No protein of the test part is in training.
    On C3 pairs (no protein seen in training) the model has an AUROC of 0.9658, 0.1098 above the best baseline, composition (0.8560, 95 % interval of the lead +0.0399 to +0.1859).
    Where one pair in 101 interacts, 27.9 % of the pairs called interacting would be.
    Rows of the input name the smaller accession first in 100.0 % of the test positives and 50.0 % of the negatives; a model that sees that order gets an AUROC of 0.7500 from it. This one does not see it.
    The test part has 162 positives and 162 negatives, sampled among pairs that the input does not name; a few may interact.
    The split left out 183 positives and 0 negatives whose proteins fell into different parts.
    The encoder was trained on public sequences, the test proteins' perhaps among them; no split can undo that.
    ");
    let json = serde_json::to_string(&evaluation).unwrap();
    assert_eq!(serde_json::from_str::<Evaluation>(&json).unwrap(), evaluation);
}

#[test]
fn similarity_to_training_is_told_apart() {
    let evaluation = world().evaluation(&no_demands(), knows_interactions);
    let set = &evaluation.sets[0];
    let bins = &set.by_similarity;
    assert_eq!(bins.iter().map(|bin| bin.pairs).sum::<usize>(), set.metrics.n);
    assert_eq!((bins[0].from, bins[bins.len() - 1].below), (0.0, 1.0));
    assert!(bins.windows(2).all(|two| two[0].below == two[1].from));
    // Random sequences have no relatives.
    assert_eq!((bins[0].pairs, bins[0].auroc), (set.metrics.n, set.metrics.auroc));
    let degrees = set.degrees.positives.unwrap();
    assert_eq!((degrees.minimum, degrees.maximum), (0.0, 0.0), "unseen in training");
}

#[test]
fn a_set_without_pairs_or_with_one_class_has_no_lead() {
    let world = world();
    let proteins: Vec<_> = world.sequences.iter().collect();
    let evaluator = world.evaluator(&proteins);
    let positives: Vec<_> = world.dataset.test.iter().filter(|e| e.label).copied().collect();
    for examples in [&[], positives.as_slice()] {
        let scores = vec![0.5; examples.len()];
        let set =
            evaluator.measure(TestPairs::Class(TestClass::C2), examples, &scores, 0.5).unwrap();
        assert_eq!((set.metrics.n, set.lead), (examples.len(), None));
        assert!(set.baselines.iter().all(|result| result.auroc.is_none()));
        assert!(set.at_prevalence.iter().all(|row| row.average_precision.is_none()));
    }
}
