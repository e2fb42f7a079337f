//! Sequences that cannot be read.

use super::Page;

#[test]
fn files_that_are_no_sequences() {
    let mut page = Page::default();
    let mut content = |case: &str, bytes: &[u8]| {
        page.spoiled(case, &[], |root| root.write("sequences/proteins.fasta", bytes));
    };
    content("a bad residue", b">P00000\nMKV\n>P00001\nMKV\nAL-V\n");
    content("one id, two sequences", b">P00000\nMKV\n>P00001\nMK\n>P00000\nMKL\n");
    content("no residues", b">P00000\n>P00001\nMKV\n");
    content("no id", b">\nMKV\n");
    content("pairs instead of FASTA", b"P00000\tP00001\n");
    content("empty file", b"");
    content("binary file", b"\0\0\0\0");
    insta::assert_snapshot!(page.0, @"
    a bad residue
      exit 2: UserError: `FOLDER/input/data/sequences/proteins.fasta` line 5: `P00001` has the character '-' at residue 6, which stands for no amino acid: correct it, or write `X` for an unknown residue
    one id, two sequences
      exit 2: UserError: `P00000` has different sequences in `FOLDER/input/data/sequences/proteins.fasta` line 1 and in `FOLDER/input/data/sequences/proteins.fasta` line 5: keep the one that is meant
    no residues
      exit 2: UserError: `FOLDER/input/data/sequences/proteins.fasta` line 1: `P00000` has no residues: add its sequence or remove the record
    no id
      exit 2: UserError: `FOLDER/input/data/sequences/proteins.fasta` line 1: empty identifier in a header: expected `>` and an accession, or `>sp|ACCESSION|NAME`
    pairs instead of FASTA
      exit 2: UserError: `FOLDER/input/data/sequences/proteins.fasta` line 1: text before the first header: FASTA begins with `>` and an accession
    empty file
      exit 2: UserError: `FOLDER/input/data/sequences/proteins.fasta` is empty: expected sequences in FASTA
    binary file
      exit 2: UserError: `FOLDER/input/data/sequences/proteins.fasta` is not a text file: line 1 holds binary data: give plain text, or text packed with gzip
    ");
}
