mod classes;
mod clusters;
mod degrees;
mod real;
mod refusals;
mod tampering;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::digest::Digest;

/// Proteins named by `name`, of which number `i` has the sequence `sequence(i)`.
fn catalogue(n: u32, name: impl Fn(u32) -> String, sequence: impl Fn(u32) -> u32) -> Catalogue {
    let digest = |i| Digest::of(&sequence(i).to_le_bytes());
    Catalogue::new((0..n).map(|i| (name(i).parse().unwrap(), digest(i)))).unwrap()
}

fn plain(n: u32) -> Catalogue {
    catalogue(n, |i| format!("P{i:05}"), |i| i)
}

/// In groups of ten, the last two share a sequence.
fn with_twins(n: u32) -> Catalogue {
    catalogue(n, |i| format!("P{i:05}"), |i| if i % 10 == 9 { i - 1 } else { i })
}

/// `count` distinct unordered pairs of `n` proteins without self-pairs, hubs first.
fn edges(n: u32, count: usize, seed: u64) -> Vec<(u32, u32)> {
    edges_between(n, count, seed, [2, 1])
}

/// The same with the power by which low numbers are preferred on either side.
fn edges_between(n: u32, count: usize, seed: u64, powers: [i32; 2]) -> Vec<(u32, u32)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut distinct = BTreeSet::new();
    let mut edges = Vec::new();
    while edges.len() < count {
        let [one, other] =
            powers.map(|power| (f64::from(n) * random.random::<f64>().powi(power)) as u32);
        if one != other && distinct.insert((one.min(other), one.max(other))) {
            edges.push((one, other));
        }
    }
    edges
}

fn labelled(pairs: &[(u32, u32)], label: bool) -> Vec<Example> {
    pairs.iter().map(|&(left, right)| Example { left, right, label }).collect()
}

fn positives(pairs: &[(u32, u32)]) -> Pairs {
    Pairs { examples: labelled(pairs, true), has_negatives: false }
}

fn whole(pairs: &[(u32, u32)]) -> Source {
    Source::Whole(positives(pairs))
}

fn rule(split: SplitRule) -> Settings {
    Settings { split, ..Settings::default() }
}

/// The dataset of pairs about which nothing else is known.
fn build(catalogue: &Catalogue, source: Source, settings: &Settings) -> Result<Dataset, Error> {
    super::build(catalogue, source, &Background::default(), settings)
}

fn parts(dataset: &Dataset) -> [&[Example]; 3] {
    [&dataset.train, &dataset.validation, &dataset.test]
}

fn sequences(catalogue: &Catalogue, examples: &[Example]) -> BTreeSet<u32> {
    examples.iter().flat_map(|e| <[u32; 2]>::from(catalogue.sequence_pair(e))).collect()
}

fn pairs(catalogue: &Catalogue, examples: &[Example], label: bool) -> Vec<SequencePair> {
    examples.iter().filter(|e| e.label == label).map(|e| catalogue.sequence_pair(e)).collect()
}

#[test]
fn test_and_validation_proteins_are_unseen_and_no_pair_vanishes() {
    let (catalogue, edges) = (with_twins(600), edges(600, 30_000, 1));
    let negatives = NegativeRule::Uniform;
    let settings = Settings { validation_fraction: 0.2, negatives, ..Settings::default() };
    let dataset = build(&catalogue, whole(&edges), &settings).unwrap();
    let manifest = &dataset.manifest;
    let [train, validation, test] = parts(&dataset).map(|part| sequences(&catalogue, part));
    assert!(train.is_disjoint(&test) && validation.is_disjoint(&test));
    assert!(!manifest.widened_validation && train.is_disjoint(&validation));
    // 540 distinct sequences: 108 in each of the smaller parts, where nearly all have a partner.
    assert!((104..=108).contains(&test.len()), "{}", test.len());
    assert!((104..=108).contains(&validation.len()), "{}", validation.len());
    let used = manifest.parts.each().map(|(_, part)| part.counts.positives).iter().sum::<usize>();
    let held_out = manifest.held_out.counts.positives;
    assert_eq!(used + held_out + manifest.lost.positives, edges.len());
    assert!(used > 9_000 && held_out + manifest.lost.positives > 9_000);
    // Among so few partners, some proteins get no uniform negative.
    let expected = |warning: &Warning| matches!(warning, Warning::OneLabel { .. });
    assert!(manifest.warnings.iter().all(expected), "{:?}", manifest.warnings);
}

