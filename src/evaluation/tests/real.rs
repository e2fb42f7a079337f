//! Baselines on published interactions, beside values measured with other software.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::dataset::{self, Catalogue, Example, Pairs, Source, SplitRule};
use crate::interactions::{self, Evidence, ExpandedComplexes, SelfPairs};
use crate::protein::Accession;
use crate::sequences::{self, SequenceSet};

/// HINT's yeast interactions between different proteins.
struct Yeast {
    sequences: SequenceSet,
    catalogue: Catalogue,
    rows: Rows,
    positives: Vec<Example>,
}

impl Yeast {
    fn read(folder: &Path) -> Self {
        let sequences = sequences::read(&[folder.join("yeast_uniprot.fasta")]).unwrap();
        let filters = interactions::Settings {
            min_publications: 0,
            evidence: Evidence::Any,
            min_score: None,
            taxon: None,
            expanded_complexes: ExpandedComplexes::Exclude,
            self_pairs: SelfPairs::Exclude,
            label_column: None,
            max_proteins: None,
            max_pairs: None,
            max_dropped_fraction: 0.1,
            seed: 1,
        };
        let file = folder.join("SaccharomycesCerevisiaeS288C_binary_hq.txt");
        let read = interactions::read(&[file], &filters).unwrap();
        let set = read.resolve(|name| sequences.get(name).is_some(), &filters).unwrap();
        let names = set.pairs.iter().flat_map(|p| [p.pair.first(), p.pair.second()]);
        let entry =
            |name: &Accession| (name.clone(), sequences.get(name).unwrap().sequence().digest());
        let catalogue = Catalogue::new(names.map(entry)).unwrap();
        let mut rows = Rows::default();
        let mut positives = Vec::new();
        for labelled in &set.pairs {
            let [left, right] = [labelled.pair.first(), labelled.pair.second()]
                .map(|name| catalogue.index(name).unwrap());
            let example = Example { left, right, label: labelled.label };
            rows.add(&example, labelled.reversed);
            positives.push(example);
        }
        Self { sequences, catalogue, rows, positives }
    }

    /// As many pairs of any two proteins that are not known to interact, in no order.
    fn negatives(&self) -> Vec<Example> {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut taken: BTreeSet<_> =
            self.positives.iter().map(|pair| (pair.left, pair.right)).collect();
        let mut negatives = Vec::new();
        while negatives.len() < self.positives.len() {
            let mut draw = || random.random_range(0..self.catalogue.len() as u32);
            let (one, other) = (draw(), draw());
            if one != other && taken.insert((one.min(other), one.max(other))) {
                negatives.push(Example { left: one, right: other, label: false });
            }
        }
        negatives
    }

    /// The AUROCs of all baselines on the test part.
    fn aurocs(&self, pairs: Pairs, split: SplitRule) -> Vec<(Baseline, f64)> {
        let shares =
            dataset::Settings { validation_fraction: 0.01, ..dataset::Settings::default() };
        let settings = dataset::Settings { split, ..shares };
        let known = dataset::Background::default();
        let pairs = Source::Whole(pairs);
        let dataset = dataset::build(&self.catalogue, pairs, &known, &settings).unwrap();
        let names = self.catalogue.proteins().iter().map(|(name, _)| name);
        let proteins: Vec<_> =
            names.map(|name| self.sequences.get(name).unwrap().sequence()).collect();
        let started = std::time::Instant::now();
        let evaluator = Evaluator::new(Background {
            catalogue: &self.catalogue,
            proteins: &proteins,
            train: &dataset.train,
            rows: &self.rows,
            seed: 1,
        });
        let scores = vec![0.5; dataset.test.len()];
        let set = evaluator.measure(TestPairs::Test, &dataset.test, &scores, 0.5).unwrap();
        println!("{} training, {} test pairs", dataset.train.len(), dataset.test.len());
        let aurocs: Vec<_> =
            set.baselines.iter().map(|result| (result.baseline, result.auroc.unwrap())).collect();
        println!("{aurocs:?} in {:?}", started.elapsed());
        aurocs
    }
}

fn of(aurocs: &[(Baseline, f64)], baseline: Baseline) -> f64 {
    aurocs.iter().find(|(other, _)| *other == baseline).unwrap().1
}

/// Its twins on invented proteins are in `examined` and `baselines::tests`.
#[test]
fn shortcuts_of_yeast_are_as_large_as_measured_elsewhere() {
    let test = "shortcuts_of_yeast_are_as_large_as_measured_elsewhere";
    let Some(folder) = real_data(test, "hint_medium") else { return };
    let yeast = Yeast::read(&folder);
    let pairs = Pairs { examples: yeast.positives.clone(), has_negatives: false };
    let unseen = yeast.aurocs(pairs, SplitRule::Proteins);
    assert_eq!(of(&unseen, Baseline::Degree), 0.5, "unseen proteins have no degree");
    assert_eq!(of(&unseen, Baseline::Order), 0.5);
    assert_eq!(of(&unseen, Baseline::RowOrder), 0.75);
    close(Some(of(&unseen, Baseline::Composition)), 0.638, 0.02);

    // There negatives were drawn from all proteins before the split.
    let examples = [yeast.positives.as_slice(), &yeast.negatives()].concat();
    let seen = yeast.aurocs(Pairs { examples, has_negatives: true }, SplitRule::Pairs);
    close(Some(of(&seen, Baseline::Degree)), 0.857, 0.02);
    close(Some(of(&seen, Baseline::Composition)), 0.754, 0.02);
    assert_eq!(of(&seen, Baseline::Order), 0.5);
    close(Some(of(&seen, Baseline::RowOrder)), 0.743, 0.02);
}
