use super::*;
use crate::protein::ProteinSequence;

/// Proteins `P0`, `P1`, ... of unrelated sequences.
fn proteins(n: usize) -> (Catalogue, Vec<ProteinSequence>) {
    let letters = b"ACDEFGHIKLMNPQRSTVWY";
    let residue = |i: usize, at: usize| char::from(letters[(i * 7 + at * (i + 3)) % 20]);
    let text = |i: usize| (0..12 + i).map(|at| residue(i, at)).collect::<String>();
    let sequences: Vec<ProteinSequence> = (0..n).map(|i| text(i).parse().unwrap()).collect();
    let names = (0..n).map(|i| format!("P{i}").parse().unwrap());
    let digests = sequences.iter().map(ProteinSequence::digest);
    (Catalogue::new(names.zip(digests)).unwrap(), sequences)
}

fn pair(left: u32, right: u32, label: bool) -> Example {
    Example { left, right, label }
}

/// What each rule reaches on `test`, after training on `train` and reading `rows`.
fn results(train: &[Example], test: &[Example], rows: &Rows) -> Vec<BaselineResult> {
    let (catalogue, sequences) = proteins(9);
    let proteins: Vec<_> = sequences.iter().collect();
    let background =
        Background { catalogue: &catalogue, proteins: &proteins, train, rows, seed: 1 };
    let baselines = Baselines::fit(&background);
    Baseline::ALL.iter().map(|baseline| baselines.judge(*baseline, test).0).collect()
}

fn auroc(results: &[BaselineResult], baseline: Baseline) -> f64 {
    results.iter().find(|result| result.baseline == baseline).unwrap().auroc.unwrap()
}

/// Positives sorted by accession, negatives without row.
fn sorted_file(positives: &[Example]) -> Rows {
    let mut rows = Rows::default();
    positives.iter().for_each(|example| rows.add(example, false));
    rows
}

#[test]
fn sorted_positives_beside_sampled_negatives_give_three_quarters_by_their_order() {
    let positives = [pair(0, 1, true), pair(2, 1, true), pair(3, 4, true)];
    let negatives = [pair(4, 0, false), pair(5, 1, false)];
    let rows = sorted_file(&positives);
    let test = [positives.as_slice(), &negatives].concat();
    let results = results(&positives, &test, &rows);
    assert_eq!(auroc(&results, Baseline::RowOrder), 0.75);
    assert_eq!(auroc(&results, Baseline::Order), 0.5, "the pairs themselves have no order");
    let row_order = results.iter().find(|result| result.baseline == Baseline::RowOrder).unwrap();
    assert!(!row_order.within_reach);
    assert_eq!(rows.sorted_share(&test, true), Some(1.0));
    assert_eq!(rows.sorted_share(&test, false), Some(0.5));
}

#[test]
fn negatives_sorted_like_positives_leave_the_order_nothing_to_say() {
    let test = [pair(0, 1, true), pair(2, 1, true), pair(4, 0, false), pair(5, 1, false)];
    let results = results(&test, &test, &sorted_file(&test));
    assert_eq!(auroc(&results, Baseline::RowOrder), 0.5);
}

#[test]
fn rows_in_the_other_direction_say_as_much() {
    let mut rows = Rows::default();
    let test = [pair(0, 1, true), pair(1, 2, true), pair(3, 3, true), pair(0, 2, false)];
    test.iter().for_each(|example| rows.add(example, example.label));
    let results = results(&test, &test, &rows);
    let row_order = results.iter().find(|result| result.baseline == Baseline::RowOrder).unwrap();
    // Two of three positives are reversed; the self-pair has no order.
    assert_eq!(row_order.auroc, Some(5.0 / 6.0));
    assert_eq!(row_order.direction, Direction::Low);
}

#[test]
fn hubs_are_told_by_their_positive_training_pairs() {
    let train = [pair(0, 1, true), pair(0, 2, true), pair(0, 3, true), pair(4, 5, false)];
    let test = [pair(0, 6, true), pair(1, 2, true), pair(4, 5, false), pair(6, 7, false)];
    let results = results(&train, &test, &Rows::default());
    assert_eq!(auroc(&results, Baseline::Degree), 1.0);

    let (catalogue, sequences) = proteins(9);
    let proteins: Vec<_> = sequences.iter().collect();
    let rows = Rows::default();
    let (catalogue, proteins, train) = (&catalogue, proteins.as_slice(), train.as_slice());
    let background = Background { catalogue, proteins, train, rows: &rows, seed: 1 };
    let values = Baselines::fit(&background).values(Baseline::Degree, &test);
    assert_eq!(values, [3.0_f64.ln_1p(), 2.0 * 1.0_f64.ln_1p(), 0.0, 0.0]);
}

#[test]
fn hubs_that_avoid_each_other_say_as_much_the_other_way_round() {
    let train = [pair(0, 1, true), pair(0, 2, true)];
    let test = [pair(0, 1, false), pair(6, 7, true), pair(5, 7, true)];
    let degree = results(&train, &test, &Rows::default())[0];
    assert_eq!((degree.baseline, degree.auroc), (Baseline::Degree, Some(1.0)));
    assert_eq!(degree.direction, Direction::Low);
    assert_eq!(degree.average_precision, Some(1.0));
}

#[test]
fn proteins_paired_with_themselves_are_told_also_under_two_names() {
    let (_, sequences) = proteins(2);
    let names = ["P0", "P1", "P2"].map(|name| name.parse().unwrap());
    let digests = [0, 1, 1].map(|at| sequences[at].digest());
    let catalogue = Catalogue::new(names.into_iter().zip(digests)).unwrap();
    let proteins = [&sequences[0], &sequences[1], &sequences[1]];
    let train = [pair(0, 1, true), pair(0, 2, false)];
    let rows = Rows::default();
    let background = Background {
        catalogue: &catalogue,
        proteins: &proteins,
        train: &train,
        rows: &rows,
        seed: 1,
    };
    let test = [pair(0, 0, true), pair(1, 2, true), pair(0, 1, false)];
    let values = Baselines::fit(&background).values(Baseline::SelfPair, &test);
    assert_eq!(values, [1.0, 1.0, 0.0]);
}
