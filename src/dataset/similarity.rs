//! Which proteins resemble each other, by the 5-mers that they share.
//!
//! An alignment would find more distant relatives. Five residues in a row are rarely shared by
//! chance (one in 3.2 million), so that a shared tenth of them already means common descent, and
//! counting them takes seconds where an alignment takes hours.

use crate::protein::ProteinSequence;

/// Residues per k-mer, packed into 25 bits.
const K: usize = 5;
/// K-mers in more proteins than this count nowhere.
pub const FREQUENT_ABOVE: usize = 1_000;

/// An index of the distinct 5-mers of proteins, which are numbered in the order of the input.
///
/// The containment of two proteins is the number of distinct 5-mers in both, divided by the number
/// in the one that has fewer: 1 where one is a fragment of the other, and 0 where one is shorter
/// than five residues. 5-mers with the unknown residue `X` do not count. Neither do those in more
/// than [`FREQUENT_ABOVE`] of the proteins, as runs of one residue are in a large proteome: they
/// say nothing about descent, and without them a lookup takes at most so many steps per 5-mer.
#[derive(Clone, Debug)]
pub struct KmerIndex {
    /// The distinct 5-mers that count, sorted; their places are their numbers.
    kmers: Vec<u32>,
    /// Those in too many proteins, sorted.
    frequent: Vec<u32>,
    /// The proteins with k-mer number `i` are those from `starts[i]` to `starts[i + 1]`.
    holders: Vec<u32>,
    starts: Vec<usize>,
    /// The numbers of each protein's k-mers, sorted.
    kmers_of: Vec<Vec<u32>>,
}

impl KmerIndex {
    /// The index of `sequences`.
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a ProteinSequence>) -> Self {
        let mut entries: Vec<(u32, u32)> = Vec::new();
        let mut proteins = 0;
        for sequence in sequences {
            entries.extend(distinct_kmers(sequence).into_iter().map(|kmer| (kmer, proteins)));
            proteins += 1;
        }
        entries.sort_unstable();
        let mut index = Self {
            kmers: Vec::new(),
            frequent: Vec::new(),
            holders: Vec::new(),
            starts: vec![0],
            kmers_of: vec![Vec::new(); proteins as usize],
        };
        for group in entries.chunk_by(|one, other| one.0 == other.0) {
            index.add(group[0].0, group.iter().map(|&(_, protein)| protein));
        }
        index
    }

    fn add(&mut self, kmer: u32, holders: impl ExactSizeIterator<Item = u32>) {
        if holders.len() > FREQUENT_ABOVE {
            self.frequent.push(kmer);
            return;
        }
        let number = self.kmers.len() as u32;
        self.kmers.push(kmer);
        for protein in holders {
            self.holders.push(protein);
            self.kmers_of[protein as usize].push(number);
        }
        self.starts.push(self.holders.len());
    }

    /// The other proteins whose containment with protein number `of` is at least `at_least` and
    /// above 0, with it, sorted by number.
    pub fn neighbours(&self, of: usize, at_least: f64) -> Vec<(usize, f64)> {
        let kmers = &self.kmers_of[of];
        let mut found = self.similar(kmers, kmers.len(), at_least);
        found.retain(|&(protein, _)| protein != of);
        found
    }

    /// The proteins whose containment with `query`, which need not be among them, is at least
    /// `at_least` and above 0, with it, sorted by number.
    pub fn similar_to(&self, query: &ProteinSequence, at_least: f64) -> Vec<(usize, f64)> {
        let mut kmers = distinct_kmers(query);
        kmers.retain(|kmer| self.frequent.binary_search(kmer).is_err());
        let count = kmers.len();
        let known = kmers.iter().filter_map(|kmer| self.kmers.binary_search(kmer).ok());
        let known: Vec<_> = known.map(|number| number as u32).collect();
        self.similar(&known, count, at_least)
    }

    /// The proteins that share some of `kmers`, the known ones of a sequence with `count` in all.
    fn similar(&self, kmers: &[u32], count: usize, at_least: f64) -> Vec<(usize, f64)> {
        let mut shared = vec![0_usize; self.kmers_of.len()];
        let mut met = Vec::new();
        for &kmer in kmers {
            let kmer = kmer as usize;
            for &protein in &self.holders[self.starts[kmer]..self.starts[kmer + 1]] {
                let shared = &mut shared[protein as usize];
                if *shared == 0 {
                    met.push(protein as usize);
                }
                *shared += 1;
            }
        }
        met.sort_unstable();
        let containment = |protein: usize| {
            let smaller = count.min(self.kmers_of[protein].len());
            shared[protein] as f64 / smaller as f64
        };
        let found = met.into_iter().map(|protein| (protein, containment(protein)));
        found.filter(|&(_, containment)| containment >= at_least).collect()
    }
}

