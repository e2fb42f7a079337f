//! Gradient-boosted trees for two classes, small and deterministic.
//!
//! Each tree fits the gradient of the logistic loss (Friedman 2001, Annals of Statistics 29:1189)
//! and splits where the second-order gain is largest (Chen and Guestrin 2016, arXiv:1603.02754,
//! equation 7), among quantiles of each feature. Trees are complete, so that every row sits in one
//! leaf of each.

use rayon::prelude::*;

use crate::classifier::Temperature;

/// Trees in a model.
const TREES: usize = 100;
/// Splits between the root of a tree and a leaf.
const DEPTH: usize = 5;
/// The part of a tree's correction that is taken.
const SHRINKAGE: f64 = 0.1;
/// Added to the curvature of a leaf: pulls leaves of few rows towards 0.
const RIDGE: f64 = 1.0;
/// The curvature that a leaf has at least; about 20 rows that are undecided.
const MIN_CURVATURE: f64 = 5.0;
/// Intervals that a feature is cut into.
const BINS: usize = 64;

/// A fitted model.
#[derive(Clone, Debug)]
pub(super) struct Boosting {
    prior: f64,
    trees: Vec<Tree>,
}

#[derive(Clone, Debug)]
struct Tree {
    /// The splits of each level, from left to right; `None` sends every row to the left.
    levels: Vec<Vec<Option<Split>>>,
    /// What each leaf adds to the logit.
    leaves: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    feature: usize,
    /// Rows above go to the right.
    threshold: f32,
    /// The last bin that goes to the left.
    bin: u8,
    gain: f64,
}

/// The sums of gradient and curvature over some rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    gradient: f64,
    curvature: f64,
}

impl Boosting {
    /// Fits rows given as `columns`, one list of values per feature, to `labels`.
    pub(super) fn fit(columns: &[Vec<f32>], labels: &[bool]) -> Self {
        let columns: Vec<Column> = columns.par_iter().map(|values| Column::new(values)).collect();
        let positives = labels.iter().filter(|label| **label).count() as f64;
        // Half a row of each class more keeps the logit finite.
        let prior = ((positives + 0.5) / (labels.len() as f64 - positives + 0.5)).ln();
        let mut logits = vec![prior; labels.len()];
        let mut trees = Vec::with_capacity(TREES);
        for _ in 0..TREES {
            let row = |(logit, label): (&f64, &bool)| {
                let probability = Temperature::ONE.probability(*logit);
                Sums {
                    gradient: probability - f64::from(u8::from(*label)),
                    curvature: probability * (1.0 - probability),
                }
            };
            let rows: Vec<Sums> = logits.iter().zip(labels).map(row).collect();
            let (tree, leaf_of) = Tree::grow(&columns, &rows);
            for (logit, leaf) in logits.iter_mut().zip(leaf_of) {
                *logit += tree.leaves[usize::from(leaf)];
            }
            trees.push(tree);
        }
        Self { prior, trees }
    }

    /// The logit of a row of `features`.
    pub(super) fn logit(&self, features: &[f32]) -> f64 {
        self.trees.iter().fold(self.prior, |logit, tree| logit + tree.value(features))
    }
}

impl Tree {
    /// The tree of the largest gains, and the leaf of each row.
    fn grow(columns: &[Column], rows: &[Sums]) -> (Self, Vec<u8>) {
        let mut node_of = vec![0_u8; rows.len()];
        let mut levels = Vec::with_capacity(DEPTH);
        for level in 0..DEPTH {
            let nodes = 1 << level;
            let candidates: Vec<Vec<Option<Split>>> = columns
                .par_iter()
                .enumerate()
                .map(|(feature, column)| column.splits(feature, rows, &node_of, nodes))
                .collect();
            // Of equal gains the first feature's counts.
            let best = |node: usize| {
                let splits = candidates.iter().filter_map(|splits| splits[node]);
                splits.reduce(|best, split| if split.gain > best.gain { split } else { best })
            };
            let splits: Vec<Option<Split>> = (0..nodes).map(best).collect();
            for (row, node) in node_of.iter_mut().enumerate() {
                let split = splits[usize::from(*node)];
                let right = split.is_some_and(|split| columns[split.feature].bins[row] > split.bin);
                *node = 2 * *node + u8::from(right);
            }
            levels.push(splits);
        }
        let mut sums = vec![Sums::default(); 1 << DEPTH];
        node_of.iter().zip(rows).for_each(|(node, row)| sums[usize::from(*node)].add(*row));
        let leaf = |sums: Sums| -SHRINKAGE * sums.gradient / (sums.curvature + RIDGE);
        (Self { levels, leaves: sums.into_iter().map(leaf).collect() }, node_of)
    }