#[test]
fn sampled_negatives_are_unknown_distinct_and_of_the_parts_own_proteins() {
    let (catalogue, edges) = (with_twins(400), edges(400, 8_000, 2));
    let known: BTreeSet<_> =
        labelled(&edges, true).iter().map(|e| catalogue.sequence_pair(e)).collect();
    let rules = [SplitRule::Clusters, SplitRule::Proteins, SplitRule::Pairs];
    let matched = rules.map(|split| (split, NegativeRule::DegreeMatched));
    for (split, negatives) in matched.into_iter().chain(rules.map(|r| (r, NegativeRule::Uniform))) {
        let settings = Settings { negatives, negative_ratio: 1.5, ..rule(split) };
        let dataset = build(&catalogue, whole(&edges), &settings).unwrap();
        let mut all = BTreeSet::new();
        for part in parts(&dataset) {
            let negatives = pairs(&catalogue, part, false);
            let positives = part.iter().filter(|e| e.label).copied().collect::<Vec<_>>();
            let wanted = (1.5 * positives.len() as f64).round();
            // Hubs of so dense a graph have not enough free partners to be matched.
            let share = negatives.len() as f64 / wanted;
            let least = if settings.negatives == NegativeRule::Uniform { 1.0 } else { 0.8 };
            assert!((least..=1.0).contains(&share), "{settings:?} {share}");
            let own = match (split, settings.negatives) {
                (SplitRule::Pairs, NegativeRule::Uniform) => (0..400).collect(),
                _ => sequences(&catalogue, &positives),
            };
            for pair in negatives {
                assert!(own.contains(&pair.0) && own.contains(&pair.1));
                assert!(pair.0 != pair.1, "self-negative");
                assert!(!known.contains(&pair), "a known positive");
                assert!(all.insert(pair), "drawn twice");
            }
        }
    }
}

#[test]
fn pairs_of_equal_sequences_stay_together_when_pairs_are_split() {
    let catalogue = with_twins(200);
    // Every pair of a twin also under the twin's other name.
    let mut edges = edges(200, 3_000, 3);
    let twins: Vec<_> = edges.iter().filter(|e| e.0 % 10 == 8).map(|e| (e.0 + 1, e.1)).collect();
    assert!(twins.len() > 100);
    edges.extend(twins);
    let dataset = build(&catalogue, whole(&edges), &rule(SplitRule::Pairs)).unwrap();
    let [train, validation, test] =
        parts(&dataset).map(|part| pairs(&catalogue, part, true).into_iter().collect());
    let distinct = |part: &BTreeSet<_>| part.len() as f64;
    let all = distinct(&train) + distinct(&validation) + distinct(&test);
    assert!(train.is_disjoint(&test) && validation.is_disjoint(&test));
    assert!(train.is_disjoint(&validation));
    assert!((distinct(&test) / all - 0.2).abs() < 0.001);
    assert!((distinct(&validation) / all - 0.1).abs() < 0.001);
    assert_eq!(dataset.manifest.lost, Lost::default());
}

#[test]
fn small_validation_also_takes_pairs_with_one_unseen_protein_and_says_so() {
    let (catalogue, edges) = (plain(300), edges(300, 4_000, 4));
    let dataset = build(&catalogue, whole(&edges), &Settings::default()).unwrap();
    let train = sequences(&catalogue, &dataset.train);
    let seen = |e: &&Example| {
        let (one, other) = catalogue.sequence_pair(e);
        usize::from(train.contains(&one)) + usize::from(train.contains(&other))
    };
    let count = |label, seen_proteins| {
        let of_label = dataset.validation.iter().filter(|e| e.label == label);
        of_label.filter(|e| seen(e) == seen_proteins).count()
    };
    assert_eq!(count(true, 2) + count(false, 2), 0);
    assert!(count(true, 0) > 0 && count(true, 0) < WIDEN_VALIDATION_BELOW);
    assert!(count(true, 1) > 200 && count(false, 1) > 200 && count(false, 0) > 0);
    let manifest = &dataset.manifest;
    assert!(manifest.widened_validation);
    let positives = manifest.parts.validation.counts.positives;
    let warning = Warning::WidenedValidation { strict_positives: count(true, 0), positives };
    assert!(manifest.warnings.contains(&warning));
    assert!(train.is_disjoint(&sequences(&catalogue, &dataset.test)));
}

#[test]
fn labelled_pairs_are_used_as_they_are() {
    let (catalogue, edges) = (plain(300), edges(300, 12_000, 5));
    let (interacting, others) = edges.split_at(5_000);
    let examples = [labelled(interacting, true), labelled(others, false)].concat();
    for split in [SplitRule::Proteins, SplitRule::Pairs] {
        let source = Source::Whole(Pairs { examples: examples.clone(), has_negatives: true });
        let dataset = build(&catalogue, source, &rule(split)).unwrap();
        let manifest = &dataset.manifest;
        let total = manifest.parts.each().map(|(_, part)| part.counts.negatives);
        let held_out = manifest.held_out.counts.negatives;
        assert_eq!(total.iter().sum::<usize>() + held_out + manifest.lost.negatives, 7_000);
        let given: BTreeSet<_> = others.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
        for example in parts(&dataset).concat().iter().filter(|e| !e.label) {
            let (one, other) = (example.left.min(example.right), example.left.max(example.right));
            assert!(given.contains(&(one, other)), "an invented negative");
        }
        assert_eq!(manifest.parts.test.negatives, NegativeSource::Given);
    }
}

