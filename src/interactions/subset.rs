//! A connected random subset of pairs, for a quick run that is still about a network.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How large the subset may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// At most so many proteins.
    pub(super) proteins: usize,
    /// At most so many pairs.
    pub(super) pairs: usize,
}

/// Which of `pairs` (of proteins numbered below `proteins`) are chosen.
///
/// The subset grows from a random protein of the largest connected component by random pairs that
/// touch it, until a limit is reached. Only when a component is exhausted does it go on in the next
/// largest one, so that it is connected wherever the pairs allow it.
pub(super) fn connected(
    pairs: &[[usize; 2]],
    proteins: usize,
    limits: Limits,
    seed: u64,
) -> Vec<bool> {
    let mut pairs_of = vec![Vec::new(); proteins];
    for (pair, [one, other]) in pairs.iter().enumerate() {
        pairs_of[*one].push(pair);
        if one != other {
            pairs_of[*other].push(pair);
        }
    }
    let mut growth = Growth {
        pairs,
        pairs_of: &pairs_of,
        chosen: vec![false; pairs.len()],
        inside: vec![false; proteins],
        pairs_left: limits.pairs,
        proteins_left: limits.proteins,
        rng: ChaCha8Rng::seed_from_u64(seed),
    };
    for component in components(pairs, &pairs_of) {
        growth.fill(&component);
    }
    growth.chosen
}

struct Growth<'p> {
    pairs: &'p [[usize; 2]],
    pairs_of: &'p [Vec<usize>],
    chosen: Vec<bool>,
    inside: Vec<bool>,
    pairs_left: usize,
    proteins_left: usize,
    rng: ChaCha8Rng,
}

impl Growth<'_> {
    /// Grows inside one component until a limit is reached or nothing is left.
    fn fill(&mut self, component: &[usize]) {
        if self.pairs_left == 0 || self.proteins_left == 0 {
            return;
        }
        let mut frontier = Vec::new();
        let start = self.rng.random_range(..component.len());
        self.enter(component[start], &mut frontier);
        while self.pairs_left > 0 && !frontier.is_empty() {
            let pair = frontier.swap_remove(self.rng.random_range(..frontier.len()));
            if self.chosen[pair] {
                continue;
            }
            let outside = self.pairs[pair].into_iter().find(|protein| !self.inside[*protein]);
            match outside {
                Some(_) if self.proteins_left == 0 => continue,
                Some(protein) => self.enter(protein, &mut frontier),
                None => {}
            }
            self.chosen[pair] = true;
            self.pairs_left -= 1;
        }
    }

    fn enter(&mut self, protein: usize, frontier: &mut Vec<usize>) {
        self.inside[protein] = true;
        self.proteins_left -= 1;
        frontier.extend(self.pairs_of[protein].iter().filter(|pair| !self.chosen[**pair]));
    }
}

/// The proteins of each connected component, the largest component first.
fn components(pairs: &[[usize; 2]], pairs_of: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; pairs_of.len()];
    let mut components = Vec::new();
    for start in 0..pairs_of.len() {
        if seen[start] || pairs_of[start].is_empty() {
            continue;
        }
        seen[start] = true;
        let mut component = vec![start];
        let mut next = 0;
        while let Some(protein) = component.get(next).copied() {
            next += 1;
            for neighbour in pairs_of[protein].iter().flat_map(|pair| pairs[*pair]) {
                if !std::mem::replace(&mut seen[neighbour], true) {
                    component.push(neighbour);
                }
            }
        }
        components.push(component);
    }
    components.sort_by_key(|component| std::cmp::Reverse(component.len()));
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: usize = usize::MAX;

    /// A ring of 40 proteins with chords, and three pairs apart from it.
    fn network() -> (Vec<[usize; 2]>, usize) {
        let ring = (0..40).flat_map(|i| [[i, (i + 1) % 40], [i, (i + 7) % 40]]);
        (ring.chain([[40, 41], [42, 43], [44, 44]]).collect(), 45)
    }

    fn subset(proteins: usize, pairs: usize, seed: u64) -> Vec<[usize; 2]> {
        let (network, count) = network();
        let chosen = connected(&network, count, Limits { proteins, pairs }, seed);
        network
            .into_iter()
            .zip(chosen)
            .filter_map(|(pair, chosen)| chosen.then_some(pair))
            .collect()
    }

    fn shape(pairs: &[[usize; 2]]) -> (usize, usize) {
        let mut pairs_of = vec![Vec::new(); 45];
        for (pair, proteins) in pairs.iter().enumerate() {
            for protein in proteins {
                pairs_of[*protein].push(pair);
            }
        }
        let components = components(pairs, &pairs_of);
        (components.len(), components.iter().map(Vec::len).sum())
    }

    #[test]
    fn limits_are_reached_exactly_and_the_subset_is_connected() {
        for seed in 0..20 {
            let by_proteins = subset(12, NONE, seed);
            assert_eq!(shape(&by_proteins), (1, 12));
            let by_pairs = subset(NONE, 15, seed);
            assert_eq!((by_pairs.len(), shape(&by_pairs).0), (15, 1));
            let by_both = subset(10, 10, seed);
            assert!(by_both.len() <= 10 && shape(&by_both).1 <= 10 && shape(&by_both).0 == 1);
        }
    }

    #[test]
    fn all_pairs_among_the_chosen_proteins_are_taken() {
        let chosen = subset(12, NONE, 3);
        let inside = |protein| chosen.iter().flatten().any(|p| *p == protein);
        let all = network().0.into_iter().filter(|[a, b]| inside(*a) && inside(*b)).count();
        assert_eq!(chosen.len(), all);
    }

    #[test]
    fn the_seed_decides_and_an_exhausted_component_is_followed_by_the_next() {
        assert_eq!(subset(12, NONE, 1), subset(12, NONE, 1));
        assert_ne!(subset(12, NONE, 1), subset(12, NONE, 2));
        assert_eq!(subset(42, NONE, 1).len(), 81);
        assert_eq!(subset(NONE, NONE, 1).len(), 83);
    }
}
