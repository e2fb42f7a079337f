//! What the number of partners says about a label: the shortcut that a split and its negatives
//! leave open or close.

use super::*;
use crate::evaluation::metrics;

/// The AUROC of a score that knows nothing but how many positives of training each protein is in:
/// the sum of `ln(1 + partners)`.
pub(super) fn degree_auroc(dataset: &Dataset, tested: &[Example]) -> f64 {
    let mut partners: BTreeMap<u32, f64> = BTreeMap::new();
    for protein in dataset.train.iter().filter(|e| e.label).flat_map(|e| [e.left, e.right]) {
        *partners.entry(protein).or_default() += 1.0;
    }
    let known = |protein| partners.get(&protein).copied().unwrap_or_default();
    let score = |e: &Example| known(e.left).ln_1p() + known(e.right).ln_1p();
    let scores: Vec<f64> = tested.iter().map(score).collect();
    let highest = scores.iter().copied().fold(1.0, f64::max);
    let scores: Vec<f64> = scores.into_iter().map(|score| score / highest).collect();
    let labels = labels(tested);
    metrics(&scores, &labels, 0.5).unwrap().auroc.unwrap()
}

#[test]
fn matched_negatives_close_the_shortcut_that_uniform_ones_leave_open() {
    let (catalogue, edges) = (with_twins(2_000), edges_between(2_000, 10_000, 14, [2, 2]));
    let auroc = |split, negatives| {
        let settings = Settings { negatives, ..rule(split) };
        let dataset = build(&catalogue, whole(&edges), &settings).unwrap();
        let classes = dataset.test_classes();
        [&classes.c1, &classes.c2, &classes.c3].map(|pairs| match pairs.len() {
            ..100 => f64::NAN,
            _ => degree_auroc(&dataset, pairs),
        })
    };
    let near_chance = |auroc: f64| (auroc - 0.5).abs() < 0.03;
    let [uniform, ..] = auroc(SplitRule::Pairs, NegativeRule::Uniform);
    assert!(uniform > 0.6, "{uniform}");
    let [matched, ..] = auroc(SplitRule::Pairs, NegativeRule::DegreeMatched);
    assert!(near_chance(matched), "{matched}");
    for split in [SplitRule::Clusters, SplitRule::Proteins] {
        let [uniform, _, unseen] = auroc(split, NegativeRule::Uniform);
        assert!(uniform > 0.6 && unseen == 0.5, "{uniform} {unseen}");
        let [c1, c2, c3] = auroc(split, NegativeRule::DegreeMatched);
        assert!(near_chance(c1) && near_chance(c2) && c3 == 0.5, "{c1} {c2} {c3}");
    }
}

#[test]
fn nearly_every_protein_is_as_often_in_negatives_as_in_positives() {
    let (catalogue, edges) = (with_twins(2_000), edges(2_000, 10_000, 15));
    let dataset = build(&catalogue, whole(&edges), &Settings::default()).unwrap();
    let classes = dataset.test_classes();
    for pairs in [&dataset.train, &classes.c1, &classes.c2, &classes.c3] {
        let mut counts: BTreeMap<u32, [usize; 2]> = BTreeMap::new();
        for example in pairs {
            for protein in [example.left, example.right] {
                counts.entry(protein).or_default()[usize::from(example.label)] += 1;
            }
        }
        let missing = counts.values().map(|[negatives, positives]| negatives.abs_diff(*positives));
        let missing = missing.sum::<usize>();
        assert!(missing < pairs.len() / 100, "{missing} of {}", pairs.len());
    }
}

#[test]
fn proteins_of_one_label_are_a_warning() {
    let (catalogue, edges) = (plain(1_500), edges(1_500, 9_000, 16));
    let settings =
        Settings { negatives: NegativeRule::Uniform, negative_ratio: 0.5, ..Settings::default() };
    let manifest = build(&catalogue, whole(&edges), &settings).unwrap().manifest;
    let Counts { proteins, only_in_positives, only_in_negatives, .. } = manifest.parts.train.counts;
    let warning =
        Warning::OneLabel { part: Section::Train, proteins, only_in_positives, only_in_negatives };
    assert!(only_in_positives > 10 && manifest.warnings.contains(&warning));
}