#[test]
fn given_parts_stay_and_what_they_share_is_reported() {
    let (catalogue, edges) = (with_twins(300), edges(300, 3_000, 6));
    let test: Vec<_> = edges[2_000..].iter().chain(&edges[..7]).copied().collect();
    let source = |validation| Source::Given {
        train: positives(&edges[..1_500]),
        validation,
        test: positives(&test),
    };
    let settings = Settings { negatives: NegativeRule::Uniform, ..rule(SplitRule::Given) };
    let validation = Some(positives(&edges[1_500..2_000]));
    let dataset = build(&catalogue, source(validation), &settings).unwrap();
    let counts = parts(&dataset).map(<[Example]>::len);
    assert_eq!(counts, [3_000, 1_000, 2 * test.len()]);
    let key = |examples: &[Example]| {
        pairs(&catalogue, examples, true).into_iter().collect::<BTreeSet<_>>()
    };
    let shared = key(&dataset.train).intersection(&key(&dataset.test)).count();
    assert!(shared >= 7, "the seven pairs that were planted, and twins");
    let overlap = dataset.manifest.overlaps[1];
    assert_eq!((overlap.parts, overlap.pairs), ([Part::Train, Part::Test], shared));
    assert!(dataset.manifest.warnings.contains(&Warning::Overlap(overlap)));

    let carved = build(&catalogue, source(None), &settings).unwrap();
    assert_eq!(key(&carved.test), key(&dataset.test));
    assert!(carved.manifest.carved_validation && carved.manifest.widened_validation);
    let [train, validation, _] = carved.manifest.parts.each().map(|(_, p)| p.counts.positives);
    assert_eq!(train + validation + carved.manifest.lost.positives, 1_500);
}

/// The dataset by sequences alone.
fn by_digest(catalogue: &Catalogue, dataset: &Dataset) -> Vec<Vec<(Digest, Digest, bool)>> {
    let digest = |protein| catalogue.sequences()[catalogue.sequence_of(protein) as usize];
    let example = |e: &Example| (digest(e.left), digest(e.right), e.label);
    let parts = parts(dataset).into_iter().chain([dataset.held_out.as_slice()]);
    parts.map(|part| part.iter().map(example).collect()).collect()
}

#[test]
fn names_and_order_of_the_input_decide_nothing() {
    let n = 300;
    let sequence = |i| if i % 10 == 9 { i - 1 } else { i };
    let mut renamed: Vec<u32> = (0..n).collect();
    renamed.shuffle(&mut ChaCha8Rng::seed_from_u64(8));
    let before = catalogue(n, |i| format!("P{i:05}"), sequence);
    let after = catalogue(n, |i| format!("Q{:05}", renamed[i as usize]), sequence);
    let mut edges = edges(n, 4_000, 8);
    for split in [SplitRule::Clusters, SplitRule::Proteins, SplitRule::Pairs] {
        let old = build(&before, whole(&edges), &rule(split)).unwrap();
        let index =
            |i: u32| after.index(&format!("Q{:05}", renamed[i as usize]).parse().unwrap()).unwrap();
        edges.shuffle(&mut ChaCha8Rng::seed_from_u64(9));
        let turned: Vec<_> = edges.iter().map(|&(one, other)| (index(other), index(one))).collect();
        let new = build(&after, whole(&turned), &rule(split)).unwrap();
        assert_eq!(by_digest(&before, &old), by_digest(&after, &new));
    }
}

#[test]
fn the_seed_decides_everything_else() {
    let (catalogue, edges) = (plain(300), edges(300, 4_000, 10));
    let bytes = |seed| {
        let settings = Settings { seed, ..Settings::default() };
        let dataset = build(&catalogue, whole(&edges), &settings).unwrap();
        serde_json::to_string(&dataset.manifest).unwrap()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
    let manifest: SplitManifest = serde_json::from_str(&bytes(1)).unwrap();
    assert_eq!(serde_json::to_string(&manifest).unwrap(), bytes(1));
    manifest.verify().unwrap();
    assert!(serde_json::from_str::<Example>("[1,2,3]").is_err());
    assert_eq!(
        serde_json::to_string(&manifest.parts.train.pairs[0]).unwrap().matches(',').count(),
        2
    );
}

#[test]
fn a_hundred_and_sixty_thousand_pairs_take_about_a_second() {
    let (catalogue, edges) = (with_twins(4_300), edges(4_300, 160_000, 13));
    let (interacting, others) = edges.split_at(80_000);
    let examples = [labelled(interacting, true), labelled(others, false)].concat();
    for source in [whole(&edges), Source::Whole(Pairs { examples, has_negatives: true })] {
        for split in [SplitRule::Clusters, SplitRule::Pairs] {
            let started = Instant::now();
            let dataset = build(&catalogue, source.clone(), &rule(split)).unwrap();
            let elapsed = started.elapsed();
            println!("{split:?}: {} training pairs in {elapsed:?}", dataset.train.len());
            // Generous for a busy machine; a quadratic step would take minutes.
            assert!(elapsed.as_secs() < 10, "{elapsed:?}");
        }
    }
}
