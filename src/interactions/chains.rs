//! Chains that a protein is cut into: rows about them count for the whole protein.

use std::collections::{BTreeSet, HashMap};

/// The chains that rows name, by the numbers of their proteins.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// The first chain of each protein.
    first: HashMap<usize, String>,
    /// Proteins with another chain, too.
    merged: BTreeSet<usize>,
    /// Two chains of the first of them.
    example: Option<[String; 2]>,
}

impl Chains {
    /// Takes note of a chain that stands for its protein.
    pub(super) fn add(&mut self, protein: usize, chain: String) {
        let first = self.first.entry(protein).or_insert_with(|| chain.clone());
        if *first != chain {
            self.example.get_or_insert_with(|| [first.clone(), chain]);
            self.merged.insert(protein);
        }
    }

    /// How many proteins stand for several chains.
    pub(super) fn merged(&self) -> usize {
        self.merged.len()
    }

    /// What to tell of them, where there are any.
    pub(super) fn warning(&self) -> Option<String> {
        let [one, other] = self.example.as_ref()?;
        let merged = self.merged();
        Some(format!(
            "{merged} proteins stand for several of their chains each, e.g. for `{one}` and \
             `{other}`: what one chain binds counts for all"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_chains_of_a_protein_are_counted_once_and_named() {
        let mut chains = Chains::default();
        for (protein, chain) in [(0, "P-PRO_1"), (1, "Q-PRO_1"), (0, "P-PRO_1")] {
            chains.add(protein, chain.to_owned());
        }
        assert_eq!((chains.merged(), chains.warning()), (0, None));
        for (protein, chain) in [(0, "P-PRO_2"), (0, "P-PRO_3"), (1, "Q-PRO_2")] {
            chains.add(protein, chain.to_owned());
        }
        assert_eq!(chains.merged(), 2);
        insta::assert_snapshot!(chains.warning().unwrap(), @"2 proteins stand for several of their chains each, e.g. for `P-PRO_1` and `P-PRO_2`: what one chain binds counts for all");
    }
}
