//! Similar proteins stay together, and known pairs are no negatives.

use super::*;
use crate::protein::ProteinSequence;

/// A catalogue of `n` proteins, every `family` of them descendants of one, and their clusters.
fn families(n: u32, family: u32) -> (Catalogue, Clusters) {
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let mut residue = || char::from(b"ACDEFGHIKLMNPQRSTVWY"[random.random_range(0..20)]);
    let mut ancestor = Vec::new();
    let mut texts = Vec::new();
    for protein in 0..n {
        if protein % family == 0 {
            ancestor = (0..150).map(|_| residue()).collect();
        }
        let mutated = |(at, kept): (usize, &char)| {
            let other = residue();
            if (at + protein as usize).is_multiple_of(13) { other } else { *kept }
        };
        texts.push(ancestor.iter().enumerate().map(mutated).collect::<String>());
    }
    let sequences: Vec<ProteinSequence> = texts.iter().map(|text| text.parse().unwrap()).collect();
    let named = (0..).zip(&sequences);
    let named = named.map(|(i, s): (u32, _)| (format!("P{i:05}").parse().unwrap(), s.digest()));
    let catalogue = Catalogue::new(named).unwrap();
    let mut by_digest: Vec<_> = sequences.iter().collect();
    by_digest.sort_by_key(|sequence| sequence.digest());
    let clusters = Clusters::by_similarity(&by_digest, Settings::default().cluster_similarity);
    (catalogue, clusters)
}

fn clustered(clusters: Clusters) -> Background {
    Background { clusters, ..Background::default() }
}

#[test]
fn families_fall_into_one_part_as_a_whole() {
    let (catalogue, clusters) = families(900, 6);
    let background = clustered(clusters);
    let pairs = edges(900, 12_000, 21);
    let build = |split| super::super::build(&catalogue, whole(&pairs), &background, &rule(split));
    let dataset = build(SplitRule::Clusters).unwrap();
    let record = dataset.manifest.clusters.as_ref().unwrap();
    assert_eq!((record.clusters, record.clustered, record.largest), (150, 900, 6));
    assert!(record.of.iter().zip(0..).all(|(first, protein)| *first == protein / 6 * 6));
    let family = |part: &[Example]| -> BTreeSet<u32> {
        part.iter().flat_map(|e| [e.left / 6, e.right / 6]).collect()
    };
    let [train, validation, test] = parts(&dataset).map(family);
    assert!(train.is_disjoint(&test) && validation.is_disjoint(&test));
    // A fifth of the 150 families.
    assert!((28..=30).contains(&test.len()), "{}", test.len());

    let dataset = build(SplitRule::Proteins).unwrap();
    let [train, _, test] = parts(&dataset).map(family);
    assert!(!train.is_disjoint(&test) && dataset.manifest.clusters.is_none());
}

#[test]
fn a_family_too_large_to_test_trains_with_a_warning() {
    let (catalogue, mut pairs) = (plain(500), edges(500, 9_000, 22));
    let name = |i: u32| catalogue.accession(i).clone();
    let links = (0..120).map(|i| (name(0), name(i))).collect();
    let table = ClusterTable { links, sources: Vec::new() };
    let background = clustered(Clusters::from_table(&catalogue, &table));
    let settings = Settings { validation_fraction: 0.2, ..Settings::default() };
    pairs.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    let dataset = super::super::build(&catalogue, whole(&pairs), &background, &settings).unwrap();
    let warning = Warning::GiantCluster { largest: 120, proteins: 500 };
    assert!(dataset.manifest.warnings.contains(&warning));
    assert_eq!(dataset.manifest.clusters.as_ref().unwrap().unlisted, 380);
    let held_back = parts(&dataset)[1..].concat();
    assert!(held_back.iter().all(|e| e.left >= 120 && e.right >= 120));
}

#[test]
fn known_pairs_are_in_no_part() {
    let (catalogue, pairs) = (with_twins(200), edges(200, 3_000, 23));
    for negatives in [NegativeRule::DegreeMatched, NegativeRule::Uniform] {
        let settings = Settings { negatives, ..rule(SplitRule::Pairs) };
        let first = build(&catalogue, whole(&pairs), &settings).unwrap();
        assert_eq!(first.manifest.known, 0);
        let drawn = first.test.iter().filter(|e| !e.label).map(|e| catalogue.sequence_pair(e));
        let known: BTreeSet<_> = drawn.collect();
        let background = Background { known: known.clone(), ..Background::default() };
        let second =
            super::super::build(&catalogue, whole(&pairs), &background, &settings).unwrap();
        assert_eq!(second.manifest.known, known.len());
        let all = parts(&second).concat();
        assert!(all.iter().all(|e| !known.contains(&catalogue.sequence_pair(e))));
        let positives = |dataset: &Dataset| dataset.manifest.parts.test.counts.positives;
        assert_eq!(positives(&first), positives(&second));
    }
}
