//! The last decisions, and the audit as the sum of all of them.

use std::collections::{BTreeSet, HashSet};

use super::audit::{Audit, Bucket, BucketCount, Example};
use super::classify::{Fate, Row, positive, unordered};
use super::evidence::Lack;
use super::score::Score;
use super::subset::{Limits, connected};
use super::{Error, Evidence, InteractionSet, Interactions, LabelledPair, Settings};
use crate::protein::{Accession, ProteinPair};
use crate::storage::SourceFile;

/// See [`Interactions::resolve`].
pub(super) fn resolve(
    mut interactions: Interactions,
    has_sequence: impl Fn(&Accession) -> bool,
    settings: &Settings,
) -> Result<InteractionSet, Error> {
    let found: Vec<bool> = interactions.proteins.iter().map(has_sequence).collect();
    for row in interactions.rows.iter_mut().filter(|row| row.fate == Fate::Used) {
        let found = row.proteins.map(|protein| found[protein]);
        if found != [true, true] {
            row.fate = Fate::WithoutSequence(found);
        }
    }
    take_subset(&mut interactions, settings);

    let audit = audit(&interactions, &found, settings);
    let limit = settings.max_dropped_fraction;
    if audit.dropped_fraction() > limit {
        return Err(Error::TooManyDropped { audit: Box::new(audit), limit });
    }
    if audit.count(Bucket::Used) == 0 {
        return Err(Error::NoPairs { audit: Box::new(audit) });
    }
    Ok(set(&interactions, audit))
}

fn take_subset(interactions: &mut Interactions, settings: &Settings) {
    if settings.max_proteins.is_none() && settings.max_pairs.is_none() {
        return;
    }
    let limits = Limits {
        proteins: settings.max_proteins.unwrap_or(usize::MAX),
        pairs: settings.max_pairs.unwrap_or(usize::MAX),
    };
    let rows = interactions.rows.iter_mut().filter(|row| row.fate == Fate::Used);
    let mut rows: Vec<&mut Row> = rows.collect();
    let pairs: Vec<[usize; 2]> = rows.iter().map(|row| row.proteins).collect();
    let chosen = connected(&pairs, interactions.proteins.len(), limits, settings.seed);
    for (row, chosen) in rows.iter_mut().zip(chosen) {
        if !chosen {
            row.fate = Fate::OutsideSubset;
        }
    }
}

fn audit(interactions: &Interactions, found: &[bool], settings: &Settings) -> Audit {
    let Interactions {
        files,
        malformed,
        other_kind,
        rows,
        conflicting_pairs,
        merged_chains,
        proteins,
    } = interactions;
    let mut buckets = Bucket::ALL.map(BucketCount::empty);
    buckets[Bucket::Malformed as usize].clone_from(malformed);
    buckets[Bucket::OtherKind as usize].clone_from(other_kind);
    for row in rows {
        buckets[bucket(row.fate) as usize].add(|| example(interactions, row, settings));
    }
    let used = rows.iter().filter(|row| row.fate == Fate::Used);
    let (positives, negatives): (Vec<&Row>, Vec<&Row>) = used.partition(|r| positive(r.label));
    let missing: Vec<&Accession> =
        proteins.iter().zip(found).filter_map(|(p, found)| (!found).then_some(p)).collect();
    Audit {
        rows: malformed.rows + other_kind.rows + rows.len(),
        buckets: buckets.into(),
        used_positives: positives.len(),
        used_negatives: negatives.len(),
        conflicting_pairs: *conflicting_pairs,
        proteins: proteins.len(),
        proteins_without_sequence: missing.len(),
        proteins_of_several_chains: *merged_chains,
        listed_without_sequence: missing.into_iter().take(Audit::MAX_LISTED).cloned().collect(),
        files: files.clone(),
    }
}

