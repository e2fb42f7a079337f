use std::collections::{BTreeSet, HashMap, HashSet};

use super::*;
use crate::protein::Accession;

#[test]
fn equal_settings_give_equal_bytes_and_other_seeds_do_not() {
    assert_eq!(generate(&intact(1)), generate(&intact(1)));
    assert_ne!(generate(&intact(1)).interactions, generate(&intact(2)).interactions);
    assert_ne!(generate(&intact(1)).sequences, generate(&intact(2)).sequences);
}

#[test]
fn rows_are_as_hint_writes_them() {
    let sample = generate(&intact(1));
    let rows: Vec<Vec<&str>> =
        sample.interactions.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        rows[0][4..],
        ["pmid:method:quality:type", "taxid", "high_quality", "in_pdb_source", "PDB_IDs"]
    );
    assert!(rows.iter().all(|row| row.len() == 9));
    assert!(rows[1..].iter().all(|row| row[0] < row[1]), "no self-pair, smaller accession first");
    assert!(rows[1..].windows(2).all(|two| two[0][..2] < two[1][..2]), "sorted, no duplicate");
    assert!(rows[1..].iter().flat_map(|row| row[4].split('|')).all(|item| {
        let fields: Vec<&str> = item.split(':').collect();
        fields[0].len() == 8 && ["HT", "LC"].contains(&fields[2]) && fields[3] == "binary"
    }));
}

#[test]
fn accessions_follow_uniprots_pattern_and_every_one_has_a_sequence() {
    let sample = generate(&intact(1));
    let sequences = sequences(&sample);
    assert_eq!(sequences.len(), PROTEINS);
    for (name, residues) in &sequences {
        let isoform: Accession = format!("{name}-1").parse().unwrap();
        assert!(isoform.parent().is_some(), "{name}");
        assert!(RESIDUES.contains(&residues.len()), "{name}");
    }
    let mut named = sample.interactions.lines().skip(1).flat_map(|row| row.split('\t').take(2));
    assert!(named.all(|name| sequences.contains_key(name)));
}

#[test]
fn families_differ_in_their_tracts_and_in_no_amino_acid() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let families = assign_families(rng);
    let tracts = draw_tracts(rng);
    let sequences = sequences(&generate(&intact(1)));
    let mut means = [[0.0; TRACT_AMINO_ACIDS.len()]; 2];
    for (protein, family) in families.iter().enumerate() {
        let residues = &sequences[&accession(protein)];
        let own = family.map_or(&[] as &[u8], |family| &tracts[family]);
        for (at, &residue) in TRACT_AMINO_ACIDS.iter().enumerate() {
            let tract = char::from(residue).to_string().repeat(TRACT_RESIDUES);
            assert_eq!(residues.contains(&tract), own.contains(&residue), "{protein} {tract}");
            let count = residues.bytes().filter(|&other| other == residue).count();
            assert!(count >= TRACT_RESIDUES, "{protein} {tract}");
            means[usize::from(family.is_some())][at] += count as f64;
        }
    }
    let members = families.iter().flatten().count();
    for (others, of_members) in means[0].iter().zip(means[1]) {
        let ratio = (others / (PROTEINS - members) as f64) / (of_members / members as f64);
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    }
}

#[test]
fn degrees_say_nothing_and_a_fifth_of_the_proteins_holds_enough_pairs() {
    for seed in 1..=5 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let families = assign_families(rng);
        let graph = connect(&families, rng);
        let mut degrees = vec![0_usize; PROTEINS];
        graph.iter().flat_map(|&(one, other)| [one, other]).for_each(|i| degrees[i] += 1);
        let mean = |member: bool| {
            let chosen = (0..PROTEINS).filter(|&i| families[i].is_some() == member);
            chosen.clone().map(|i| degrees[i]).sum::<usize>() as f64 / chosen.count() as f64
        };
        assert!((mean(true) / mean(false) - 1.0).abs() < 0.01, "seed {seed}");

        let mut order: Vec<usize> = (0..PROTEINS).collect();
        order.shuffle(rng);
        let test = &order[..PROTEINS / 5];
        let present: HashSet<_> = test.iter().map(|&i| families[i]).collect();
        assert_eq!(present.len(), 2 * FAMILY_PAIRS + 1, "seed {seed}: all families and none");
        let inside = |i: &usize| test.contains(i);
        let score = |&(one, other): &(usize, usize)| degrees[one] + degrees[other];
        let positives: Vec<usize> =
            graph.iter().filter(|(one, other)| inside(one) && inside(other)).map(score).collect();
        assert!(positives.len() >= 400, "seed {seed}: {}", positives.len());
        let negatives: Vec<usize> = test
            .iter()
            .flat_map(|&one| test.iter().map(move |&other| (one, other)))
            .filter(|pair| pair.0 < pair.1 && !graph.contains(pair))
            .map(|pair| score(&pair))
            .collect();
        let score = auroc(&positives, &negatives);
        assert!((score - 0.5).abs() < 0.07, "seed {seed}: {score}");
    }
}

#[test]
fn shuffling_keeps_the_graph_and_moves_the_sequences() {
    let (intact, shuffled) =
        (generate(&intact(1)), generate(&Settings { seed: 1, shuffled: true }));
    assert_eq!(intact.interactions, shuffled.interactions);
    let (before, after) = (sequences(&intact), sequences(&shuffled));
    let kept = before.iter().filter(|(name, residues)| after[*name] == **residues).count();
    assert!(kept < 10, "{kept} proteins kept their sequence");
    let set = |all: HashMap<String, String>| all.into_values().collect::<BTreeSet<_>>();
    assert_eq!(set(before), set(after));
}

#[test]
fn both_files_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let sample = generate(&intact(1));
    write(&sample, &folder.path().join("new/sample")).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join("new/sample").join(name));
    assert_eq!(read("interactions.txt").unwrap(), sample.interactions);
    assert_eq!(read("proteins.fasta").unwrap(), sample.sequences);
}

fn intact(seed: u64) -> Settings {
    Settings { seed, shuffled: false }
}

/// The residues by accession.
fn sequences(sample: &Sample) -> HashMap<String, String> {
    let record = |text: &str| {
        let (header, residues) = text.split_once('\n').unwrap();
        (header.split('|').nth(1).unwrap().to_owned(), residues.replace('\n', ""))
    };
    sample.sequences.split('>').skip(1).map(record).collect()
}

/// The probability that a positive scores above a negative, ties counting half.
fn auroc(positives: &[usize], negatives: &[usize]) -> f64 {
    let wins: f64 = positives
        .iter()
        .flat_map(|p| negatives.iter().map(move |n| p.cmp(n)))
        .map(|order| match order {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    wins / (positives.len() * negatives.len()) as f64
}
