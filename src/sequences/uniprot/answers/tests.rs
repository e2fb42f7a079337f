use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn ok(body: &str) -> Answer {
    Answer::made_up(200, &[], body)
}

fn name(text: &str) -> Accession {
    text.parse().unwrap()
}

fn damage<T: std::fmt::Debug>(result: Result<T, Rejection>) -> String {
    match result {
        Err(Rejection::Damaged(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sequences_are_found_by_the_accession_in_the_header_and_others_are_left_out() {
    let text =
        ">tr|P00002|B_X 5'->3' thing\nMK\nVL\n>sp|P00001-2|A_X\r\nmk\r\n>sp|P00009|C_X\nMM\n";
    let asked = BTreeSet::from(["P00001-2", "P00002", "P00003"]);
    let found = fasta(&ok(text), &asked).unwrap();
    let found: Vec<_> = found.iter().map(|(name, s)| (name.as_str(), s.residues())).collect();
    assert_eq!(found, [("P00001-2", "MK"), ("P00002", "MKVL")]);
    assert!(fasta(&ok("\n"), &asked).unwrap().is_empty(), "nothing is known of any");
}

#[test]
fn what_is_no_fasta_is_damaged() {
    let asked = BTreeSet::from(["P00001"]);
    let of = |text: &str| damage(fasta(&ok(text), &asked));
    assert_eq!(of(r#"{"messages":["no"]}"#), r#"it is no FASTA: `{"messages":["no"]}`"#);
    assert_eq!(of(">P00001\nMKV\n>P00001\nMKL\n"), "it has two sequences of `P00001`");
    assert_eq!(of(">P00001\n>P00002\nMK\n"), "`P00001`: empty sequence");
    assert!(of(">P00001\nMK<br>V\n").starts_with("`P00001`: character '<' at residue 3"));
    let long = format!(">P00001\n{}\n", "M".repeat(LONGEST_PROTEIN + 1));
    assert_eq!(of(&long), "`P00001` has more than 1000000 residues");
}

#[test]
fn secondary_accessions_lead_to_all_entries_that_list_them() {
    let entry = |primary: &str, secondary: &[&str]| json!({ "primaryAccession": primary, "secondaryAccessions": secondary, "x": 1 });
    let results = [
        entry("P00002", &["Q00001", "Q00002", "Q00009"]),
        entry("P00001", &["Q00001"]),
        json!({ "primaryAccession": "P00003" }),
    ];
    let body = json!({ "results": results }).to_string();
    let names = ["Q00001", "Q00002", "Q00003"].map(name);
    let asked: BTreeSet<&Accession> = names.iter().collect();
    let found = secondary(&ok(&body), &asked).unwrap().unwrap();
    let expected = [
        (name("Q00001"), vec![name("P00001"), name("P00002")]),
        (name("Q00002"), vec![name("P00002")]),
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    let more = [("link", "<https://x/?cursor=1>; rel=\"next\"")];
    assert_eq!(secondary(&Answer::made_up(200, &more, &body), &asked), Ok(None));
    let odd = json!({ "results": [entry("../P1", &["Q00001"])] }).to_string();
    assert_eq!(damage(secondary(&ok(&odd), &asked)), "`../P1` is no accession");
}

#[test]
fn of_archived_versions_the_last_counts_and_two_last_ones_are_unclear() {
    let entry = |id: &str, names: &[&str], residues: &str| {
        let sequence = json!({ "value": residues });
        json!({ "uniParcId": id, "uniProtKBAccessions": names, "sequence": sequence })
    };
    let results = [
        entry("UPI0000000001", &["Q00001.1", "Q00002.3"], "MA"),
        entry("UPI0000000002", &["Q00001.12", "Q00003"], "MC"),
        entry("UPI0000000003", &["Q00002.3", "P00001"], "MD"),
    ];
    let body = json!({ "results": results }).to_string();
    let names = ["Q00001", "Q00002", "Q00003"].map(name);
    let asked: BTreeSet<&Accession> = names.iter().collect();
    let found = archived(&ok(&body), &asked).unwrap();
    let found: Vec<_> = found.iter().map(|(n, a)| (n.as_str(), a.sequence.residues())).collect();
    assert_eq!(found, [("Q00001", "MC"), ("Q00003", "MC")]);
    let odd = json!({ "results": [entry("UPI../1", &["Q00001"], "M")] }).to_string();
    assert_eq!(damage(archived(&ok(&odd), &asked)), "`UPI../1` is no identifier of UniParc");
}

#[test]
fn a_redirect_counts_by_the_accession_in_it_alone() {
    let to = |location| single(&Answer::made_up(303, &[("location", location)], ""));
    let merged = Ok(Single::Merged(name("P23141")));
    assert_eq!(to("/uniprotkb/P23141.json?from=Q00015"), merged);
    assert_eq!(to("https://elsewhere.example.org/P23141"), merged);
    for location in ["", "/", "/uniprotkb/%2e%2e", "https://elsewhere.example.org/"] {
        assert!(to(location).is_err(), "{location}");
    }
    assert_eq!(single(&Answer::made_up(404, &[], "{}")), Ok(Single::NotFound));
    assert!(matches!(single(&Answer::made_up(400, &[], "{}")), Err(Rejection::Refused(_))));
}

/// An entry as the service describes one that is none any more.
fn inactive(kind: &str, into: &[&str], uniparc: Option<&str>) -> Answer {
    let reason = json!({ "inactiveReasonType": kind, "mergeDemergeTo": into });
    let extra = json!({ "uniParcId": uniparc });
    let entry = json!({ "inactiveReason": reason, "extraAttributes": extra });
    ok(&entry.to_string())
}

#[test]
fn inactive_entries_say_why() {
    let of = |kind, into: &[&str], uniparc| single(&inactive(kind, into, uniparc));
    let two = vec![name("P00001"), name("P00002")];
    assert_eq!(of("DEMERGED", &["P00001", "P00002"], None), Ok(Single::Demerged(two)));
    assert_eq!(of("MERGED", &["P00001"], None), Ok(Single::Merged(name("P00001"))));
    assert_eq!(of("DELETED", &[], None), Ok(Single::Deleted(None)));
    let uniparc = "UPI0000054276";
    assert_eq!(of("DELETED", &[], Some(uniparc)), Ok(Single::Deleted(Some(uniparc.to_owned()))));
    assert!(of("DELETED", &[], Some("UPI/../x")).is_err());
    assert!(of("SPLIT", &[], None).is_err());
}

/// Its twin on made-up answers is [`inactive_entries_say_why`].
#[test]
fn recorded_answers_are_understood() {
    let base = std::env::var("DYAD_TEST_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let path = Path::new(&base).join("data/uniprot_samples/inactive_entries.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: recorded_answers: no test data at {}", path.display());
        return;
    };
    let answers: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let said: Vec<Single> = answers
        .iter()
        .map(|answer| {
            let status = u16::try_from(answer["http_status"].as_u64().unwrap()).unwrap();
            let location = answer["location"].as_str().map(|location| ("location", location));
            let headers: Vec<_> = location.into_iter().collect();
            let answer = Answer::made_up(status, &headers, &answer["body"].to_string());
            single(&answer).unwrap()
        })
        .collect();
    let expected = [
        Single::Demerged(vec![name("P99999"), name("P99998")]),
        Single::Deleted(Some("UPI0000054276".to_owned())),
        Single::Merged(name("A6QL63")),
    ];
    assert_eq!(said, expected);
}

proptest! {
    #[test]
    fn whatever_comes_ends_in_what_was_asked_for_or_in_a_rejection(
        status in prop_oneof![Just(200_u16), Just(303), Just(404), 100_u16..600],
        body in prop_oneof![
            any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            "(>(sp\\|)?P0000[0-9](-1)?[ |][A-Z]{0,4}\n[A-Za-z*<\n>]{0,30}){0,4}",
            "\\{\"results\":\\[(\\{\"primaryAccession\":\"P0000[0-9]\"\\},?){0,3}\\]\\}",
        ],
    ) {
        let answer = Answer::made_up(status, &[("location", "/uniprotkb/P00001")], &body);
        let asked = BTreeSet::from(["P00001", "P00002"]);
        if let Ok(found) = fasta(&answer, &asked) {
            prop_assert!(found.keys().all(|name| asked.contains(name.as_str())));
        }
        let names = ["P00001", "P00002"].map(name);
        let names: BTreeSet<&Accession> = names.iter().collect();
        if let Ok(Some(found)) = secondary(&answer, &names) {
            prop_assert!(found.keys().all(|name| names.contains(name)));
        }
        if let Ok(found) = archived(&answer, &names) {
            prop_assert!(found.keys().all(|name| names.contains(name)));
        }
        if let Ok(Single::Merged(into)) = single(&answer) {
            prop_assert!(into.is_uniprot());
        }
    }
}
