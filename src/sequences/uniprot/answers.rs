//! What answers of `UniProt` say. They come from outside: everything in them is checked, and what
//! was not asked for is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::http::{Answer, Rejection};
use crate::protein::{Accession, ProteinSequence};
use crate::sequences::fasta::{LONGEST_PROTEIN, identifier};

/// Names the release of `UniProt` that an answer is of.
const RELEASE: &str = "x-uniprot-release";
/// More than a release's name has.
const LONGEST_RELEASE: usize = 32;

/// The release that an answer is of; empty where it does not say.
pub(super) fn release(answer: &Answer) -> String {
    let plain = |text: &&str| {
        text.len() <= LONGEST_RELEASE
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(&c))
    };
    answer.header(RELEASE).filter(plain).unwrap_or_default().to_owned()
}

/// The sequences of a FASTA answer by the identifiers in their headers; those not in `asked` are
/// left out.
pub(super) fn fasta(
    answer: &Answer,
    asked: &BTreeSet<&str>,
) -> Result<BTreeMap<String, ProteinSequence>, Rejection> {
    let text = text(answer)?.trim();
    let mut sequences = BTreeMap::new();
    if text.is_empty() {
        return Ok(sequences);
    }
    let Some(text) = text.strip_prefix('>') else {
        let start: String = text.chars().take(80).collect();
        return Err(Rejection::Damaged(format!("it is no FASTA: `{start}`")));
    };
    for record in text.split("\n>") {
        let (header, residues) = record.split_once('\n').unwrap_or((record, ""));
        let name = identifier(header);
        if !asked.contains(name) {
            continue;
        }
        let residues: String = residues.split_whitespace().collect();
        let sequence = protein(name, &residues)?;
        let other = sequences.insert(name.to_owned(), sequence.clone());
        if other.is_some_and(|other| other != sequence) {
            return Err(Rejection::Damaged(format!("it has two sequences of `{name}`")));
        }
    }
    Ok(sequences)
}

/// Which entries of today list each of `asked` as a secondary accession; `None` where the answer
/// does not hold all of them.
pub(super) fn secondary(
    answer: &Answer,
    asked: &BTreeSet<&Accession>,
) -> Result<Option<BTreeMap<Accession, Vec<Accession>>>, Rejection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        primary_accession: String,
        #[serde(default)]
        secondary_accessions: Vec<String>,
    }
    let Page { results } = json::<Page<Entry>>(answer)?;
    if answer.has_next_page() {
        return Ok(None);
    }
    let mut found: BTreeMap<Accession, Vec<Accession>> = BTreeMap::new();
    for entry in results {
        let primary = accession(&entry.primary_accession)?;
        for name in &entry.secondary_accessions {
            if let Ok(name) = name.parse::<Accession>()
                && asked.contains(&name)
            {
                found.entry(name).or_default().push(primary.clone());
            }
        }
    }
    found.values_mut().for_each(|into| into.sort());
    found.values_mut().for_each(Vec::dedup);
    Ok(Some(found))
}

/// An archived sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Archived {
    /// Its identifier in `UniParc`.
    pub(super) uniparc: String,
    pub(super) sequence: ProteinSequence,
}

/// The last archived sequence of each of `asked`, where exactly one is the last.
///
/// The archive names an entry's versions of the past as `P07612.1`.
pub(super) fn archived(
    answer: &Answer,
    asked: &BTreeSet<&Accession>,
) -> Result<BTreeMap<Accession, Archived>, Rejection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        uni_parc_id: String,
        #[serde(default, rename = "uniProtKBAccessions")]
        accessions: Vec<String>,
        #[serde(default)]
        sequence: Value,
    }
    let Page { results } = json::<Page<Entry>>(answer)?;
    if answer.has_next_page() {
        return Ok(BTreeMap::new());
    }
    let mut newest: BTreeMap<Accession, (u32, Option<Archived>)> = BTreeMap::new();
    for entry in results {
        let archived = Archived {
            uniparc: uniparc(&entry.uni_parc_id)?,
            sequence: protein(&entry.uni_parc_id, &entry.sequence.value)?,
        };
        for name in &entry.accessions {
            let (name, version) = match name.split_once('.') {
                Some((name, version)) => (name, version.parse().unwrap_or_default()),
                None => (name.as_str(), u32::MAX),
            };
            let Ok(name) = name.parse::<Accession>() else { continue };
            if !asked.contains(&name) {
                continue;
            }
            let new = (version, Some(archived.clone()));
            match newest.get_mut(&name) {
                Some((known, _)) if *known > version => {}
                Some((known, last)) if *known == version => {
                    // Which of the two is the last cannot be told.
                    if last.as_ref() != Some(&archived) {
                        *last = None;
                    }
                }
                _ => drop(newest.insert(name, new)),
            }
        }
    }
    Ok(newest.into_iter().filter_map(|(name, (_, last))| Some((name, last?))).collect())
}

