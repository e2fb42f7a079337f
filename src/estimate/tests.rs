//! The table of prices, and what must hold of any estimate.

use super::*;
use crate::dataset::SplitRule;
use crate::device::PrecisionChoice;
use crate::embeddings::{self, EmbeddingDtype, LongSequences};
use crate::{classifier, dataset};

fn settings(long_sequences: LongSequences) -> embeddings::Settings {
    embeddings::Settings {
        max_residues: 1022,
        long_sequences,
        precision: PrecisionChoice::F32,
        embedding_dtype: EmbeddingDtype::F32,
        token_budget: None,
    }
}

fn work(name: &str, proteins: f64) -> Workload {
    let all = Lengths::spread(proteins, 540.0, &settings(LongSequences::Truncate));
    let network = classifier::Settings { hidden_sizes: vec![512, 256, 128], dropout: 0.3 };
    Workload {
        encoder: EncoderShape::published(name).unwrap(),
        proteins,
        all,
        missing: all,
        token_budget: None,
        precision: PrecisionChoice::Auto,
        pairs: Counts::split(10.0 * proteins, &dataset::Settings::default()),
        input_bytes: Workload::input_bytes(proteins, 540.0 * proteins, 10.0 * proteins),
        learning: Learning {
            trainings: 1.0,
            epochs: 10.0,
            batch_size: 32,
            hidden_sizes: network.hidden_sizes,
        },
    }
}

#[test]
fn the_table_of_instances_is_read_and_each_price_has_a_source() {
    let all = instances();
    assert!(all.len() > 12);
    for instance in &all {
        assert!(instance.name.starts_with("ml."), "{instance:?}");
        assert_eq!(named_instance(&instance.name).as_ref(), Ok(instance));
        assert_eq!(named_instance(&instance.name[3..]).as_ref(), Ok(instance));
        let price = instance.price.as_ref().unwrap();
        assert!(price.usd_per_hour > 0.05 && price.usd_per_hour < 100.0, "{instance:?}");
        assert!(price.source.len() > 10 && !price.date.is_empty(), "{instance:?}");
    }
    let error = named_instance("ml.g4dn.xlrge").unwrap_err().to_string();
    assert!(error.contains("the nearest is `ml.g4dn.xlarge`"), "{error}");
}

#[test]
fn operations_per_residue_are_those_of_the_reference_measurements() {
    // Giga-operations per token of 541 residues on average, attention included, as counted for
    // the published shapes: 0.0199, 0.0818, 0.347 and 1.414.
    for (name, expected) in [
        ("esm2_t6_8M_UR50D", 0.0199),
        ("esm2_t12_35M_UR50D", 0.0818),
        ("esm2_t30_150M_UR50D", 0.347),
        ("esm2_t33_650M_UR50D", 1.414),
    ] {
        let shape = EncoderShape::published(name).unwrap();
        // The mean of the squares over the mean of the lengths clipped at 1022 is near 680.
        let counted = (shape.linear_flops() + shape.attention_flops() * 680.0) / 1e9;
        assert!((counted / expected - 1.0).abs() < 0.03, "{name}: {counted}");
    }
}

#[test]
fn a_spread_of_lengths_is_truncated_or_windowed() {
    let truncated = Lengths::spread(1000.0, 540.0, &settings(LongSequences::Truncate));
    let windowed = Lengths::spread(1000.0, 540.0, &settings(LongSequences::Window));
    let mean = truncated.tokens / truncated.sequences;
    assert!((mean - 482.0).abs() < 20.0, "of the 540 residues 1022 at most are seen: {mean}");
    assert_eq!(truncated.pieces, 1000.0);
    assert!(windowed.pieces > 1100.0 && windowed.tokens > truncated.tokens);
    let exact = Lengths::of([10, 2000], &settings(LongSequences::Truncate));
    assert_eq!(exact.tokens, 12.0 + 1024.0);
    assert_eq!(exact.token_pairs, 144.0 + 1024.0 * 1024.0);
}

#[test]
fn pairs_stay_in_a_part_with_both_proteins() {
    let mut settings = dataset::Settings::default();
    let by_proteins = Counts::split(100.0, &settings);
    // 0.2 of 0.2 of 200 twice, for as many pairs of training are tested, and those between the two.
    assert!((by_proteins.test - 16.0 - 56.0).abs() < 1e-9, "{by_proteins:?}");
    assert!((by_proteins.train - 90.0).abs() < 1e-9, "0.7 of 0.7 of 200, less 8: {by_proteins:?}");
    settings.split = SplitRule::Pairs;
    assert!((Counts::split(100.0, &settings).total() - 200.0).abs() < 1e-9);
}

#[test]
fn more_work_takes_longer_and_cached_work_takes_none() {
    let profile = Profile::cpu("a", 2.0, 1.0);
    let seconds = |work: &Workload| predict(work, &profile);
    let (small, large) = (work("esm2_t6_8M_UR50D", 100.0), work("esm2_t6_8M_UR50D", 1000.0));
    let ratio = |part| seconds(&large).of(part) / seconds(&small).of(part);
    assert!((9.0..11.0).contains(&ratio(Component::Embedding)));
    assert!((9.0..11.0).contains(&ratio(Component::Training)));
    let bigger = work("esm2_t33_650M_UR50D", 100.0);
    assert!(
        seconds(&bigger).of(Component::Embedding) > 10.0 * seconds(&small).of(Component::Embedding)
    );
    let cached = seconds(&large.cached());
    assert!(cached.of(Component::Embedding) < 0.01 * seconds(&large).of(Component::Embedding));
    assert_eq!(cached.of(Component::Training), seconds(&large).of(Component::Training));
}

#[test]
fn every_training_takes_as_long_as_the_first_and_embeds_nothing() {
    let profile = Profile::cpu("a", 2.0, 1.0);
    let one = work("esm2_t6_8M_UR50D", 100.0);
    let mut three = one.clone();
    three.learning.trainings = 3.0;
    let [single, triple] = [&one, &three].map(|work| predict(work, &profile));
    let of_training = triple.of(Component::Training) / single.of(Component::Training);
    assert!((of_training - 3.0).abs() < 1e-9);
    assert!(triple.of(Component::Evaluation) > single.of(Component::Evaluation));
    assert_eq!(triple.of(Component::Embedding), single.of(Component::Embedding));
    assert_eq!(predict(&three.subset(100.0, 10), &profile), single, "the quick test trains once");
}

#[test]
fn rates_between_known_widths_are_between_theirs() {
    let profile = Profile::cpu("a", 2.0, 1.0);
    let rate = |width| profile.linear_rate(width);
    assert_eq!(rate(32), rate(64));
    assert_eq!(rate(5120), rate(1280));
    assert!(rate(64) < rate(192) && rate(192) < rate(320));
    assert!((rate(192) - f64::midpoint(rate(64), rate(320))).abs() < 1.0);
}
