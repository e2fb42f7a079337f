//! Sequences: the residues of each protein, from FASTA files.
