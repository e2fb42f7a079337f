//! What the stand-in knows: made-up entries of today and of the past, and how it tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use regex::Regex;
use serde_json::{Value, json};

use super::{Said, decoded};

/// The release that every answer is of.
pub(crate) const RELEASE: &str = "2026_02";

/// Where HINT has its human pairs of high quality.
pub(crate) const HUMAN: &str = "/download-raw/2024-06/HomoSapiens_binary_hq.txt";

/// Entries by accession, and what became of those that are none any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proteome {
    /// Residues of entries and isoforms.
    current: BTreeMap<String, String>,
    /// Entries that took the place of others.
    successors: BTreeMap<String, Vec<String>>,
    /// Entries of the past that no search finds.
    hidden: BTreeSet<String>,
    /// Identifiers in the archive by deleted accession.
    deleted: BTreeMap<String, Option<String>>,
    /// Archived residues, and the names that the archive's search knows them by.
    archive: BTreeMap<String, (String, Vec<String>)>,
    /// Tables of HINT by path.
    hint: BTreeMap<String, String>,
}

/// The accession of a number.
pub(crate) fn accession(number: usize) -> String {
    format!("P{number:05}")
}

/// The residues of a name: some 30 to 60, different for every name.
pub(crate) fn residues(name: &str) -> String {
    let mut state = name.bytes().fold(7_u32, |state, byte| {
        state.wrapping_mul(31).wrapping_add(u32::from(byte)) //
    });
    let length = 30 + state as usize % 31;
    let letters = (0..length).map(|_| {
        // Numerical Recipes' generator, whose upper bits will do.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b"ACDEFGHIKLMNPQRSTVWY"[(state >> 16) as usize % 20])
    });
    letters.collect()
}

impl Proteome {
    /// Entries of the numbers from 0 on.
    pub(crate) fn of(entries: usize) -> Self {
        let mut proteome = Self::default();
        (0..entries).for_each(|number| proteome.add(&accession(number)));
        proteome
    }

    /// The same, and a file of HINT at [`HUMAN`] with six partners of each.
    pub(crate) fn interacting(entries: usize) -> Self {
        let mut proteome = Self::of(entries);
        let mut table = String::from("Uniprot_A\tUniprot_B\tGene_A\tGene_B\tpmid:method:quality\n");
        for (one, step) in (0..entries).flat_map(|one| (1..=6).map(move |step| (one, step))) {
            let (one, other) = (accession(one), accession((one + step) % entries));
            let _ = writeln!(table, "{one}\t{other}\ta\tb\t1:0018:HT");
        }
        proteome.publish(HUMAN, &table);
        proteome
    }

    /// An entry or an isoform of today.
    pub(crate) fn add(&mut self, name: &str) {
        self.current.insert(name.to_owned(), residues(name));
    }

    /// An entry of the past whose place others took: merged into one, demerged into several.
    pub(crate) fn replace(&mut self, name: &str, successors: &[&str]) {
        self.current.remove(name);
        let successors = successors.iter().map(|name| (*name).to_owned()).collect();
        self.successors.insert(name.to_owned(), successors);
    }

    /// No search finds this entry of the past; only it itself says what became of it.
    pub(crate) fn hide(&mut self, name: &str) {
        self.hidden.insert(name.to_owned());
    }

    /// An entry that was deleted. `listed` are the names under which a search of the archive finds
    /// it; with none, only the entry itself leads there.
    pub(crate) fn delete(&mut self, name: &str, listed: &[&str]) {
        self.current.remove(name);
        let uniparc = format!("UPI{:010X}", self.archive.len());
        self.deleted.insert(name.to_owned(), Some(uniparc.clone()));
        let listed = listed.iter().map(|name| (*name).to_owned()).collect();
        self.archive.insert(uniparc, (residues(name), listed));
    }

    /// A table of HINT at a path.
    pub(crate) fn publish(&mut self, path: &str, table: &str) {
        self.hint.insert(path.to_owned(), table.to_owned());
    }

