//! Types of interactions that are no positives, and chains of proteins.

use super::*;

/// The reason why a row of this type and method is of another kind, or `None` if it is used.
fn reason(kind: &str, method: &str) -> Option<String> {
    let asked = row(15, "P00001", "P00002", &[(11, kind), (6, method)]);
    let audit = file(BIOGRID, &[asked, row(15, "P00003", "P00004", &[])]).set().audit;
    assert_eq!(audit.count(Bucket::Used) + audit.count(Bucket::OtherKind), 2);
    other_kinds(&audit).first().map(|&reason| reason.to_owned())
}

const TWO_HYBRID: &str = "psi-mi:\"MI:0018\"(two hybrid)";

#[test]
fn no_genetic_interaction_of_biogrid_is_a_positive() {
    for (number, name) in [
        (2368, "phenotypic enhancement"),
        (2369, "synthetic growth defect"),
        (2370, "synthetic lethality"),
        (2371, "positive genetic interaction"),
        (2372, "synthetic haploinsufficiency"),
        (2373, "negative genetic interaction"),
        (2374, "phenotypic suppression"),
        (2375, "synthetic rescue"),
        (2376, "dosage rescue"),
        (2377, "dosage lethality"),
        (2378, "dosage growth defect"),
    ] {
        let expected = |name: &str| format!("a genetic interaction (`{name}`), not a physical one");
        // With and without quotes, by the number alone and by the name alone.
        let full = format!("{name} (sensu biogrid)");
        for (kind, name) in [
            (format!("psi-mi:\"MI:{number}\"({full})"), full.clone()),
            (format!("psi-mi:\"MI:{number}\"(\"{full}\")"), full.clone()),
            (format!("psi-mi:\"MI:{number}\""), format!("MI:{number}")),
            (
                format!("psi-mi:\"MI:9999\"({name} (sensu BioGRID))"),
                format!("{name} (sensu BioGRID)"),
            ),
        ] {
            assert_eq!(reason(&kind, TWO_HYBRID), Some(expected(&name)), "{kind}");
        }
    }
}

#[test]
fn rows_are_of_another_kind_if_all_their_types_or_all_their_methods_are() {
    let genetic =
        Some("a genetic interaction (`genetic interference`), not a physical one".to_owned());
    let interference = "psi-mi:\"MI:0254\"(genetic interference)";
    let physical = "psi-mi:\"MI:0915\"(physical association)";
    assert_eq!(reason("-", interference), genetic);
    assert_eq!(reason(physical, interference), genetic);
    assert_eq!(reason(physical, &format!("{interference}|{TWO_HYBRID}")), None);
    for (number, name) in [
        ("0403", "colocalization"),
        ("1110", "predicted interaction"),
        ("2286", "functional association"),
        ("2364", "proximity"),
    ] {
        let kind = format!("psi-mi:\"MI:{number}\"({name})");
        let expected = Some(format!("reported as `{name}`, which is no physical interaction"));
        assert_eq!(reason(&kind, TWO_HYBRID), expected);
        assert_eq!(reason(&format!("{kind}|psi-mi:\"MI:0208\"(x)"), TWO_HYBRID), expected);
        assert_eq!(reason(&format!("{kind}|{physical}"), TWO_HYBRID), None);
    }
    for number in ["0407", "0914", "0915", "0217"] {
        assert_eq!(reason(&format!("psi-mi:\"MI:{number}\"(x)"), TWO_HYBRID), None);
    }
}

#[test]
fn chains_of_one_protein_are_counted() {
    let chains = |rows: &[String]| file(INTACT, rows).set().audit.proteins_of_several_chains;
    let mut rows = vec![
        row(42, "P0DTD1-PRO_0000449619", "P00001", &[]),
        row(42, "P00002", "P0DTD1-PRO_0000449619", &[]),
        row(42, "P0DTD1", "P00003-PRO_0000000001", &[]),
    ];
    assert_eq!(chains(&rows), 0, "one chain of each");
    rows.push(row(42, "P0DTD1-PRO_0000449620", "P00001", &[]));
    assert_eq!(chains(&rows), 1);
    let set = file(INTACT, &rows).set();
    assert_eq!(pairs(&set), ["P00001 P0DTD1 1", "P00002 P0DTD1 1", "P00003 P0DTD1 1"]);
    let account = set.audit.to_string();
    assert!(
        account.contains("proteins: 4, without sequence: 0, of several chains: 1\n"),
        "{account}"
    );
}
