//! MITAB as `IntAct` and `BioGRID` write it.

mod buckets;
mod kinds;

use super::*;

/// The header of `IntAct`'s files, version 2.7.
const INTACT: &str = "#ID(s) interactor A\tID(s) interactor B\tAlt. ID(s) interactor A\tAlt. ID(s) interactor B\t\
    Alias(es) interactor A\tAlias(es) interactor B\tInteraction detection method(s)\tPublication 1st author(s)\t\
    Publication Identifier(s)\tTaxid interactor A\tTaxid interactor B\tInteraction type(s)\tSource database(s)\t\
    Interaction identifier(s)\tConfidence value(s)\tExpansion method(s)\tBiological role(s) interactor A\t\
    Biological role(s) interactor B\tExperimental role(s) interactor A\tExperimental role(s) interactor B\t\
    Type(s) interactor A\tType(s) interactor B\tXref(s) interactor A\tXref(s) interactor B\tInteraction Xref(s)\t\
    Annotation(s) interactor A\tAnnotation(s) interactor B\tInteraction annotation(s)\tHost organism(s)\t\
    Interaction parameter(s)\tCreation date\tUpdate date\tChecksum(s) interactor A\tChecksum(s) interactor B\t\
    Interaction Checksum(s)\tNegative\tFeature(s) interactor A\tFeature(s) interactor B\t\
    Stoichiometry(s) interactor A\tStoichiometry(s) interactor B\tIdentification method participant A\t\
    Identification method participant B";

/// The header of `BioGRID`'s files, version 2.5.
const BIOGRID: &str = "#ID Interactor A\tID Interactor B\tAlt IDs Interactor A\tAlt IDs Interactor B\t\
    Aliases Interactor A\tAliases Interactor B\tInteraction Detection Method\tPublication 1st Author\t\
    Publication Identifiers\tTaxid Interactor A\tTaxid Interactor B\tInteraction Types\tSource Database\t\
    Interaction Identifiers\tConfidence Values";

const HUMAN: &str = "taxid:9606(human)|taxid:9606(Homo sapiens)";
const YEAST: &str = "taxid:559292(yeast)|taxid:559292(\"Saccharomyces cerevisiae (strain S288c)\")";
const PROTEIN: &str = "psi-mi:\"MI:0326\"(protein)";
const SPOKE: (usize, &str) = (15, "psi-mi:\"MI:1060\"(spoke expansion)");

/// A row of so many columns about the proteins `A` and `B` of `UniProt`, with other fields where given.
fn row(columns: usize, a: &str, b: &str, others: &[(usize, &str)]) -> String {
    let mut fields = vec!["-".to_owned(); columns];
    let (a, b) = (format!("uniprotkb:{a}"), format!("uniprotkb:{b}"));
    let usual = [
        (0, a.as_str()),
        (1, &b),
        (4, "psi-mi:x_human(display_long)|uniprotkb:5\" end(gene name)"),
        (6, "psi-mi:\"MI:0018\"(two hybrid)"),
        (8, "pubmed:11|imex:IM-1"),
        (9, HUMAN),
        (10, HUMAN),
        (11, "psi-mi:\"MI:0915\"(physical association)"),
        (14, "author score:B|intact-miscore:0.56"),
        (20, PROTEIN),
        (21, PROTEIN),
        (35, "false"),
    ];
    for (column, text) in usual.iter().chain(others).filter(|(column, _)| *column < columns) {
        fields[*column] = (*text).to_owned();
    }
    fields.join("\t")
}

fn file(header: &str, rows: &[String]) -> Files {
    Files::one(format!("{header}\n{}\n", rows.join("\n")))
}

/// The pairs of rows of 42 columns.
fn pairs_of(rows: &[String], settings: &Settings) -> Vec<String> {
    pairs(&file(INTACT, rows).resolve(settings).unwrap())
}

fn other_kinds(audit: &Audit) -> Vec<&str> {
    let examples = &audit.buckets[Bucket::OtherKind as usize].examples;
    examples.iter().map(|example| example.reason.as_str()).collect()
}

