//! Test pairs by what training has seen of them.

use super::*;

/// The sequences of a test class that training has seen, pair by pair.
fn seen(catalogue: &Catalogue, dataset: &Dataset, example: &Example) -> usize {
    let train = sequences(catalogue, &dataset.train);
    let (one, other) = catalogue.sequence_pair(example);
    usize::from(train.contains(&one)) + usize::from(train.contains(&other))
}

#[test]
fn one_run_tests_pairs_of_two_of_one_and_of_no_seen_protein() {
    let (catalogue, edges) = (with_twins(1_500), edges(1_500, 12_000, 17));
    for split in [SplitRule::Clusters, SplitRule::Proteins] {
        let dataset = build(&catalogue, whole(&edges), &rule(split)).unwrap();
        let manifest = &dataset.manifest;
        let classes = dataset.test_classes();
        assert_eq!(classes.c3, dataset.test);
        let expected = [(&classes.c1, 2), (&classes.c2, 1), (&classes.c3, 0)];
        for ((pairs, count), (class, counts)) in expected.iter().zip(manifest.test_classes.each()) {
            let positives = pairs.iter().filter(|e| e.label).count();
            assert_eq!([positives, pairs.len() - positives], [counts.positives, counts.negatives]);
            assert!(positives > 300, "{class}: {counts:?}");
            assert!(counts.negatives > positives * 95 / 100, "{class}: {counts:?}");
            let mut sample = pairs.iter().step_by(pairs.len() / 50);
            assert!(sample.all(|e| seen(&catalogue, &dataset, e) == *count), "{class}");
        }
        let counts = &manifest.test_classes;
        let all_trained = manifest.parts.train.counts.positives + counts.c1.positives;
        let limit = counts.c3.positives.min(all_trained / TRAINING_PER_C1);
        assert!((limit - 2..=limit).contains(&counts.c1.positives), "{counts:?}");

        let mut all = BTreeSet::new();
        for part in parts(&dataset).into_iter().chain([dataset.held_out.as_slice()]) {
            let distinct: BTreeSet<_> = part.iter().map(|e| catalogue.sequence_pair(e)).collect();
            assert!(all.is_disjoint(&distinct), "a pair in two of them");
            all.extend(distinct);
        }
        let held_out = dataset.held_out.iter().filter(|e| e.label).count();
        let used = manifest.parts.each().map(|(_, part)| part.counts.positives);
        let used = used.iter().sum::<usize>() + held_out;
        assert_eq!(used + manifest.lost.positives, edges.len());
    }
}

#[test]
fn held_out_pairs_of_labelled_input_keep_their_labels() {
    let (catalogue, edges) = (plain(300), edges(300, 12_000, 18));
    let (interacting, others) = edges.split_at(5_000);
    let examples = [labelled(interacting, true), labelled(others, false)].concat();
    let source = Source::Whole(Pairs { examples: examples.clone(), has_negatives: true });
    let dataset = build(&catalogue, source, &Settings::default()).unwrap();
    let counts = &dataset.manifest.test_classes;
    assert_eq!(counts.c1.positives, counts.c3.positives);
    assert_eq!(counts.c1.negatives, counts.c3.negatives);
    let given: BTreeSet<_> =
        examples.iter().map(|e| (catalogue.sequence_pair(e), e.label)).collect();
    let kept = |e: &Example| given.contains(&(catalogue.sequence_pair(e), e.label));
    assert!(dataset.held_out.iter().all(kept));
    assert_eq!(dataset.manifest.held_out.negatives, NegativeSource::Given);
}

#[test]
fn other_rules_divide_the_test_part_and_hold_nothing_out() {
    let (catalogue, edges) = (plain(1_000), edges(1_000, 1_500, 19));
    let given = Source::Given {
        train: positives(&edges[..900]),
        validation: Some(positives(&edges[900..1_200])),
        test: positives(&edges[1_200..]),
    };
    for (source, split) in [(whole(&edges), SplitRule::Pairs), (given, SplitRule::Given)] {
        let dataset = build(&catalogue, source, &rule(split)).unwrap();
        assert_eq!(dataset.held_out, []);
        let Classes { c1, c2, c3 } = dataset.test_classes();
        assert!(c1.len() > 30 && c2.len() > 30, "{} {} {}", c1.len(), c2.len(), c3.len());
        for (pairs, count) in [(&c1, 2), (&c2, 1), (&c3, 0)] {
            assert!(pairs.iter().all(|e| seen(&catalogue, &dataset, e) == count));
        }
        assert_eq!(c1.len() + c2.len() + c3.len(), dataset.test.len());
    }
}
