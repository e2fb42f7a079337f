//! The same metrics within groups of pairs: by protein, and by similarity to training.

use std::collections::BTreeMap;

use super::quantiles::quantile;
use super::ranking::Ranking;
use super::{PerProtein, SimilarityBin};
use crate::dataset::Example;

/// The pairs of each class that a protein needs: with fewer its AUROC is all or nothing.
const AT_LEAST: usize = 2;

/// Where bins of similarity begin and the last ends. Below the first inner edge proteins count as
/// unrelated.
const EDGES: [f64; 7] = [0.0, super::RELATED_FROM, 0.3, 0.5, 0.7, 0.9, 1.0];

/// The median over proteins of the AUROC among their pairs.
pub(super) fn per_protein(examples: &[Example], scores: &[f64]) -> PerProtein {
    let mut pairs_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (pair, Example { left, right, .. }) in examples.iter().enumerate() {
        pairs_of.entry(*left).or_default().push(pair);
        if left != right {
            pairs_of.entry(*right).or_default().push(pair);
        }
    }
    let auroc = |pairs: &Vec<usize>| {
        let positives = pairs.iter().filter(|pair| examples[**pair].label).count();
        let enough = positives.min(pairs.len() - positives) >= AT_LEAST;
        enough.then(|| ranking(pairs, examples, scores).auroc()).flatten()
    };
    let mut aurocs: Vec<f64> = pairs_of.values().filter_map(auroc).collect();
    aurocs.sort_unstable_by(f64::total_cmp);
    PerProtein { median_auroc: quantile(&aurocs, 0.5), proteins: aurocs.len(), at_least: AT_LEAST }
}

/// Metrics by `similarity`, of each pair from 0 to 1.
pub(super) fn by_similarity(
    examples: &[Example],
    scores: &[f64],
    similarity: &[f64],
) -> Vec<SimilarityBin> {
    let bin = |edges: &[f64]| {
        let [from, below] = [edges[0], edges[1]];
        let is_last = below == 1.0;
        let holds = |value: f64| value >= from && (value < below || is_last);
        let pairs: Vec<_> = (0..examples.len()).filter(|pair| holds(similarity[*pair])).collect();
        let ranking = ranking(&pairs, examples, scores);
        SimilarityBin {
            from,
            below,
            pairs: pairs.len(),
            positives: pairs.iter().filter(|pair| examples[**pair].label).count(),
            auroc: ranking.auroc(),
            average_precision: ranking.average_precision(1.0),
        }
    };
    EDGES.windows(2).map(bin).collect()
}

fn ranking(pairs: &[usize], examples: &[Example], scores: &[f64]) -> Ranking {
    let (scores, labels): (Vec<_>, Vec<_>) =
        pairs.iter().map(|pair| (scores[*pair], examples[*pair].label)).unzip();
    Ranking::new(&scores, &labels)
}