    pub(super) fn answer(&self, path: &str, query: &str) -> Said {
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value)).unwrap_or_default()
        };
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["uniprotkb", "accessions"] => self.batch(&parameter("accessions")),
            ["uniprotkb", "search"] => self.secondary(&parameter("query")),
            ["uniparc", "search"] => self.search_archive(&parameter("query")),
            ["uniprotkb", file] => self.single(file.trim_end_matches(".json")),
            ["uniparc", file] => self.archived(file.trim_end_matches(".fasta")),
            _ => match self.hint.get(path) {
                Some(table) => Said::ok("text/plain", table.clone()),
                // As moved pages of HINT do.
                None => Said::ok("text/html", "<html><title>HINT</title></html>".to_owned()),
            },
        }
    }

    /// One malformed name refuses all of them; names that are no entries leave no trace; isoforms
    /// change the order.
    fn batch(&self, accessions: &str) -> Said {
        let pattern =
            "^([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9]([A-Z][A-Z0-9]{2}[0-9]){1,2})(-[0-9]+)?$";
        let pattern = Regex::new(pattern).unwrap();
        let mut names: Vec<&str> = accessions.split(',').collect();
        if names.len() > 1000 {
            return Said::message(400, "Only '1000' accessions are allowed in each request.");
        }
        if let Some(name) = names.iter().find(|name| !pattern.is_match(name)) {
            return Said::message(400, &format!("Accession '{name}' has invalid format."));
        }
        if names.iter().any(|name| name.contains('-')) {
            names.reverse();
        }
        let mut fasta = String::new();
        for name in names {
            // The first isoform of an entry without alternative products is the entry.
            let plain = name.strip_suffix("-1").filter(|_| !self.current.contains_key(name));
            let name = plain.unwrap_or(name);
            if let Some(residues) = self.current.get(name) {
                let (first, rest) = residues.split_at(20);
                let _ = writeln!(fasta, ">sp|{name}|X_MADEUP 5'->3' thing OS=X\n{first}\n{rest}");
            }
        }
        Said::ok("text/plain;format=fasta", fasta)
    }

    fn secondary(&self, query: &str) -> Said {
        let names = match clauses(query, "sec_acc:") {
            Ok(names) => names,
            Err(refusal) => return refusal,
        };
        let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names.into_iter().filter(|name| !self.hidden.contains(*name)) {
            for successor in self.successors.get(name).into_iter().flatten() {
                entries.entry(successor).or_default().push(name);
            }
        }
        let results = entries.into_iter().map(|(primary, secondary)| {
            json!({
                "entryType": "UniProtKB reviewed (Swiss-Prot)",
                "primaryAccession": primary,
                "secondaryAccessions": secondary,
                "sequence": { "value": self.current.get(primary) },
            })
        });
        page(results)
    }

    fn search_archive(&self, query: &str) -> Said {
        let names = match clauses(query, "uniprotkb:") {
            Ok(names) => names,
            Err(refusal) => return refusal,
        };
        let found = self.archive.iter().filter(|(_, (_, listed))| {
            listed.iter().any(|name| names.contains(&name.split('.').next().unwrap()))
        });
        page(found.map(|(uniparc, (residues, listed))| {
            json!({
                "uniParcId": uniparc,
                "uniProtKBAccessions": listed,
                "sequence": { "value": residues, "length": residues.len() },
            })
        }))
    }

    fn single(&self, name: &str) -> Said {
        let ok = |body: Value| Said::ok("application/json", body.to_string());
        let inactive = |reason: Value, uniparc: Option<&String>| {
            ok(json!({
                "entryType": "Inactive",
                "primaryAccession": name,
                "inactiveReason": reason,
                "extraAttributes": { "uniParcId": uniparc },
            }))
        };
        if let Some(residues) = self.current.get(name) {
            return ok(json!({ "primaryAccession": name, "sequence": { "value": residues } }));
        }
        if let Some(uniparc) = self.deleted.get(name) {
            let reason = json!({ "inactiveReasonType": "DELETED", "deletedReason": "Redundant" });
            return inactive(reason, uniparc.as_ref());
        }
        match self.successors.get(name).map(Vec::as_slice) {
            Some([one]) => Said {
                status: 303,
                location: Some(format!("/uniprotkb/{one}.json?from={name}")),
                ..Said::message(303, "")
            },
            Some(several) => {
                let reason = json!({ "inactiveReasonType": "DEMERGED", "mergeDemergeTo": several });
                inactive(reason, None)
            }
            None => Said::message(404, "Resource not found"),
        }
    }

    fn archived(&self, uniparc: &str) -> Said {
        match self.archive.get(uniparc) {
            Some((residues, _)) => Said::ok(
                "text/plain;format=fasta",
                format!(">{uniparc} status=inactive\n{residues}\n"),
            ),
            None => Said::message(404, "Resource not found"),
        }
    }
}

fn page(results: impl Iterator<Item = Value>) -> Said {
    let body = json!({ "results": results.collect::<Vec<_>>() });
    Said::ok("application/json", body.to_string())
}

/// The names in a search for any of them in one field.
fn clauses<'q>(query: &'q str, field: &str) -> Result<Vec<&'q str>, Said> {
    let names: Vec<_> = query.split(" OR ").filter_map(|part| part.strip_prefix(field)).collect();
    match names.len() {
        0 => Err(Said::message(400, "the query is none of the stand-in's")),
        1..=50 => Ok(names),
        _ => Err(Said::message(400, "too many clauses")),
    }
}
