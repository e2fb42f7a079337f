//! HINT files and tables of pairs: every row is accounted for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dyad::interactions::{
    self, Audit, Bucket, Error, Evidence, Format, InteractionSet, SelfPairs, Settings,
};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::driver::{folder, fuzz, refused};
use crate::mutation::{mutated, mutations};

const HEADERS: [&[&str]; 8] = [
    &[],
    &[
        "Uniprot_A",
        "Uniprot_B",
        "Gene_A",
        "Gene_B",
        "ORF_A",
        "ORF_B",
        "Alias_A",
        "Alias_B",
        EVIDENCE,
    ],
    &[
        "Uniprot_A",
        "Uniprot_B",
        "Gene_A",
        "Gene_B",
        "pmid:method:quality:type",
        "taxid",
        "x",
        "y",
        "z",
    ],
    &["Uniprot_A", "Uniprot_B", "Gene_A", "Gene_B", EVIDENCE],
    &["protein_a", "protein_b"],
    &["protein_a", "protein_b", "label"],
    &["id1", "id2", "score", "class"],
    &["gene_a", "gene_b"],
];
const EVIDENCE: &str = "pmid:method:quality";

/// A table before it is text.
#[derive(Clone, Debug)]
struct Table {
    start: &'static str,
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
    delimiter: &'static str,
    end: &'static str,
    quoted: bool,
}

impl Table {
    fn text(&self) -> String {
        let quote = |field: &str| match self.quoted {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field.to_owned(),
        };
        let row = |fields: &[String]| {
            let fields: Vec<_> = fields.iter().map(|field| quote(field)).collect();
            fields.join(self.delimiter) + self.end
        };
        let header: Vec<String> = self.header.iter().map(|name| (*name).to_owned()).collect();
        let header = if header.is_empty() { String::new() } else { row(&header) };
        let rows: String = self.rows.iter().map(|fields| row(fields)).collect();
        format!("{}{header}{rows}", self.start)
    }

    /// With the first two columns in the other order, in every row.
    fn swapped(&self) -> Self {
        let mut table = self.clone();
        table.rows.iter_mut().filter(|row| row.len() > 1).for_each(|row| row.swap(0, 1));
        table
    }
}