/// What a single entry's answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Single {
    Current(ProteinSequence),
    Merged(Accession),
    Demerged(Vec<Accession>),
    Deleted(Option<String>),
    NotFound,
}

/// What the JSON answer about one accession says.
pub(super) fn single(answer: &Answer) -> Result<Single, Rejection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        inactive_reason: Option<Reason>,
        #[serde(default)]
        extra_attributes: Extra,
        #[serde(default)]
        sequence: Value,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Reason {
        inactive_reason_type: String,
        #[serde(default)]
        merge_demerge_to: Vec<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Extra {
        uni_parc_id: Option<String>,
    }
    match answer.status {
        301..=303 | 307 | 308 => return redirected(answer).map(Single::Merged),
        404 | 410 => return Ok(Single::NotFound),
        _ => {}
    }
    let entry: Entry = json(answer)?;
    let Some(reason) = entry.inactive_reason else {
        return protein("the entry", &entry.sequence.value).map(Single::Current);
    };
    let kind = reason.inactive_reason_type.as_str();
    match kind {
        "MERGED" | "DEMERGED" => {
            let into = reason.merge_demerge_to.iter().map(|name| accession(name));
            let into: Vec<Accession> = into.collect::<Result<_, _>>()?;
            match into.as_slice() {
                [one] if kind == "MERGED" => Ok(Single::Merged(one.clone())),
                _ => Ok(Single::Demerged(into)),
            }
        }
        "DELETED" => {
            let id = entry.extra_attributes.uni_parc_id;
            id.map(|id| uniparc(&id)).transpose().map(Single::Deleted)
        }
        other => Err(Rejection::Damaged(format!("an inactive entry for the reason `{other}`"))),
    }
}

/// The accession of `/uniprotkb/P23141.json?from=Q00015`. The address itself is never asked: only
/// the accession in it counts.
fn redirected(answer: &Answer) -> Result<Accession, Rejection> {
    let location = answer.location().unwrap_or_default();
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    accession(name.split('.').next().unwrap_or_default())
}

/// A page of a search.
#[derive(Deserialize)]
struct Page<T> {
    results: Vec<T>,
}

#[derive(Default, Deserialize)]
struct Value {
    #[serde(default)]
    value: String,
}

fn protein(name: &str, residues: &str) -> Result<ProteinSequence, Rejection> {
    if residues.len() > LONGEST_PROTEIN {
        let problem = format!("`{name}` has more than {LONGEST_PROTEIN} residues");
        return Err(Rejection::Damaged(problem));
    }
    residues.parse().map_err(|error| Rejection::Damaged(format!("`{name}`: {error}")))
}

fn text(answer: &Answer) -> Result<&str, Rejection> {
    let bytes = answer.content()?;
    str::from_utf8(bytes).map_err(|_| Rejection::Damaged("it is no text".to_owned()))
}

fn json<T: for<'de> Deserialize<'de>>(answer: &Answer) -> Result<T, Rejection> {
    let wrong = |error: serde_json::Error| Rejection::Damaged(format!("not as expected: {error}"));
    serde_json::from_slice(answer.content()?).map_err(wrong)
}

fn accession(text: &str) -> Result<Accession, Rejection> {
    let parsed = text.parse().ok().filter(Accession::is_uniprot);
    parsed.ok_or_else(|| {
        let shown: String = text.chars().take(20).collect();
        Rejection::Damaged(format!("`{shown}` is no accession"))
    })
}

/// `UPI` and ten hexadecimal digits.
fn uniparc(text: &str) -> Result<String, Rejection> {
    let digits = text.strip_prefix("UPI").unwrap_or_default();
    let fits = digits.len() == 10 && digits.bytes().all(|c| c.is_ascii_hexdigit());
    if fits {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().take(20).collect();
    Err(Rejection::Damaged(format!("`{shown}` is no identifier of UniParc")))
}

#[cfg(test)]
mod tests;
