//! Interactions that cannot be read or are not enough.

use std::fs;

use super::Page;

/// A gzip header and nothing behind it.
const CUT_GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b];
const PAIRS: &str = "interactions/pairs.tsv";

#[test]
fn files_that_are_no_interactions() {
    let mut page = Page::default();
    let mut content = |case: &str, bytes: &[u8]| {
        page.spoiled(case, &[], |root| root.write(PAIRS, bytes));
    };
    content("wrong column names", b"gene_x\tgene_y\tscore\nA\tB\t0.5\n");
    content("empty file", b"");
    content("only a header", b"protein_a\tprotein_b\n");
    content("binary file", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    content("truncated gzip", CUT_GZIP);
    content("FASTA instead of pairs", b">P00000\nMKV\n");
    page.spoiled("empty folder", &[], |root| fs::remove_file(root.channel(PAIRS)).unwrap());
    insta::assert_snapshot!(page.0, @"
    wrong column names
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` line 1: cannot tell which of the columns `gene_x`, `gene_y`, `score` name the two proteins: expected the header of HINT (`Uniprot_A`, `Uniprot_B`, ..., `pmid:method:quality`), of MITAB (from BioGRID the download `.mitab.txt`) or of STRING's `protein.links`, a header with `protein_a`, `protein_b` and optionally `label`, or rows of two accessions and an optional label 0 or 1 without header
    empty file
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` is empty: expected a HINT file, a MITAB file (from BioGRID the download `.mitab.txt`), `protein.links` of STRING or a table of pairs
    only a header
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` has a header but no pair: add rows or remove the file
    binary file
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` is not a text file: line 1 holds binary data: give plain text, or text packed with gzip
    truncated gzip
      exit 2: UserError: cannot read `FOLDER/input/data/interactions/pairs.tsv`: incomplete deflate stream. Fix: the file is damaged; fetch it again
    FASTA instead of pairs
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` line 1 has one column: expected two or more columns separated by tabs or commas, a HINT file, a MITAB file (from BioGRID the download `.mitab.txt`), `protein.links` of STRING or a table of pairs
    empty folder
      exit 2: UserError: the folder `FOLDER/input/data/interactions` holds no file: put the interactions there, a HINT file, a MITAB file (from BioGRID the download `.mitab.txt`), `protein.links` of STRING or a table of pairs
    ");
}

#[test]
fn rows_that_cannot_be_used() {
    let mut page = Page::default();
    let mut content = |case: &str, text: &str| {
        page.spoiled(case, &[], |root| root.write(PAIRS, text));
    };
    content("unknown proteins", &"Q1\tP00001\nP00000\tP00001\n".repeat(3));
    content("self-pairs only", "P00000\tP00000\nP00001\tP00001\n");
    content("labels that are none", "protein_a,protein_b,label\nP00000,P00001,yes\n");
    content("both labels", "P00000\tP00001\t1\nP00001\tP00000\t0\nP00002\tP00003\t1\n");
    page.spoiled("too few pairs for the default split", &[], |_| {});
    insta::assert_snapshot!(page.0, @"
    unknown proteins
      exit 2: UserError: 1 of 6 rows cannot be used (16.7 %, `max_dropped_fraction` allows 10.0 %): 1 without sequence, e.g. line 1 of `pairs.tsv`, `Q1 P00001`: no sequence for `Q1`; add the missing sequences, under the identifiers that the pairs have, or raise `max_dropped_fraction`
    self-pairs only
      exit 2: UserError: none of the 2 rows can be used: 2 self-pair; add other pairs, or set `self_pairs=include`
    labels that are none
      exit 2: UserError: 1 of 1 rows cannot be used (100.0 %, `max_dropped_fraction` allows 10.0 %): 1 malformed, e.g. line 2 of `pairs.tsv`, `P00000,P00001,yes`: label `yes` is neither 0 nor 1; correct these rows, or raise `max_dropped_fraction`
    both labels
      exit 2: UserError: 2 of 3 rows cannot be used (66.7 %, `max_dropped_fraction` allows 10.0 %): 2 conflicting label, e.g. line 1 of `pairs.tsv`, `P00000 P00001 1`: labelled differently in line 2 of `pairs.tsv`; give each pair one label, or raise `max_dropped_fraction`
    too few pairs for the default split
      exit 2: UserError: the test part has too few positive pairs, 7 where at least 10 are needed: use more pairs (mind `max_proteins` and `max_pairs`) or raise `test_fraction`
    ");
}

#[test]
fn parts_that_do_not_fit_together() {
    let mut page = Page::default();
    page.spoiled("validation without test", &[], |root| {
        root.write("validation/pairs.tsv", "P00000\tP00001\n");
    });
    page.spoiled("split=given without test", &[("split", "given")], |_| {});
    page.spoiled("test with another split", &[("split", "pairs")], |root| {
        root.write("test/pairs.tsv", "P00000\tP00001\n");
    });
    page.spoiled("clusters with another split", &[("split", "pairs")], |root| {
        root.write("clusters/clusters.tsv", "P00000\tP00001\n");
    });
    page.spoiled("clusters without tabs", &[], |root| {
        root.write("clusters/clusters.tsv", "P00000 P00001\n");
    });
    page.spoiled("clusters with another program", &[("cluster_by", "mmseqs")], |root| {
        root.write("clusters/clusters.tsv", "P00000\tP00001\n");
    });
    page.spoiled("known interactions that are none", &[], |root| {
        root.write("known_interactions/known.tsv", "gene_x\tgene_y\tscore\nA\tB\t0.5\n");
    });
    page.spoiled("label column that is not there", &[("label_column", "truth")], |_| {});
    page.spoiled("evidence that is not there", &[("evidence", "literature")], |_| {});
    page.spoiled("a small test part", &[], |root| root.write("test/pairs.tsv", "P00000\tP00001\n"));
    insta::assert_snapshot!(page.0, @"
    validation without test
      exit 2: UserError: validation pairs are given and test pairs are not; give both, or neither and let `split` cut the interactions
    split=given without test
      exit 2: UserError: `split` is `given`, but no test pairs are given: give them as channel `test` or with `--test`, or use `split=clusters`
    test with another split
      exit 2: UserError: test pairs are given, but `split` is not `given`: leave out the one or the other
    clusters with another split
      exit 2: UserError: clusters are given, but `split` is not `clusters`: leave out the one or the other
    clusters without tabs
      exit 2: UserError: line 1 of `FOLDER/input/data/clusters/clusters.tsv` has 1 columns: expected two, a representative and a member with a tab between them, as in MMseqs2's `_cluster.tsv`
    clusters with another program
      exit 2: UserError: clusters are given, and `cluster_by` is `mmseqs`, which finds others: leave out the one or the other
    known interactions that are none
      exit 2: UserError: `FOLDER/input/data/known_interactions/known.tsv` line 1: cannot tell which of the columns `gene_x`, `gene_y`, `score` name the two proteins: expected the header of HINT (`Uniprot_A`, `Uniprot_B`, ..., `pmid:method:quality`), of MITAB (from BioGRID the download `.mitab.txt`) or of STRING's `protein.links`, a header with `protein_a`, `protein_b` and optionally `label`, or rows of two accessions and an optional label 0 or 1 without header
    label column that is not there
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` has no label column `truth`, only `protein_a`, `protein_b`: correct `label_column` or the header
    evidence that is not there
      exit 2: UserError: `FOLDER/input/data/interactions/pairs.tsv` has no evidence column `pmid:method:quality` that `evidence` could filter by: leave `evidence` at its default or give a HINT file
    a small test part
      exit 2: UserError: the test part has too few positive pairs, 1 where at least 10 are needed: add pairs to this part
    ");
}