#[test]
fn every_row_of_intact_is_accounted_for() {
    let water = [(1, "chebi:\"CHEBI:15377\""), (21, "psi-mi:\"MI:0328\"(small molecule)")];
    let rows = [
        row(42, "P00001", "P00002", &[]),
        row(42, "P00002", "P00001", &[(8, "pubmed:12")]),
        row(42, "P00001-2", "P00003-PRO_0000012345", &[]),
        row(42, "P00004", "P00004", &[(1, "-"), (10, "-"), (21, "-")]),
        row(42, "P00001", "P00005", &[SPOKE]),
        row(42, "P00001", "P00006", &water),
        row(42, "P00001", "P00007", &[(35, "true")]),
        row(42, "P00001", "P00008", &[(1, "refseq:NP_000001.1")]),
        row(42, "P00001", "P00009", &[(1, "-"), (0, "-")]),
        "uniprotkb:P00001\tuniprotkb:P00002\t-".to_owned(),
        INTACT.to_owned(),
    ];
    let set = file(INTACT, &rows).set();
    assert_eq!(pairs(&set), ["P00001 P00002 1", "P00001-2 P00003 1"]);
    assert!(!set.has_negatives);
    let left_out: Vec<_> = set.left_out.iter().map(|pair| pair.second().as_str()).collect();
    assert_eq!(left_out, ["P00005"]);
    insta::assert_snapshot!(set.audit.to_string(), @r#"
    rows                   count    share  first example
    malformed                  2   20.0 %  `a.txt` line 10: `- - - - psi-mi:x_human(display_long)|uniprotkb:5" end(gene name) - psi-mi:"MI:00...`: empty identifier in column 1
    other kind                 2   20.0 %  `a.txt` line 7: `uniprotkb:P00001 chebi:"CHEBI:15377" - - psi-mi:x_human(display_long)|uniprotkb:...`: `CHEBI:15377` is no protein but `small molecule`
    conflicting label          0    0.0 %
    duplicate                  1   10.0 %  `a.txt` line 3: `P00002 P00001`: same pair as line 2 of `a.txt`
    self-pair                  1   10.0 %  `a.txt` line 5: `P00004 P00004`: a protein paired with itself
    filtered                   1   10.0 %  `a.txt` line 6: `P00001 P00005`: derived from a complex, `expanded_complexes`: exclude
    without sequence           1   10.0 %  `a.txt` line 9: `P00001 NP_000001.1`: no sequence for `NP_000001.1`
    used                       2   20.0 %
    total                     10
    proteins: 7, without sequence: 1
    used pairs: 2 positive, 0 negative
    file `a.txt`: MITAB 2.7, 10 rows, sha256 6a824c47759b
    "#);
}

#[test]
fn rows_of_another_kind_hide_no_losses() {
    let genetic = [(11, "psi-mi:\"MI:0208\"(genetic interaction)")];
    let mut rows = vec![row(42, "P00001", "P00002", &genetic); 96];
    rows.extend([row(42, "P00001", "P00002", &[]), row(42, "P00001", "P00003", &[(1, "x:N1")])]);
    let strict = Settings { max_dropped_fraction: 0.49, ..settings() };
    let error = file(INTACT, &rows).resolve(&strict).unwrap_err();
    insta::assert_snapshot!(error, @"1 of 2 rows cannot be used (50.0 %, `max_dropped_fraction` allows 49.0 %): 1 without sequence, e.g. line 99 of `a.txt`, `P00001 N1`: no sequence for `N1`; add the missing sequences, under the identifiers that the pairs have, or raise `max_dropped_fraction`");
    let just = Settings { max_dropped_fraction: 0.5, ..settings() };
    assert!(file(INTACT, &rows).resolve(&just).is_ok());
}

#[test]
fn biogrid_names_proteins_by_its_references_to_uniprot() {
    let ids = |entrez: &str, names: &str| {
        [format!("entrez gene/locuslink:{entrez}"), format!("biogrid:{entrez}|{names}")]
    };
    let reviewed = "entrez gene/locuslink:MAP2K4|uniprot/trembl:A0A023GPI8|uniprot/swiss-prot:P45985|\
        uniprot/swiss-prot:P00002|refseq:NP_003001";
    let (map2k4, fused) =
        (ids("6416", reviewed), ids("2318", "uniprot/trembl:Q00003|uniprot/trembl:Q00004"));
    let unknown = ids("1", "refseq:NP_1");
    let row = |one: &[String; 2], other: &[String; 2], kind: &str| {
        let fields = [
            (0, one[0].as_str()),
            (1, &other[0]),
            (2, &one[1]),
            (3, &other[1]),
            (7, "\"Marti A (1997)\""),
            (8, "pubmed:9006895"),
            (9, "taxid:9606"),
            (10, "taxid:9606"),
            (11, kind),
            (14, "score:0.9"),
        ];
        super::mitab::row(15, "-", "-", &fields)
    };
    let physical = "psi-mi:\"MI:0407\"(direct interaction)";
    let rows = [
        row(&map2k4, &fused, physical),
        row(
            &fused,
            &map2k4,
            "psi-mi:\"MI:0794\"(synthetic genetic interaction defined by inequality)",
        ),
        row(&fused, &map2k4, "psi-mi:\"MI:0933\"(negative genetic interaction)"),
        row(&map2k4, &unknown, physical),
    ];
    let files = file(BIOGRID, &rows);
    let set = files.set();
    assert_eq!(pairs(&set), ["P45985 Q00003 1", "1 P45985 1"]);
    assert_eq!(set.audit.files[0].format, Format::Mitab25);
    assert_eq!(
        other_kinds(&set.audit),
        [
            "a genetic interaction (`synthetic genetic interaction defined by inequality`), not a \
             physical one",
            "a genetic interaction (`negative genetic interaction`), not a physical one",
        ]
    );
    // What authors report has no common scale.
    let scored = Settings { min_score: Some(0.5.try_into().unwrap()), ..settings() };
    let error = files.resolve(&scored).unwrap_err();
    assert_eq!(
        error.audit().unwrap().buckets[Bucket::Filtered as usize].examples[0].reason,
        "no score, `min_score`: 0.5"
    );
}

#[test]
fn other_spellings_mean_the_same() {
    let fields = [
        (0, "dip:DIP-1N|refseq:NP_1|UniProtKB:P00003"),
        (1, "dip:DIP-2N"),
        (3, "uniprotkb:AMPH_HUMAN|uniprotkb:P00004"),
        (8, "PubMed:7"),
        (11, "MI:0915(physical association)"),
        (20, "MI:0326(protein)"),
        (21, "psi-mi:MI:0326(protein)"),
    ];
    assert_eq!(pairs_of(&[row(42, "-", "-", &fields)], &settings()), ["P00003 P00004 1"]);
    let audit = file(
        INTACT,
        &[row(42, "P00001", "P00002", &[]), row(42, "P00001", "P00003", &[(11, "MI:0794(-)")])],
    )
    .set()
    .audit;
    assert_eq!(other_kinds(&audit), ["a genetic interaction (`-`), not a physical one"]);
}

#[test]
fn versions_are_told_by_their_columns_with_or_without_header() {
    for (columns, format) in [
        (15, Format::Mitab25),
        (17, Format::Mitab25),
        (36, Format::Mitab26),
        (42, Format::Mitab27),
        (46, Format::Mitab28),
        (54, Format::Mitab28),
    ] {
        let header: Vec<_> =
            (0..columns).map(|at| INTACT.split('\t').nth(at).unwrap_or("x")).collect();
        let rows =
            [row(columns, "P00001", "P00002", &[]), row(columns, "P00003", "P00004", &[SPOKE])];
        // In version 2.5 the column behind the last has no defined meaning.
        let expected = ["P00001 P00002 1", "P00003 P00004 1"];
        let expected = &expected[..if format == Format::Mitab25 { 2 } else { 1 }];
        for text in [
            format!("{}\n{}\n", header.join("\t"), rows.join("\n")),
            rows.join("\n"),
            format!("\u{feff}{}\t\t\r\n", rows.join("\t\r\n")),
            format!("# made by hand, in 2026\n{}\n#ID(s) interactor A\tmore\n{}", rows[0], rows[1]),
        ] {
            let set = Files::one(&text).set();
            assert_eq!((set.audit.files[0].format, set.audit.rows), (format, 2), "{text}");
            assert_eq!(pairs(&set), expected, "{text}");
        }
    }
}

#[test]
fn filters_look_at_the_pair_over_all_its_rows() {
    let rows = [
        row(42, "P00001", "P00002", &[SPOKE, (8, "pubmed:10")]),
        row(42, "P00001", "P00002", &[(14, "intact-miscore:0.4")]),
        row(42, "P00002", "P00001", &[(8, "pubmed:11|pubmed:12"), (14, "intact-miscore:0.69999")]),
        row(
            42,
            "P00003",
            "P00004",
            &[(8, "doi:10.1/x|imex:IM-2"), (14, "mint-score:0.7|author score:1")],
        ),
        row(42, "P00005", "P00006", &[(10, YEAST), (14, "-")]),
        row(42, "P00007", "P00007", &[(1, "-"), (10, "-")]),
    ];
    let all = ["P00001 P00002 1", "P00003 P00004 1", "P00005 P00006 1"];
    assert_eq!(pairs_of(&rows, &settings()), all);
    let of = |changed: Settings| pairs_of(&rows, &changed);
    assert_eq!(of(Settings { min_publications: 2, ..settings() }), all[..1]);
    let scored = |least: f64| Settings { min_score: Some(least.try_into().unwrap()), ..settings() };
    assert_eq!(of(scored(0.7)), all[1..2]);
    assert_eq!(of(scored(0.69999)), all[..2]);
    assert_eq!(of(scored(0.0)), all);
    assert_eq!(of(Settings { taxon: Some(9606), ..settings() }), all[..2]);
    let homomers = Settings { taxon: Some(9606), self_pairs: SelfPairs::Include, ..settings() };
    assert_eq!(of(homomers), ["P00001 P00002 1", "P00003 P00004 1", "P00007 P00007 1"]);

    // Three publications, one of them of an expanded complex.
    let three = Settings { min_publications: 3, ..settings() };
    let error = file(INTACT, &rows).resolve(&three).unwrap_err();
    assert_eq!(error.audit().unwrap().count(Bucket::Used), 0);
    let include = Settings { expanded_complexes: ExpandedComplexes::Include, ..three };
    assert_eq!(of(include), all[..1]);

    let strict = Settings { taxon: Some(559_292), ..settings() };
    let error = file(INTACT, &rows).resolve(&strict).unwrap_err();
    let filtered = &error.audit().unwrap().buckets[Bucket::Filtered as usize];
    let reasons = [&filtered.examples[0].reason, &filtered.examples[1].reason];
    assert_eq!(reasons, ["not two proteins of `taxon` 559292"; 2]);
    assert_eq!(error.audit().unwrap().dropped_rows(), 0);
}
