mod format;
mod messy;
mod mitab;
mod real;
mod string;

use std::path::{Path, PathBuf};

use super::*;
use crate::storage::write_atomic;

/// The defaults, with every row allowed to be dropped.
pub(super) fn settings() -> Settings {
    Settings {
        min_publications: 1,
        evidence: Evidence::Any,
        min_score: None,
        taxon: None,
        expanded_complexes: ExpandedComplexes::Exclude,
        self_pairs: SelfPairs::Exclude,
        label_column: None,
        max_proteins: None,
        max_pairs: None,
        max_dropped_fraction: 1.0,
        seed: 42,
    }
}

/// Files in a temporary folder, read as one set. The name of the folder is cut from messages.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            write_atomic(&folder.path().join(name), bytes.as_ref()).unwrap();
        }
        Self { folder }
    }

    fn one(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(&[("a.txt", bytes)])
    }

    fn read(&self, settings: &Settings) -> Result<Interactions, Error> {
        read(&[self.path().to_owned()], settings)
    }

    /// With a sequence for every protein whose name does not begin with `N`.
    fn resolve(&self, settings: &Settings) -> Result<InteractionSet, Error> {
        let with_sequence = |accession: &Accession| !accession.as_str().starts_with('N');
        self.read(settings)?.resolve(with_sequence, settings)
    }

    fn set(&self) -> InteractionSet {
        self.resolve(&settings()).unwrap()
    }

    fn message(&self, settings: &Settings) -> String {
        let text = self.resolve(settings).unwrap_err().to_string();
        text.replace(&format!("{}/", self.path().display()), "")
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The counts in the order of [`Bucket::ALL`], without [`Bucket::OtherKind`], which only MITAB has.
fn counts(audit: &Audit) -> [usize; 7] {
    let [malformed, _, rest @ ..] = Bucket::ALL;
    let [conflicting, duplicate, selfs, filtered, without, used] = rest;
    let counted = [malformed, conflicting, duplicate, selfs, filtered, without, used];
    counted.map(|bucket| audit.count(bucket))
}

fn pairs(set: &InteractionSet) -> Vec<String> {
    let text = |LabelledPair { pair, label, .. }: &LabelledPair| {
        format!("{} {} {}", pair.first(), pair.second(), u8::from(*label))
    };
    set.pairs.iter().map(text).collect()
}

#[test]
fn each_row_ends_in_the_first_bucket_that_fits() {
    let table = "protein_a\tprotein_b\tlabel\n\
        P1\tP2\t1\n\
        \n\
        P2\tP1\t1\n\
        P3\tP4\t1\n\
        P4\tP3\t0\n\
        P3\tP4\t1\n\
        P5\tP5\t1\n\
        N1\tN1\t1\n\
        P5\tN1\t0\n\
        P5\t\t1\n\
        P1\tP5\t0\n\
        P1\tP6\tyes\n";
    let files = Files::one(table);
    let interactions = files.read(&settings()).unwrap();
    let alive: Vec<&str> = interactions.accessions().map(Accession::as_str).collect();
    assert_eq!(alive, ["P1", "P2", "P5", "N1"]);

    let set = files.set();
    assert_eq!(pairs(&set), ["P1 P2 1", "P1 P5 0"]);
    assert!(set.has_negatives);
    assert_eq!((set.audit.rows, counts(&set.audit)), (11, [2, 3, 1, 2, 0, 1, 2]));
    assert_eq!((set.audit.proteins, set.audit.proteins_without_sequence), (6, 1));
    assert_eq!((set.audit.used_positives, set.audit.used_negatives), (1, 1));
    assert_eq!(set.audit.conflicting_pairs, 1);
    insta::assert_snapshot!(set.audit.to_string(), @r"
    rows                   count    share  first example
    malformed                  2   18.2 %  `a.txt` line 11: `P5  1`: empty identifier in column 2
    other kind                 0    0.0 %
    conflicting label          3   27.3 %  `a.txt` line 5: `P3 P4 1`: labelled differently in line 6 of `a.txt`
    duplicate                  1    9.1 %  `a.txt` line 4: `P2 P1 1`: same pair as line 2 of `a.txt`
    self-pair                  2   18.2 %  `a.txt` line 8: `P5 P5 1`: a protein paired with itself
    filtered                   0    0.0 %
    without sequence           1    9.1 %  `a.txt` line 10: `P5 N1 0`: no sequence for `N1`
    used                       2   18.2 %
    total                     11
    proteins: 6, without sequence: 1
    used pairs: 1 positive, 1 negative
    file `a.txt`: table with header, 11 rows, sha256 8fd921f924a5
    ");

    let json = serde_json::to_string(&set.audit).unwrap();
    assert_eq!(serde_json::from_str::<Audit>(&json).unwrap(), set.audit);
}

#[test]
fn self_pairs_can_be_included() {
    let files = Files::one("P1\tP2\nP3\tP3\nN1\tN1\n");
    let included = Settings { self_pairs: SelfPairs::Include, ..settings() };
    let set = files.resolve(&included).unwrap();
    assert_eq!(
        (pairs(&set), counts(&set.audit)[3..].to_vec()),
        (vec!["P1 P2 1".to_owned(), "P3 P3 1".to_owned()], vec![0, 0, 1, 2],)
    );
    assert_eq!(pairs(&files.set()), ["P1 P2 1"]);
}

#[test]
fn pairs_remember_which_accession_their_row_names_first() {
    let set = Files::one("P2\tP1\nP3\tP4\nP1\tP2\n").set();
    assert_eq!(pairs(&set), ["P1 P2 1", "P3 P4 1"]);
    assert_eq!(set.pairs.iter().map(|pair| pair.reversed).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn several_files_are_one_set() {
    let files = Files::new(&[
        ("a.tsv", "P1\tP2\nP3\tP4\n"),
        ("b.csv", "id_b,id_a,y\nP1,P2,1\nP4,P3,0\nP5,P6,0\n"),
    ]);
    let set = files.set();
    assert_eq!(pairs(&set), ["P1 P2 1", "P5 P6 0"]);
    assert_eq!(counts(&set.audit), [0, 2, 1, 0, 0, 0, 2]);
    let conflict = &set.audit.buckets[Bucket::ConflictingLabel as usize].examples[0];
    assert_eq!((conflict.file.as_str(), conflict.line), ("a.tsv", 2));
    assert_eq!(conflict.reason, "labelled differently in line 3 of `b.csv`");
    assert_eq!(set.audit.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(set.sources[1].name, "b.csv");
}

#[test]
fn evidence_filters_pairs_over_all_their_rows() {
    let table = "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\n\
        P1\tP2\t\t\t11:0018:HT\n\
        P2\tP1\t\t\t12:0018:HT\n\
        P1\tP3\t\t\t13:0018:HT|13:0096:LC\n\
        P1\tP4\t\t\t\n";
    let files = Files::one(table);
    assert_eq!(pairs(&files.set()), ["P1 P2 1", "P1 P3 1"]);
    let two = files.resolve(&Settings { min_publications: 2, ..settings() }).unwrap();
    assert_eq!(
        (pairs(&two), counts(&two.audit)),
        (vec!["P1 P2 1".to_owned()], [0, 0, 1, 0, 2, 0, 1])
    );
    let reason = &two.audit.buckets[Bucket::Filtered as usize].examples[0].reason;
    assert_eq!(reason, "publications: 1, `min_publications`: 2");
    let curated = Settings { evidence: Evidence::Literature, ..settings() };
    assert_eq!(pairs(&files.resolve(&curated).unwrap()), ["P1 P3 1"]);
}

#[test]
fn the_random_subset_is_counted_as_filtered_and_follows_the_seed() {
    let rows = (0..60).map(|i| format!("P{i}\tP{}\nP{i}\tN{i}\n", i / 2));
    let files = Files::one(rows.collect::<String>());
    let full = files.set();
    let limits =
        |seed| Settings { max_proteins: Some(20), max_pairs: Some(12), seed, ..settings() };
    let some = files.resolve(&limits(1)).unwrap();
    let [.., filtered, without, used] = counts(&some.audit);
    assert_eq!((used, without), (12, 60));
    assert_eq!(filtered + used, counts(&full.audit)[6]);
    assert_eq!(some.pairs, files.resolve(&limits(1)).unwrap().pairs);
    assert_ne!(some.pairs, files.resolve(&limits(2)).unwrap().pairs);
}

#[test]
fn too_many_dropped_rows_and_no_pair_at_all_are_errors_with_their_audit() {
    let files = Files::one("P1\tP2\nP1\tN1\nP2\tN1\nP3\n");
    let strict = Settings { max_dropped_fraction: 0.74, ..settings() };
    let error = files.resolve(&strict).unwrap_err();
    assert_eq!(counts(error.audit().unwrap()), [1, 0, 0, 0, 0, 2, 1]);
    assert_eq!(
        error.to_string(),
        "3 of 4 rows cannot be used (75.0 %, `max_dropped_fraction` allows 74.0 %): 1 \
         malformed, 2 without sequence, e.g. line 2 of `a.txt`, `P1 N1`: no sequence for `N1`; add \
         the missing sequences, under the identifiers that the pairs have, or raise \
         `max_dropped_fraction`"
    );
    assert!(files.resolve(&Settings { max_dropped_fraction: 0.75, ..settings() }).is_ok());

    let error = Files::one("N1\tN2\nP1\tP1\n").resolve(&settings()).unwrap_err();
    assert_eq!(error.audit().unwrap().rows, 2);
    assert_eq!(
        error.to_string(),
        "none of the 2 rows can be used: 1 self-pair, 1 without sequence; add the missing \
         sequences, under the identifiers that the pairs have"
    );
}

#[test]
fn positives_that_are_not_used_stay_known() {
    let rows = "A\tB\t1\nB\tC\t1\nC\tD\t1\nD\tE\t0\nF\tG\t1\nG\tF\t0\n";
    let settings = Settings { max_pairs: Some(1), ..settings() };
    let set = Files::one(rows).resolve(&settings).unwrap();
    assert_eq!(set.pairs.len(), 1);
    let used = set.pairs.iter().filter(|pair| pair.label).map(|labelled| &labelled.pair);
    let known = used.chain(&set.left_out).map(|p| format!("{}{}", p.first(), p.second()));
    let mut known: Vec<_> = known.collect();
    known.sort_unstable();
    assert_eq!(known, ["AB", "BC", "CD", "FG"]);
}