fn field() -> impl Strategy<Value = String> {
    let words = [
        "-",
        "",
        " ",
        "0",
        "1",
        "1.0",
        "2",
        "x",
        "NA",
        "P00001|P00002",
        "\"",
        "\"P00001",
        "a\"b",
        "é",
        "\0",
        "\u{1b}[1m",
        "P00001\r",
        "1:2:HT",
        "1:2:LC|3:4:HT:binary",
        "1:2",
        "|",
        "::",
        "1:2:HT|1:2:HT",
    ];
    prop_oneof![
        10 => (0..8_u8).prop_map(|number| format!("P0000{number}")),
        4 => select(words.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,10}",
        1 => (1..20_000_usize).prop_map(|length| "1:2:HT|".repeat(length / 7 + 1)),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    let shape = (select(&HEADERS[..]), 0..12_usize, any::<bool>());
    let rows = shape.prop_flat_map(|(header, rows, ragged)| {
        let columns = if header.is_empty() { 2..=3 } else { header.len()..=header.len() };
        let columns = if ragged { 0..=header.len() + 2 } else { columns };
        let good = (0..8_u8, 0..8_u8, select(vec!["1", "0", "1:2:HT", "5:6:LC"])).prop_map(
            move |(one, other, rest)| {
                let mut row = vec![rest.to_owned(); header.len().max(2)];
                row[0] = format!("P0000{one}");
                row[1] = format!("P0000{other}");
                row
            },
        );
        let row = prop_oneof![2 => good, 1 => vec(field(), columns)];
        (Just(header), vec(row, rows))
    });
    let start = select(vec!["", "", "", "\u{feff}", "\n", "# comment\n"]);
    let style = (select(vec!["\t", "\t", ",", ";", " "]), select(vec!["\n", "\n", "\r\n", "\r"]));
    (start, rows, style, any::<bool>()).prop_map(|(start, (header, rows), style, quoted)| {
        let (delimiter, end) = style;
        Table { start, header, rows, delimiter, end, quoted }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let evidence = select(vec![Evidence::Any, Evidence::HighThroughput, Evidence::Literature]);
    let column =
        weighted(0.1, select(vec!["label".to_owned(), "class".to_owned(), "é".to_owned()]));
    let limit = || weighted(0.2, 1..8_usize);
    let parts = (0..3_usize, evidence, any::<bool>(), column, limit(), limit(), any::<u64>());
    parts.prop_map(|(min_publications, evidence, exclude, label_column, proteins, pairs, seed)| {
        Settings {
            min_publications,
            evidence,
            self_pairs: if exclude { SelfPairs::Exclude } else { SelfPairs::Include },
            label_column,
            max_proteins: proteins,
            max_pairs: pairs,
            max_dropped_fraction: if exclude { 1.0 } else { 0.3 },
            seed,
        }
    })
}

fn read(path: &Path, text: &[u8], settings: &Settings) -> Result<InteractionSet, Error> {
    fs::write(path, text).unwrap();
    let read = interactions::read(&[path.to_owned()], settings)?;
    // Some proteins have no sequence.
    read.resolve(|accession| !accession.as_str().ends_with('7'), settings)
}

/// The rows of each bucket, however reading ended.
fn buckets(result: &Result<InteractionSet, Error>) -> Option<Vec<usize>> {
    let audit = match result {
        Ok(set) => Some(&set.audit),
        Err(error) => error.audit(),
    }?;
    Some(Bucket::ALL.map(|bucket| audit.count(bucket)).into())
}

/// Every row that is not blank is in one bucket.
fn check_audit(audit: &Audit, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.split('\n').filter(|line| !line.bytes().all(|c| c.is_ascii_whitespace()));
    let header = audit.files[0].format != Format::HeaderlessTable;
    assert_eq!(audit.rows + usize::from(header), lines.count());
    assert_eq!(audit.rows, audit.buckets.iter().map(|bucket| bucket.rows).sum::<usize>());
    assert_eq!(audit.rows, audit.files.iter().map(|file| file.rows).sum::<usize>());
    assert_eq!(audit.count(Bucket::Used), audit.used_positives + audit.used_negatives);
    for bucket in &audit.buckets {
        assert_eq!(bucket.examples.len(), bucket.rows.min(Audit::MAX_EXAMPLES));
    }
    let shown = audit.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
}

fn check(path: &Path, text: &[u8], settings: &Settings) -> Option<Vec<usize>> {
    let result = read(path, text, settings);
    match &result {
        Ok(set) => {
            check_audit(&set.audit, text);
            let pairs: BTreeSet<_> = set.pairs.iter().map(|labelled| &labelled.pair).collect();
            assert_eq!(pairs.len(), set.pairs.len(), "a pair twice");
            assert_eq!(set.pairs.len(), set.audit.count(Bucket::Used));
            let positives = set.pairs.iter().filter(|labelled| labelled.label).count();
            assert_eq!(positives, set.audit.used_positives);
        }
        Err(error) => {
            refused(error);
            error.audit().into_iter().for_each(|audit| check_audit(audit, text));
        }
    }
    let buckets = buckets(&result);
    match (interactions::list(path, settings.label_column.as_deref()), &buckets) {
        (Ok(listed), Some(buckets)) => {
            assert_eq!(listed.len(), buckets.iter().sum::<usize>());
            assert_eq!(buckets[Bucket::Malformed as usize], 0);
        }
        (Ok(_), None) => {}
        (Err(error), _) => refused(&error),
    }
    buckets
}

#[test]
fn built() {
    let folder = folder();
    let path = folder.path().join("pairs.tsv");
    fuzz("interactions, built", (table(), settings()), |(table, settings)| {
        let buckets = check(&path, table.text().as_bytes(), &settings);
        // The order of the two proteins decides nothing but which rows the random subset takes,
        // and what of the first row looks like a header.
        let whole = settings.max_pairs.is_none() && settings.max_proteins.is_none();
        if whole && !table.header.is_empty() && table.start != "# comment\n" {
            let swapped = check(&path, table.swapped().text().as_bytes(), &settings);
            assert_eq!(swapped, buckets);
        }
    });
}

#[test]
fn damaged() {
    let valid = [
        "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\nP00001\tP00002\tA\tB\t1:2:HT|3:4:LC\n\
         P00003\tP00001\tC\tA\t5:6:LC\nP00002\tP00001\tB\tA\t7:8:HT\n",
        "protein_a,protein_b,label\r\n\"P00001\",\"P00002\",1\r\n\"P00003\",\"P00004\",0\r\n",
        "P00001\tP00002\t1\nP00002\tP00001\t0\nP00003\tP00003\t1\n",
        "\u{feff}P00001,P00002\nP00004,P00002\n",
    ];
    let folder = folder();
    let path = folder.path().join("pairs.tsv");
    let strategy = (select(valid.to_vec()), mutations(), settings());
    fuzz("interactions, damaged", strategy, |(valid, mutations, settings)| {
        check(&path, &mutated(valid.as_bytes(), &mutations), &settings);
    });
}
