//! Which rows of MITAB are left out, and why.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn molecules_that_are_no_proteins_are_told_without_types_as_well() {
    let kind = |column: usize, text: &'static str| (column, text);
    let rows = [
        row(42, "P00001", "P00002", &[kind(20, "psi-mi:\"MI:0320\"(ribonucleic acid)")]),
        row(42, "P00001", "P00003", &[kind(21, "psi-mi:\"MI:0327\"(peptide)")]),
    ];
    let set = file(INTACT, &rows).set();
    assert_eq!(pairs(&set), ["P00001 P00003 1"]);
    assert_eq!(other_kinds(&set.audit), ["`P00001` is no protein but `ribonucleic acid`"]);
    let rows = [
        row(15, "P00001", "P00002", &[]),
        row(15, "P00001", "x", &[(1, "complex portal:CPX-1\u{1b}")]),
        row(15, "x", "P00001", &[(0, "chebi:\"CHEBI:15377\"")]),
    ];
    let audit = Files::one(rows.join("\n")).set().audit;
    assert_eq!(
        other_kinds(&audit),
        ["`CPX-1 ` is no protein but `complex portal`", "`CHEBI:15377` is no protein but `chebi`"]
    );
}

#[test]
fn damaged_rows_are_malformed_with_a_reason() {
    let good = row(42, "P00001", "P00002", &[]);
    let rows = [
        good.clone(),
        good.split('\t').take(14).collect::<Vec<_>>().join("\t"),
        row(42, "-", "-", &[(0, "-"), (1, "")]),
        row(42, "P00001", "P2", &[(1, "intact:"), (3, "-")]),
        row(42, "P00001", "P2", &[(1, "intact:\"EBI 1\"")]),
        good.split('\t').take(35).collect::<Vec<_>>().join("\t"),
        good.split('\t').take(36).collect::<Vec<_>>().join("\t"),
    ];
    let audit = file(INTACT, &rows).set().audit;
    let reasons: Vec<_> = audit.buckets[0].examples.iter().map(|e| e.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "no column 15",
            "empty identifier in column 1",
            "empty identifier in column 2",
            "identifier with the character ' ' in column 2",
            "no column 36",
        ]
    );
    let named = Settings { label_column: Some("truth".to_owned()), ..settings() };
    let message = file(INTACT, &rows).message(&named);
    assert!(
        message.starts_with("`a.txt` has no label column `truth`, only `#ID(s) interactor A`, ")
    );
    let kinds = Settings { evidence: Evidence::Literature, ..settings() };
    let message = file(INTACT, &rows).message(&kinds);
    assert!(
        message.starts_with("`a.txt` has no evidence column `pmid:method:quality` that"),
        "{message}"
    );
}

#[test]
fn lists_leave_out_what_is_no_pair_of_proteins() {
    let rows = [
        row(42, "P00001", "P00002", &[SPOKE]),
        row(42, "P00001", "P00002", &[(35, "TRUE")]),
        row(42, "P00002", "P00001", &[]),
    ];
    let listed = list(file(INTACT, &rows).path(), None).unwrap();
    let names: Vec<_> = listed.iter().map(|pair| (pair.first.as_str(), pair.label)).collect();
    assert_eq!(names, [("P00001", None), ("P00002", None)]);
}

/// Generated rows against the definition of the buckets, applied row by row.
#[test]
fn every_row_is_in_the_bucket_that_the_definition_gives() {
    const NAMES: [&str; 5] = ["P00001", "P00002", "P00003", "Q00004", "Q00005"];
    const MISSING: &str = "Q00005";
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut seen = [0; 8];
    for _ in 0..200 {
        let mut expected = [0; 8];
        let mut met: Vec<[&str; 2]> = Vec::new();
        let mut text = vec![INTACT.to_owned()];
        for _ in 0..rng.random_range(1..30) {
            let [a, b] = [0, 1].map(|_| *NAMES.choose(&mut rng).unwrap());
            let pair = [a.min(b), a.max(b)];
            let own = match rng.random_range(0..8) {
                0 => Some((Bucket::Malformed, (0, "-\u{20}x"))),
                1 => Some((Bucket::OtherKind, (20, "psi-mi:\"MI:0319\"(deoxyribonucleic acid)"))),
                2 => Some((Bucket::OtherKind, (35, "true"))),
                3 => Some((Bucket::OtherKind, (11, "psi-mi:\"MI:0208\"(genetic interaction)"))),
                4 => Some((Bucket::Filtered, SPOKE)),
                _ => None,
            };
            let others: Vec<_> = own.iter().map(|(_, field)| *field).collect();
            text.push(row(42, a, b, &others));
            let bucket = match own {
                Some((bucket, _)) => bucket,
                None if met.contains(&pair) => Bucket::Duplicate,
                None if a == b => Bucket::SelfPair,
                None if pair.contains(&MISSING) => Bucket::WithoutSequence,
                None => Bucket::Used,
            };
            if own.is_none() {
                met.push(pair);
            }
            expected[bucket as usize] += 1;
        }
        let interactions = Files::one(text.join("\n")).read(&settings()).unwrap();
        let resolved = interactions.resolve(|name| name.as_str() != MISSING, &settings());
        let audit = match resolved {
            Ok(set) => set.audit,
            Err(error) => error.audit().unwrap().clone(),
        };
        assert_eq!(Bucket::ALL.map(|bucket| audit.count(bucket)), expected, "{}", text.join("\n"));
        assert_eq!(audit.rows, text.len() - 1);
        seen.iter_mut().zip(expected).for_each(|(seen, rows)| *seen += rows);
    }
    let never = |bucket: Bucket| bucket == Bucket::ConflictingLabel;
    assert!(Bucket::ALL.into_iter().all(|b| never(b) || seen[b as usize] > 50), "{seen:?}");
}