    fn value(&self, features: &[f32]) -> f64 {
        let leaf = self.levels.iter().fold(0, |node, splits| {
            let right = splits[node].is_some_and(|split| features[split.feature] > split.threshold);
            2 * node + usize::from(right)
        });
        self.leaves[leaf]
    }
}

/// A feature of all rows, cut into bins of about equally many.
struct Column {
    bins: Vec<u8>,
    /// The largest value of each bin but the last.
    edges: Vec<f32>,
}

impl Column {
    fn new(values: &[f32]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let mut edges: Vec<f32> =
            (1..BINS).filter_map(|bin| sorted.get(bin * sorted.len() / BINS)).copied().collect();
        edges.dedup();
        // Nothing lies above the largest value.
        if edges.last() == sorted.last() {
            edges.pop();
        }
        let bin = |value: &f32| edges.partition_point(|edge| edge < value) as u8;
        Self { bins: values.iter().map(bin).collect(), edges }
    }

    /// The best split by this feature of each of `nodes`.
    fn splits(
        &self,
        feature: usize,
        rows: &[Sums],
        node_of: &[u8],
        nodes: usize,
    ) -> Vec<Option<Split>> {
        let mut sums = vec![[Sums::default(); BINS]; nodes];
        for ((row, node), bin) in rows.iter().zip(node_of).zip(&self.bins) {
            sums[usize::from(*node)][usize::from(*bin)].add(*row);
        }
        let best = |bins: &[Sums; BINS]| {
            let mut all = Sums::default();
            bins.iter().for_each(|bin| all.add(*bin));
            let mut left = Sums::default();
            let mut best: Option<Split> = None;
            for ((bin, sums), threshold) in bins.iter().enumerate().zip(&self.edges) {
                left.add(*sums);
                let right = all.without(left);
                let gain = left.score() + right.score() - all.score();
                let enough = left.curvature.min(right.curvature) >= MIN_CURVATURE;
                if enough && gain > best.map_or(0.0, |best| best.gain) {
                    best = Some(Split { feature, threshold: *threshold, bin: bin as u8, gain });
                }
            }
            best
        };
        sums.iter().map(best).collect()
    }
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
    }

    fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            curvature: self.curvature - other.curvature,
        }
    }

    /// Twice what the best leaf takes off the loss of these rows.
    fn score(self) -> f64 {
        self.gradient.powi(2) / (self.curvature + RIDGE)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Two features that only together tell the label, and one that says nothing.
    fn exclusive_or(rows: usize) -> (Vec<Vec<f32>>, Vec<bool>) {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut column =
            || -> Vec<f32> { (0..rows).map(|_| random.random_range(-1.0..1.0)).collect() };
        let columns = vec![column(), column(), column()];
        let labels = (0..rows).map(|row| (columns[0][row] > 0.3) != (columns[2][row] > -0.2));
        let labels = labels.collect();
        (columns, labels)
    }

    #[test]
    fn features_that_only_together_say_something_are_learned() {
        let (columns, labels) = exclusive_or(4000);
        let model = Boosting::fit(&columns, &labels);
        let right = |a: f32, b: f32| model.logit(&[a, 0.9, b]) > 0.0;
        assert!(right(0.6, -0.6) && right(-0.6, 0.6), "one of the two");
        assert!(!right(0.6, 0.6) && !right(-0.6, -0.6), "both or none");
    }

    #[test]
    fn a_model_is_the_same_every_time() {
        let (columns, labels) = exclusive_or(500);
        let models = [0, 1].map(|_| Boosting::fit(&columns, &labels));
        for row in 0..500 {
            let features: Vec<f32> = columns.iter().map(|column| column[row]).collect();
            let [one, other] = models.each_ref().map(|model| model.logit(&features).to_bits());
            assert_eq!(one, other);
        }
    }

    #[test]
    fn without_anything_to_learn_the_logit_is_that_of_the_share_of_positives() {
        let labels: Vec<bool> = (0..1000).map(|row| row % 4 == 0).collect();
        let model = Boosting::fit(&[vec![1.0; 1000]], &labels);
        let logit = model.logit(&[1.0]);
        assert!((logit - (1.0_f64 / 3.0).ln()).abs() < 1e-2, "{logit}");
        assert!(Boosting::fit(&[vec![]], &[]).logit(&[0.0]).abs() < 1e-12);
    }
}
