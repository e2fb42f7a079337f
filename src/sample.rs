//! Sample: a synthetic interactome with a signal that can be learned, or with none.
//!
//! A thousand invented proteins of 170 to 210 residues. Four fifths belong to one of ten families, each
//! with three kinds of tracts: stretches of one amino acid. The families come in five complementary
//! pairs, and a member interacts with members of the complementary family. The other fifth has no
//! tracts and interacts with anybody.
//!
//! Nothing but the tracts tells an interacting pair from another. Every protein holds the amino acids
//! of all tracts equally often, in one stretch or scattered, so that the composition says nothing and
//! an encoder is needed, which sees order; length distribution and expected degree are the same for
//! members and others, accessions and genes say nothing about the family. Tracts are too short to
//! make two members similar as sequences.
//! The graph is built from random matchings and dealt decks, so that nearly all proteins have the
//! same number of partners: even the degrees of the whole graph rank pairs no better than chance.
//! The price shows where pairs are split instead of proteins: a held-out pair is missing from the
//! degrees of the rest, which therefore rank it below a negative.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::storage::{self, StorageError};

/// The name of the interaction file that [`write()`] makes.
pub const INTERACTIONS_FILE: &str = "interactions.txt";
/// The name of the sequence file that [`write()`] makes.
pub const SEQUENCES_FILE: &str = "proteins.fasta";

/// Which synthetic interactome is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seeds everything that is drawn.
    pub seed: u64,
    /// Whether the sequences are permuted over the proteins, which keeps the graph and loses the
    /// signal: the negative control.
    pub shuffled: bool,
}

/// A synthetic interactome as the content of its two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// About 12,000 distinct pairs in HINT's format of 2024, sorted, the smaller accession first.
    pub interactions: String,
    /// The sequence of every protein as FASTA with `UniProt` headers.
    pub sequences: String,
}

/// Generates the interactome of `settings`; equal settings give equal bytes.
pub fn generate(settings: &Settings) -> Sample {
    let rng = &mut ChaCha8Rng::seed_from_u64(settings.seed);
    let families = assign_families(rng);
    let tracts = draw_tracts(rng);
    let background = background();
    let mut sequences: Vec<String> = families
        .iter()
        .map(|family| draw_sequence(family.map_or(&[], |of| &tracts[of]), &background, rng))
        .collect();
    let interactions = hint(&connect(&families, rng), rng);
    if settings.shuffled {
        sequences.shuffle(rng);
    }
    Sample { interactions, sequences: fasta(&sequences) }
}

/// Writes the two files of `sample` into `folder`, which is made where missing.
pub fn write(sample: &Sample, folder: &Path) -> Result<(), StorageError> {
    storage::create_folder(folder)?;
    storage::write_atomic(&folder.join(INTERACTIONS_FILE), sample.interactions.as_bytes())?;
    storage::write_atomic(&folder.join(SEQUENCES_FILE), sample.sequences.as_bytes())
}

const PROTEINS: usize = 1000;
/// Families `2k` and `2k + 1` are complementary.
const FAMILY_PAIRS: usize = 5;
const MEMBERS_PER_FAMILY: usize = 80;
/// Partners that each member has in the complementary family and each other protein anywhere; the
/// latter choose every protein about four times. A random fifth of the proteins holds about 480
/// pairs.
const PARTNERS: usize = 20;

const RESIDUES: std::ops::RangeInclusive<usize> = 170..=210;
/// What tracts are made of: the ten most frequent amino acids, one for each family to begin with.
const TRACT_AMINO_ACIDS: [u8; 2 * FAMILY_PAIRS] = *b"LAGVESIKRD";
/// How often every protein holds each of them at least: enough in one stretch to show in a mean over
/// all residues.
const TRACT_RESIDUES: usize = 16;
const TRACTS_PER_FAMILY: usize = 3;

/// The amino acids of a family's tracts.
type Tracts = [u8; TRACTS_PER_FAMILY];

/// The amino acids and how many hundredths of a percent each has in `UniProtKB/Swiss-Prot`
/// (release statistics, section "amino acid composition").
const COMPOSITION: [(u8, usize); 20] = [
    (b'A', 825),
    (b'R', 553),
    (b'N', 406),
    (b'D', 546),
    (b'C', 138),
    (b'Q', 393),
    (b'E', 672),
    (b'G', 707),
    (b'H', 227),
    (b'I', 591),
    (b'L', 965),
    (b'K', 580),
    (b'M', 241),
    (b'F', 386),
    (b'P', 474),
    (b'S', 665),
    (b'T', 536),
    (b'W', 110),
    (b'Y', 292),
    (b'V', 686),
];

/// The family of each protein, in random order.
fn assign_families(rng: &mut ChaCha8Rng) -> Vec<Option<usize>> {
    let members = 2 * FAMILY_PAIRS * MEMBERS_PER_FAMILY;
    let mut families: Vec<Option<usize>> =
        (0..PROTEINS).map(|i| (i < members).then_some(i / MEMBERS_PER_FAMILY)).collect();
    families.shuffle(rng);
    families
}