fn bucket(fate: Fate) -> Bucket {
    match fate {
        Fate::Conflicting(_) => Bucket::ConflictingLabel,
        Fate::Duplicate(_) => Bucket::Duplicate,
        Fate::SelfPair => Bucket::SelfPair,
        Fate::Lacks(_) | Fate::OutsideSubset => Bucket::Filtered,
        Fate::WithoutSequence(_) => Bucket::WithoutSequence,
        Fate::Used => Bucket::Used,
    }
}

fn example(interactions: &Interactions, row: &Row, settings: &Settings) -> Example {
    let [one, other] = row.proteins.map(|protein| &interactions.proteins[protein]);
    let excerpt = match row.label {
        Some(label) => format!("{one} {other} {}", u8::from(label)),
        None => format!("{one} {other}"),
    };
    let place = |index: usize| {
        let Row { file, line, .. } = interactions.rows[index];
        format!("line {line} of `{}`", interactions.files[file].name)
    };
    let reason = match row.fate {
        Fate::Conflicting(index) => format!("labelled differently in {}", place(index)),
        Fate::Duplicate(index) => format!("same pair as {}", place(index)),
        Fate::SelfPair => "a protein paired with itself".to_owned(),
        Fate::Lacks(Lack::Publications(count)) => {
            format!("publications: {count}, `min_publications`: {}", settings.min_publications)
        }
        Fate::Lacks(Lack::Kind) => match settings.evidence {
            Evidence::Literature => "no literature-curated experiment".to_owned(),
            _ => "no high-throughput experiment".to_owned(),
        },
        Fate::Lacks(Lack::Score(score)) => {
            let score = score.map_or_else(|| "no score".to_owned(), |s| format!("score {s}"));
            let least = interactions.files[row.file].min_score.unwrap_or(Score::NONE);
            format!("{score}, `min_score`: {least}")
        }
        Fate::Lacks(Lack::Taxon) => {
            format!("not two proteins of `taxon` {}", settings.taxon.unwrap_or_default())
        }
        Fate::Lacks(Lack::Expanded) => {
            "derived from a complex, `expanded_complexes`: exclude".to_owned()
        }
        Fate::OutsideSubset => "outside the random subset".to_owned(),
        Fate::WithoutSequence([false, false]) if one != other => {
            format!("no sequence for `{one}` and `{other}`")
        }
        Fate::WithoutSequence([false, _]) => format!("no sequence for `{one}`"),
        Fate::WithoutSequence(_) => format!("no sequence for `{other}`"),
        Fate::Used => "used".to_owned(),
    };
    let file = interactions.files[row.file].name.clone();
    Example { file, line: row.line, excerpt, reason }
}

fn set(interactions: &Interactions, audit: Audit) -> InteractionSet {
    let Interactions { files, rows, proteins, .. } = interactions;
    let used = rows.iter().filter(|row| row.fate == Fate::Used);
    let pair = |row: &Row| {
        let [one, other] = row.proteins.map(|protein| proteins[protein].clone());
        (one > other, ProteinPair::new(one, other))
    };
    let pairs = used.clone().map(|row| {
        let (reversed, pair) = pair(row);
        LabelledPair { pair, label: positive(row.label), reversed }
    });
    let is_used: HashSet<[usize; 2]> = used.map(|row| unordered(row.proteins)).collect();
    let left_out = rows.iter().filter(|row| {
        let fate = matches!(row.fate, Fate::Lacks(_) | Fate::OutsideSubset | Fate::Conflicting(_));
        fate && positive(row.label) && !is_used.contains(&unordered(row.proteins))
    });
    let left_out: BTreeSet<_> = left_out.map(|row| pair(row).1).collect();
    let source = |file: &super::FileAudit| SourceFile {
        name: file.name.clone(),
        bytes: file.bytes,
        sha256: file.sha256,
    };
    InteractionSet {
        pairs: pairs.collect(),
        left_out: left_out.into_iter().collect(),
        has_negatives: rows.iter().any(|row| !positive(row.label)),
        sources: files.iter().map(source).collect(),
        audit,
    }
}
