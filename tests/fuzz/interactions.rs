//! HINT, MITAB, STRING and tables of pairs: every row is accounted for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dyad::interactions::{
    self, Audit, Bucket, Error, Evidence, ExpandedComplexes, Format, InteractionSet, Score,
    SelfPairs, Settings,
};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use crate::driver::{folder, fuzz, refused};
use crate::mutation::{mutated, mutations};

const HEADERS: [&[&str]; 10] = [
    &[],
    &["protein1", "protein2", "combined_score"],
    &["protein1", "protein2", "neighborhood", "combined_score", "label"],
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
        "700",
        "9606.P00001",
        "#",
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
        let good = (0..8_u8, 0..8_u8, select(vec!["1", "0", "1:2:HT", "5:6:LC", "900"])).prop_map(
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

/// A row of MITAB: references, nearly references, and what has a meaning in some column.
fn mitab_row() -> impl Strategy<Value = Vec<String>> {
    let words = [
        "-",
        "",
        "uniprotkb:P00003-2",
        "uniprotkb:P00003-PRO_0000000001",
        "entrez gene/locuslink:5\" end|uniprot/trembl:P00004|uniprot/swiss-prot:P00005",
        "chebi:\"CHEBI:1|2\"",
        "pubmed:1|doi:\"10.1/(x)\"",
        "taxid:4932(\"a \\\"b\")",
        "psi-mi:\"MI:0794\"(synthetic genetic interaction)",
        "psi-mi:\"MI:1060\"(spoke expansion)",
        "psi-mi:\"MI:0328\"(small molecule\u{1b}[1m)",
        "intact-miscore:0.7|intact-miscore:1e9",
        "true",
        "\"",
        "a:\"b|c",
        "|:(",
    ];
    let part = prop_oneof![4 => select(words.to_vec()).prop_map(str::to_owned), 1 => field()];
    let changes = vec((0..48_usize, part), 0..4);
    let columns = prop_oneof![8 => select(vec![15, 36, 42, 46, 54]), 1 => 1..20_usize];
    (0..8_u8, 0..8_u8, columns, changes).prop_map(|(one, other, columns, changes)| {
        let usual = [
            (0, format!("uniprotkb:P0000{one}")),
            (1, format!("uniprotkb:P0000{other}")),
            (8, format!("pubmed:{other}")),
            (9, "taxid:9606(human)".to_owned()),
            (10, "taxid:9606(human)".to_owned()),
            (14, "intact-miscore:0.5".to_owned()),
        ];
        let mut row = vec!["-".to_owned(); columns];
        let fields = usual.into_iter().chain(changes).filter(|(column, _)| *column < columns);
        fields.for_each(|(column, text)| row[column] = text);
        row
    })
}

fn mitab() -> impl Strategy<Value = String> {
    let header = "#ID Interactor A\tID Interactor B".to_owned() + &"\tx".repeat(13);
    let start = select(vec![String::new(), "# comment\n".to_owned(), header + "\r\n"]);
    let end = select(vec!["\n", "\r\n", "\t\n"]);
    (start, vec(mitab_row(), 1..12), end).prop_map(|(start, rows, end)| {
        start + &rows.iter().map(|row| row.join("\t") + end).collect::<String>()
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let evidence = select(vec![Evidence::Any, Evidence::HighThroughput, Evidence::Literature]);
    let column =
        weighted(0.1, select(vec!["label".to_owned(), "class".to_owned(), "é".to_owned()]));
    let limit = || weighted(0.2, 1..8_usize);
    let score = select(vec![0.0, 0.5, 0.7, 1.0]).prop_map(|score| Score::try_from(score).unwrap());
    let asked = (0..3_usize, evidence, weighted(0.2, score), weighted(0.1, Just(9606)));
    let parts = (asked, any::<bool>(), column, limit(), limit(), any::<u64>());
    parts.prop_map(|(asked, exclude, label_column, proteins, pairs, seed)| {
        let (min_publications, evidence, min_score, taxon) = asked;
        Settings {
            min_publications,
            evidence,
            min_score,
            taxon,
            expanded_complexes: match seed % 2 {
                0 => ExpandedComplexes::Exclude,
                _ => ExpandedComplexes::Include,
            },
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
    // Comments are no rows; nor is MITAB's header, which looks like one.
    let (comments, lines): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with('#'));
    let headerless = matches!(
        audit.files[0].format,
        Format::HeaderlessTable
            | Format::Mitab25
            | Format::Mitab26
            | Format::Mitab27
            | Format::Mitab28
    );
    let counted = audit.rows + usize::from(!headerless);
    assert!((lines.len()..=lines.len() + comments.len()).contains(&counted));
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
            let other = buckets[Bucket::OtherKind as usize];
            assert_eq!(listed.len() + other, buckets.iter().sum::<usize>());
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
        if whole && !table.header.is_empty() {
            let swapped = check(&path, table.swapped().text().as_bytes(), &settings);
            assert_eq!(swapped, buckets);
        }
    });
}

#[test]
fn mitab_built() {
    let folder = folder();
    let path = folder.path().join("pairs.tsv");
    fuzz("interactions, MITAB built", (mitab(), settings()), |(text, settings)| {
        check(&path, text.as_bytes(), &settings);
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
        "protein1 protein2 combined_score\n9606.P00001 9606.P00002 900\n9606.P00002 9606.P00001 900\n",
        "uniprotkb:P00001\tuniprotkb:P00002\tintact:EBI-1\tintact:EBI-2\tpsi-mi:a(display_short)\t-\t\
         psi-mi:\"MI:0018\"(two hybrid)\tA et al. (2020)\tpubmed:1|imex:IM-1\ttaxid:9606(human)\t\
         taxid:9606(human)\tpsi-mi:\"MI:0915\"(physical association)\tpsi-mi:\"MI:0469\"(IntAct)\t\
         intact:EBI-3\tauthor score:A|intact-miscore:0.7\n",
    ];
    let folder = folder();
    let path = folder.path().join("pairs.tsv");
    let strategy = (select(valid.to_vec()), mutations(), settings());
    fuzz("interactions, damaged", strategy, |(valid, mutations, settings)| {
        check(&path, &mutated(valid.as_bytes(), &mutations), &settings);
    });
}