/// The tracts of each family; two families share two at most.
fn draw_tracts(rng: &mut ChaCha8Rng) -> Vec<Tracts> {
    let mut circle = TRACT_AMINO_ACIDS;
    circle.shuffle(rng);
    let tracts = |family| std::array::from_fn(|i| circle[(family + i) % circle.len()]);
    (0..circle.len()).map(tracts).collect()
}

/// Every residue as often as its share says, to draw from.
fn background() -> Vec<u8> {
    COMPOSITION.iter().flat_map(|&(residue, share)| std::iter::repeat_n(residue, share)).collect()
}

/// A random sequence that begins with methionine and holds the amino acids of all tracts: those of
/// `tracts` in one stretch each, the others scattered.
fn draw_sequence(tracts: &[u8], background: &[u8], rng: &mut ChaCha8Rng) -> String {
    let rest = rng.random_range(RESIDUES) - 1 - TRACT_AMINO_ACIDS.len() * TRACT_RESIDUES;
    let mut pieces: Vec<Vec<u8>> =
        (0..rest).map(|_| vec![background[rng.random_range(0..background.len())]]).collect();
    for residue in TRACT_AMINO_ACIDS {
        match tracts.contains(&residue) {
            true => pieces.push(vec![residue; TRACT_RESIDUES]),
            false => pieces.extend(std::iter::repeat_n(vec![residue], TRACT_RESIDUES)),
        }
    }
    pieces.shuffle(rng);
    std::iter::once(b'M').chain(pieces.into_iter().flatten()).map(char::from).collect()
}

/// The interacting pairs, the smaller index first.
fn connect(families: &[Option<usize>], rng: &mut ChaCha8Rng) -> BTreeSet<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    let mut connect = |one: usize, other: usize| {
        if one != other {
            pairs.insert((one.min(other), one.max(other)));
        }
    };
    for pair in 0..FAMILY_PAIRS {
        let [ones, others] = [2 * pair, 2 * pair + 1].map(|family| {
            let mut members: Vec<usize> =
                (0..families.len()).filter(|&i| families[i] == Some(family)).collect();
            members.shuffle(rng);
            members
        });
        // Turning one circle of members against the other gives each member the same number of
        // partners and none twice.
        for turn in 0..PARTNERS {
            for (i, &one) in ones.iter().enumerate() {
                connect(one, others[(i + turn) % others.len()]);
            }
        }
    }
    // Partners are dealt from shuffled decks of all proteins, so that each is chosen equally often.
    let mut deck = Vec::new();
    for one in (0..families.len()).filter(|&i| families[i].is_none()) {
        if deck.len() < PARTNERS {
            deck = (0..families.len()).collect();
            deck.shuffle(rng);
        }
        for other in deck.split_off(deck.len() - PARTNERS) {
            connect(one, other);
        }
    }
    pairs
}

/// The pairs with invented evidence, under HINT's header of 2024.
fn hint(pairs: &BTreeSet<(usize, usize)>, rng: &mut ChaCha8Rng) -> String {
    let mut text = String::from(
        "Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality:type\ttaxid\thigh_quality\t\
         in_pdb_source\tPDB_IDs\n",
    );
    for &(one, other) in pairs {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{TAXON}\tTrue\tFalse\t",
            accession(one),
            accession(other),
            gene(one),
            gene(other),
            evidence(rng),
        );
    }
    text
}

/// One to three items `pmid:method:quality:type`: PSI-MI's two hybrid, FRET and pull down,
/// with `PubMed` identifiers far beyond those given out.
fn evidence(rng: &mut ChaCha8Rng) -> String {
    let items: Vec<String> = (0..[1, 1, 1, 2, 3][rng.random_range(0..5)])
        .map(|_| {
            let publication = rng.random_range(90_000_000..=99_999_999);
            let method = ["0018", "0055", "0096"][rng.random_range(0..3)];
            let quality = if rng.random_bool(0.75) { "HT" } else { "LC" };
            format!("{publication}:{method}:{quality}:binary")
        })
        .collect();
    items.join("|")
}

fn fasta(sequences: &[String]) -> String {
    let mut text = String::new();
    for (index, residues) in sequences.iter().enumerate() {
        let (accession, gene) = (accession(index), gene(index));
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            ">sp|{accession}|{gene}_SYNTH Synthetic protein {} OS=synthetic construct OX={TAXON} \
             GN={gene} PE=5 SV=1",
            index + 1,
        );
        let mut rest = residues.as_str();
        while !rest.is_empty() {
            let (line, further) = rest.split_at(rest.len().min(60));
            text.push_str(line);
            text.push('\n');
            rest = further;
        }
    }
    text
}

/// NCBI's taxon "synthetic construct".
const TAXON: u32 = 32630;

fn gene(index: usize) -> String {
    format!("SYN{:04}", index + 1)
}

/// `Z9S` and three counting characters: `UniProt`'s pattern `[A-NR-Z][0-9][A-Z][A-Z0-9]{2}[0-9]`,
/// and in the order of the index.
fn accession(index: usize) -> String {
    let base36 = |digit: usize| char::from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit % 36]);
    format!("Z9S{}{}{}", base36(index / 360), base36(index / 10), index % 10)
}

#[cfg(test)]
mod tests;
