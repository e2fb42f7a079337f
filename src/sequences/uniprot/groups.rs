//! Which requests are made for which accessions.

use std::collections::BTreeSet;

use crate::protein::Accession;

/// The most accessions of a request for entries (UniProt's `ids.max.length`).
pub(super) const BATCH: usize = 1000;
/// The most clauses of a search (UniProt's `max.solr.or.clause.count`).
pub(super) const CLAUSES: usize = 50;

/// Accessions in groups of at most `size`, isoforms behind all others: a group with isoforms is
/// answered by way of a search, which is slower.
pub(super) fn groups(accessions: &BTreeSet<Accession>, size: usize) -> Vec<Vec<&Accession>> {
    let (isoforms, entries): (Vec<_>, Vec<_>) =
        accessions.iter().partition(|accession| accession.parent().is_some());
    let ordered: Vec<_> = entries.into_iter().chain(isoforms).collect();
    ordered.chunks(size).map(<[_]>::to_vec).collect()
}

/// A search for any of `accessions` in a field.
pub(super) fn any_of(field: &str, accessions: &[&Accession]) -> String {
    let clauses: Vec<_> = accessions.iter().map(|name| format!("{field}:{name}")).collect();
    clauses.join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isoforms_share_the_last_groups() {
        let names = ["P00003", "P00001-2", "P00002", "P00004", "P00001"];
        let names: BTreeSet<Accession> = names.iter().map(|name| name.parse().unwrap()).collect();
        let grouped = groups(&names, 2);
        let shown: Vec<Vec<_>> =
            grouped.iter().map(|group| group.iter().map(|name| name.as_str()).collect()).collect();
        let expected = [vec!["P00001", "P00002"], vec!["P00003", "P00004"], vec!["P00001-2"]];
        assert_eq!(shown, expected);
        assert_eq!(any_of("sec_acc", &grouped[0]), "sec_acc:P00001 OR sec_acc:P00002");
        assert!(groups(&BTreeSet::new(), 2).is_empty());
    }
}
