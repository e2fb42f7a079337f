//! Parts that are too small or too crowded, and input that contradicts itself.

use super::*;

#[test]
fn small_parts_warn_and_tiny_ones_are_refused_with_a_remedy() {
    let (catalogue, edges) = (plain(100), edges(100, 1_000, 12));
    let given = |test: usize, has_negatives: bool| {
        let mut test = positives(&edges[..test]);
        test.has_negatives = has_negatives;
        let validation = Some(positives(&edges[..500]));
        let source = Source::Given { train: positives(&edges), validation, test };
        build(&catalogue, source, &rule(SplitRule::Given))
    };
    let warning = Warning::FewPositives { part: Part::Test, positives: 99 };
    assert!(given(99, false).unwrap().manifest.warnings.contains(&warning));
    let few = |w: &Warning| matches!(w, Warning::FewPositives { .. });
    assert!(!given(100, false).unwrap().manifest.warnings.iter().any(few));
    given(10, false).unwrap();
    let message = |result: Result<Dataset, Error>| result.unwrap_err().to_string();
    insta::assert_snapshot!(message(given(9, false)), @"the test part has too few positive pairs, 9 where at least 10 are needed: add pairs to this part");
    insta::assert_snapshot!(message(given(99, true)), @"the test part has no negative pairs: add pairs with label 0, or leave all of them out to have negatives sampled");
    let by = |settings: &Settings| message(build(&catalogue, whole(&edges), settings));
    let shares = |test_fraction, validation_fraction| Settings {
        test_fraction,
        validation_fraction,
        ..Settings::default()
    };
    insta::assert_snapshot!(by(&shares(0.05, 0.1)), @"the test part has too few positive pairs, 1 where at least 10 are needed: use more pairs (mind `max_proteins` and `max_pairs`) or raise `test_fraction`");
    insta::assert_snapshot!(by(&shares(0.3, 0.0)), @"the validation part has too few positive pairs, 0 where at least 10 are needed: use more pairs (mind `max_proteins` and `max_pairs`) or raise `validation_fraction`");
    insta::assert_snapshot!(by(&shares(0.45, 0.5)), @"the train part has too few positive pairs, 2 where at least 10 are needed: use more pairs (mind `max_proteins` and `max_pairs`) or lower `test_fraction` and `validation_fraction`");
    insta::assert_snapshot!(by(&shares(0.5, 0.5)), @"`test_fraction + validation_fraction` is 1, expected less than 1");
    insta::assert_snapshot!(by(&shares(f64::NAN, 0.5)), @"`test_fraction` is NaN, expected a number from 0 to below 1");
    insta::assert_snapshot!(by(&Settings { negative_ratio: 0.0, ..rule(SplitRule::Pairs) }), @"`negative_ratio` is 0, expected a number above 0");
    insta::assert_snapshot!(by(&Settings { negative_ratio: 1e-9, ..rule(SplitRule::Pairs) }), @"the test part has no negative pairs: raise `negative_ratio` or add pairs");
    insta::assert_snapshot!(by(&rule(SplitRule::Given)), @"`split` is `given`, but no test pairs are given: give them as channel `test` or with `--test`, or use `split=clusters`");
    let stray = whole(&[(0, 100)]);
    insta::assert_snapshot!(message(build(&catalogue, stray, &rule(SplitRule::Pairs))), @"a pair names protein number 100 of a catalogue of 100");
}

#[test]
fn crowded_parts_get_fewer_negatives_and_a_warning() {
    let n = 60;
    let all = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let edges: Vec<_> = all.filter(|(i, j)| (i * 31 + j * 17) % 10 != 0).collect();
    let build = |negative_ratio| {
        let negatives = NegativeRule::Uniform;
        let settings = Settings { negatives, negative_ratio, ..rule(SplitRule::Pairs) };
        build(&plain(n), whole(&edges), &settings)
    };
    let dataset = build(0.3).unwrap();
    let free = (n * (n - 1) / 2) as usize - edges.len();
    let drawn = parts(&dataset).map(|part| part.iter().filter(|e| !e.label).count());
    assert_eq!(drawn.iter().sum::<usize>(), free, "every free pair, each once");
    let wanted = (0.3 * dataset.manifest.parts.train.counts.positives as f64).round() as usize;
    let warning = Warning::FewerNegatives { part: Section::Train, wanted, drawn: drawn[0] };
    assert!(dataset.manifest.warnings.contains(&warning));
    insta::assert_snapshot!(build(2.0).unwrap_err(), @"the validation part has no negative pairs: the input names every pair of its proteins that no other part drew: lower `negative_ratio` or add proteins");
}

#[test]
fn given_negatives_with_the_sequences_of_a_positive_are_reported() {
    let catalogue = with_twins(300);
    let mut edges = edges(300, 3_000, 7);
    edges.retain(|pair| pair.0 % 10 < 8 && pair.1 % 10 < 8);
    let (interacting, others) = edges.split_at(edges.len() / 2);
    let mut train = labelled(interacting, true);
    train.push(Example { left: 8, right: 20, label: true });
    let test = [labelled(&interacting[..50], true), labelled(&others[..50], false)].concat();
    train.extend(labelled(others, false));
    let mut source = [train, test].map(|examples| Pairs { examples, has_negatives: true });
    source[1].examples.push(Example { left: 20, right: 9, label: false });
    let [train, test] = source;
    let source = Source::Given { validation: Some(test.clone()), train, test };
    let dataset = build(&catalogue, source, &rule(SplitRule::Given)).unwrap();
    let warning = |part| Warning::ContradictedNegatives { part, pairs: 1 };
    assert!(dataset.manifest.warnings.contains(&warning(Part::Test)));
    assert!(!dataset.manifest.warnings.contains(&warning(Part::Train)));
}
