//! Generated messy tables against the definition of the buckets, applied row by row.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Identifiers, some without sequence and some malformed.
const NAMES: [&str; 10] = ["P1", "P2", "P3", "P4", "P5", "N1", "N2", "", "P 6", "P\u{e9}"];

struct Row {
    ids: [&'static str; 2],
    label: &'static str,
}

impl Row {
    fn well_formed(&self) -> bool {
        let named = self.ids.iter().all(|id| id.parse::<Accession>().is_ok());
        named && matches!(self.label, "0" | "1")
    }

    fn same_pair(&self, other: &Self) -> bool {
        let [one, two] = other.ids;
        other.well_formed() && (self.ids == [one, two] || self.ids == [two, one])
    }

    fn bucket(&self, index: usize, rows: &[Self]) -> Bucket {
        let same = |row: &&Self| self.same_pair(row);
        if !self.well_formed() {
            Bucket::Malformed
        } else if rows.iter().filter(same).any(|row| row.label != self.label) {
            Bucket::ConflictingLabel
        } else if rows[..index].iter().any(|row| self.same_pair(row)) {
            Bucket::Duplicate
        } else if self.ids[0] == self.ids[1] {
            Bucket::SelfPair
        } else if self.ids.iter().any(|id| id.starts_with('N')) {
            Bucket::WithoutSequence
        } else {
            Bucket::Used
        }
    }
}

fn table(rng: &mut ChaCha8Rng) -> (String, Vec<Row>) {
    let newline = if rng.random_bool(0.5) { "\r\n" } else { "\n" };
    let separator = if rng.random_bool(0.5) { "\t" } else { "," };
    let mut text = if rng.random_bool(0.5) { "\u{feff}" } else { "" }.to_owned();
    text += &["id_a", "id_b", "label"].join(separator);
    let rows: Vec<Row> = (0..rng.random_range(1..40))
        .map(|_| {
            let mut name = || *NAMES.choose(rng).unwrap();
            let ids = [name(), name()];
            Row { ids, label: ["1", "1", "1", "1", "0", "2", ""].choose(rng).unwrap() }
        })
        // A row of nothing but tabs counts as a blank line.
        .filter(|row: &Row| row.ids != ["", ""])
        .collect();
    for Row { ids: [one, other], label } in &rows {
        let blank = if rng.random_bool(0.1) { newline } else { "" };
        text.extend([newline, blank, one, separator, " ", other, " ", separator, label]);
    }
    if rng.random_bool(0.5) {
        text += newline;
    }
    (text, rows)
}

#[test]
fn every_row_is_in_the_bucket_that_the_definition_gives() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut seen = [0; 8];
    for _ in 0..300 {
        let (text, rows) = table(&mut rng);
        let expected = Bucket::ALL.map(|bucket| {
            rows.iter().enumerate().filter(|(i, row)| row.bucket(*i, &rows) == bucket).count()
        });
        let used = expected[Bucket::Used as usize];
        let audit = match Files::one(&text).resolve(&settings()) {
            Ok(set) => {
                assert_eq!(set.pairs.len(), used);
                let zero = |row: &Row| row.well_formed() && row.label == "0";
                assert_eq!(set.has_negatives, rows.iter().any(zero));
                set.audit
            }
            Err(error) => {
                assert_eq!(used, 0, "{error}\n{text}");
                let Some(audit) = error.audit() else { continue };
                audit.clone()
            }
        };
        let sum: usize = audit.buckets.iter().map(|count| count.rows).sum();
        assert_eq!((audit.rows, sum), (rows.len(), rows.len()), "{text}");
        assert_eq!(Bucket::ALL.map(|bucket| audit.count(bucket)), expected, "{text}");
        seen.iter_mut().zip(expected).for_each(|(seen, rows)| *seen += rows);
    }
    let unseen = [Bucket::OtherKind, Bucket::Filtered];
    let seen_enough = |bucket: Bucket| unseen.contains(&bucket) || seen[bucket as usize] > 50;
    assert!(Bucket::ALL.into_iter().all(seen_enough), "{seen:?}");
}