/// The distinct 5-mers without `X`, packed and sorted.
fn distinct_kmers(sequence: &ProteinSequence) -> Vec<u32> {
    let windows = sequence.residues().as_bytes().windows(K).filter(|kmer| !kmer.contains(&b'X'));
    let pack = |kmer: &[u8]| {
        kmer.iter().fold(0, |packed, residue| (packed << 5) | u32::from(residue - b'A'))
    };
    let mut kmers: Vec<_> = windows.map(pack).collect();
    kmers.sort_unstable();
    kmers.dedup();
    kmers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn sequences<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<ProteinSequence> {
        texts.into_iter().map(|text| text.as_ref().parse().unwrap()).collect()
    }

    fn random_text(random: &mut ChaCha8Rng, len: usize) -> String {
        let letters = b"ACDEFGHIKLMNPQRSTVWY";
        (0..len).map(|_| char::from(letters[random.random_range(0..letters.len())])).collect()
    }

    #[test]
    fn containment_is_the_share_of_the_smaller_proteins_kmers() {
        // 6, 3, 2 (`AAAAA` once), 1, 0 and 0 distinct 5-mers.
        let proteins = sequences(["ACDEFGHIKL", "DEFGHIK", "AAAAAAC", "DEFGHX", "MKVL", "XXXXXXX"]);
        let index = KmerIndex::new(&proteins);
        assert_eq!(index.neighbours(0, 0.0), [(1, 1.0), (3, 1.0)]);
        assert_eq!(index.neighbours(1, 1.0), [(0, 1.0), (3, 1.0)]);
        for protein in [2, 4, 5] {
            assert_eq!(index.neighbours(protein, 0.0), []);
        }
        let query = "aaaacdefwwwww".parse().unwrap();
        // Its 9 5-mers: `ACDEF` is in the first, `AAAAC` in the third of the proteins.
        assert_eq!(index.similar_to(&query, 0.0), [(0, 1.0 / 6.0), (2, 0.5)]);
        assert_eq!(index.similar_to(&query, 0.2), [(2, 0.5)]);
        assert_eq!(index.similar_to(&proteins[1], 0.5), [(0, 1.0), (1, 1.0), (3, 1.0)]);
    }

    #[test]
    fn lookups_agree_with_sets_of_residues() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let ancestor = random_text(&mut random, 400);
        let mut texts = vec![];
        for _ in 0..40 {
            let (start, len) = (random.random_range(0..300), random.random_range(20..100));
            let own = random_text(&mut random, 60);
            texts.push(format!("{}{own}", &ancestor[start..start + len]));
        }
        let sets: Vec<BTreeSet<_>> =
            texts.iter().map(|t| t.as_bytes().windows(5).collect()).collect();
        let proteins = sequences(&texts);
        let index = KmerIndex::new(&proteins);
        let mut found = 0;
        for (of, set) in sets.iter().enumerate() {
            let containment = |other: &BTreeSet<&[u8]>| {
                set.intersection(other).count() as f64 / set.len().min(other.len()) as f64
            };
            let all = sets.iter().map(containment).enumerate();
            let expected: Vec<_> = all.filter(|&(_, share)| share >= 0.15).collect();
            assert_eq!(index.similar_to(&proteins[of], 0.15), expected);
            let others: Vec<_> = expected.into_iter().filter(|&(other, _)| other != of).collect();
            assert_eq!(index.neighbours(of, 0.15), others);
            found += others.len();
        }
        assert!(found > 100, "{found}");
    }

    #[test]
    fn what_many_proteins_have_counts_nowhere() {
        let common = |own: String| format!("SSSSSS{own}");
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let texts: Vec<_> =
            (0..=FREQUENT_ABOVE).map(|_| random_text(&mut random, 5)).map(common).collect();
        let all = sequences(&texts);
        let index = KmerIndex::new(&all);
        let many = index.similar_to(&"SSSSS".parse().unwrap(), 0.0);
        assert_eq!(many, [], "one protein too many has it");
        let index = KmerIndex::new(&all[1..]);
        assert_eq!(index.similar_to(&"SSSSS".parse().unwrap(), 1.0).len(), FREQUENT_ABOVE);
    }

    #[test]
    fn five_thousand_proteins_with_a_common_run_take_about_a_second() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let text = |_| random_text(&mut random, 400) + &"Q".repeat(20);
        let proteins = sequences((0..5_000).map(text));
        let started = Instant::now();
        let index = KmerIndex::new(&proteins);
        let found = (0..proteins.len()).map(|of| index.neighbours(of, 0.15).len()).sum::<usize>();
        let elapsed = started.elapsed();
        println!("{} 5-mers in {elapsed:?}", index.kmers.len());
        assert_eq!(found, 0);
        // Generous for a busy machine.
        assert!(elapsed.as_secs() < 10, "{elapsed:?}");
    }
}
