//! How sure a difference of two AUROCs is, by resampling proteins.
//!
//! Pairs of one protein are not independent, so that resampling pairs would give intervals that are
//! too narrow. Proteins are drawn with replacement, as many as there are; a pair then counts as
//! often as the product of how often its two proteins were drawn (Owen 2007, The pigeonhole
//! bootstrap, Annals of Applied Statistics 1:386), a self-pair as often as its protein.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::quantiles::quantile;
use super::ranking::Order;
use crate::dataset::{Example, labels};

/// How often the proteins are resampled.
const RESAMPLES: u64 = 1000;

/// The resamples that must have both classes for an interval to mean something.
const ENOUGH: usize = 500;

/// A 95 % interval and what it rests on.
pub(super) struct Interval {
    /// Its two ends; absent unless [`ENOUGH`] resamples had both classes.
    pub(super) ends: Option<[f64; 2]>,
    /// How many resamples had both classes.
    pub(super) resamples: usize,
}

/// The interval of the AUROC of `one` minus that of `other`, two lists of scores of the same pairs.
///
/// Depends on the arguments alone, whatever the number of threads.
pub(super) fn difference_of_aurocs(
    examples: &[Example],
    one: &[f64],
    other: &[f64],
    seed: u64,
) -> Interval {
    let labels = labels(examples);
    let orders = [one, other].map(Order::new);
    let pairs = numbered(examples);
    let proteins = pairs.iter().flatten().max().map_or(0, |last| last + 1);
    let difference = |resample: u64| {
        let counts = draw(proteins, seed, resample);
        let weight = |[left, right]: &[usize; 2]| match left == right {
            true => counts[*left],
            false => counts[*left] * counts[*right],
        };
        let weights: Vec<f64> = pairs.iter().map(weight).collect();
        let [one, other] = orders.each_ref().map(|order| order.auroc(&labels, &weights));
        Some(one? - other?)
    };
    let differences: Vec<Option<f64>> = (0..RESAMPLES).into_par_iter().map(difference).collect();
    let mut differences: Vec<f64> = differences.into_iter().flatten().collect();
    differences.sort_unstable_by(f64::total_cmp);
    let end = |share| quantile(&differences, share);
    let resamples = differences.len();
    let enough = resamples >= ENOUGH;
    let ends = end(0.025).zip(end(0.975)).filter(|_| enough).map(<[f64; 2]>::from);
    Interval { ends, resamples }
}

/// The proteins of each pair, numbered from 0.
fn numbered(examples: &[Example]) -> Vec<[usize; 2]> {
    let names = examples.iter().flat_map(|example| [example.left, example.right]);
    let mut numbers: BTreeMap<u32, usize> = names.map(|name| (name, 0)).collect();
    numbers.values_mut().zip(0..).for_each(|(number, next)| *number = next);
    examples
        .iter()
        .map(|example| [example.left, example.right].map(|name| numbers[&name]))
        .collect()
}

/// How often each of `proteins` is drawn.
fn draw(proteins: usize, seed: u64, resample: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(resample);
    let mut counts = vec![0.0; proteins];
    for _ in 0..proteins {
        counts[random.random_range(..proteins)] += 1.0;
    }
    counts
}
