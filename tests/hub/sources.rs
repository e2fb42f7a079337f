//! What names mean, and where their files are looked for.

use std::fs;

use super::{Asker, assert_small};
use crate::support::hub::{HubStandIn, MODEL, OWNER, TOKEN, WEIGHTS, commit, small_files};
use crate::support::small_encoder;

#[test]
fn a_published_name_is_fetched_once_and_lies_where_the_hubs_programs_look() {
    let hub = HubStandIn::start();
    let mut asker = Asker::with_token(&hub, TOKEN);
    let located = asker.locate(MODEL).unwrap();
    assert_eq!(located.folder, asker.snapshot(1));
    assert_small(&located.folder);
    let model = located.model.clone().unwrap();
    assert_eq!(model.address, format!("{}/{OWNER}/{MODEL}", hub.url()));
    assert_eq!(model.name, format!("{OWNER}/{MODEL}@{}", commit(1)));
    assert_eq!(located.open().unwrap().identity().source, model.name);
    let main = asker.snapshot(1).join("../../refs/main");
    assert_eq!(fs::read_to_string(main).unwrap(), commit(1));
    assert!(hub.log().iter().all(|seen| seen.token.is_none()), "nobody asked for the token");

    let asked = hub.log().len();
    asker.offline = true;
    for name in [MODEL, "facebook/esm2_t6_8M_UR50D", "facebook/esm2_t6_8M_UR50D@main"] {
        assert_eq!(asker.locate(name).unwrap(), located, "{name}");
    }
    assert_eq!(asker.locate(&model.name).unwrap(), located);
    assert_eq!(hub.log().len(), asked, "what is here is not asked for");
}

#[test]
fn a_branch_stays_at_its_commit_until_it_is_asked_for_elsewhere() {
    let hub = HubStandIn::start();
    let asker = Asker::new(&hub);
    asker.locate(MODEL).unwrap();
    let mut files = small_files();
    files.get_mut("config.json").unwrap().push(b'\n');
    hub.push(&format!("{OWNER}/{MODEL}"), 2, files);
    assert_eq!(asker.locate(MODEL).unwrap().folder, asker.snapshot(1));
    let other = Asker::new(&hub);
    assert_eq!(other.locate(MODEL).unwrap().folder, other.snapshot(2));
    let pinned = format!("{MODEL}@{}", commit(2));
    assert_eq!(asker.locate(&pinned).unwrap().folder, asker.snapshot(2));
    let old = format!("{MODEL}@{}", commit(1));
    assert_small(&other.locate(&old).unwrap().folder);
}

#[test]
fn shards_are_fetched_and_no_index_names_another_folder() {
    let hub = HubStandIn::start();
    let shard = "model-00001-of-00001.safetensors";
    let sharded = |target: &str| {
        let mut files = small_files();
        let weights = files.remove(WEIGHTS).unwrap();
        let index = serde_json::json!({ "weight_map": { "a": target, "b": target } });
        files.insert("model.safetensors.index.json".to_owned(), index.to_string().into_bytes());
        files.insert(shard.to_owned(), weights);
        files
    };
    hub.push("lab/sharded", 3, sharded(shard));
    let asker = Asker::new(&hub);
    let located = asker.locate("lab/sharded").unwrap();
    let digest = |folder| dyad::embeddings::esm2::Encoder::open(folder).unwrap().identity().digest;
    assert_eq!(digest(&located.folder), digest(&small_encoder()));

    hub.push("lab/hostile", 4, sharded("../../../../evil"));
    let refusal = asker.refusal(&hub, "lab/hostile");
    assert!(refusal.contains("`../../../../evil` is no file name"), "{refusal}");
    let config = small_files().remove("config.json").unwrap();
    hub.push("lab/empty", 5, [("config.json".to_owned(), config)].into());
    let refusal = asker.refusal(&hub, "lab/empty");
    let refusal = refusal.replace(&commit(5), "COMMIT");
    insta::assert_snapshot!(refusal, @"the model `lab/empty@COMMIT` of Hugging Face has no `model.safetensors`; give one with `config.json` and `model.safetensors`");
}

#[test]
fn another_kind_of_model_is_refused_before_its_weights_come() {
    let hub = HubStandIn::start();
    let mut files = small_files();
    files.insert("config.json".to_owned(), br#"{"model_type": "bert"}"#.to_vec());
    hub.push("lab/bert", 6, files);
    let refusal = Asker::new(&hub).refusal(&hub, "lab/bert");
    assert!(refusal.contains("`model_type` is not `esm`"), "{refusal}");
    assert_eq!(hub.transfers(), Vec::<String>::new());
}

#[test]
fn names_that_cannot_be_had_are_explained() {
    let hub = HubStandIn::start();
    let mut asker = Asker::new(&hub);
    let gated = format!("{OWNER}/{MODEL}");
    let mut page = vec![
        asker.refusal(&hub, "esm2_t33_650M"),
        asker.refusal(&hub, "models/esm2"),
        asker.refusal(&hub, "facebook/esm2_t6_8M_UR50D@v2"),
    ];
    hub.gate(&gated);
    page.push(asker.refusal(&hub, MODEL));
    page.push(Asker::with_token(&hub, "hf_another").refusal(&hub, MODEL));
    asker.offline = true;
    page.push(asker.refusal(&hub, MODEL));
    insta::assert_snapshot!(page.join("\n"), @"
    `esm2_t33_650M` is neither a folder nor a known encoder; give the folder of an ESM-2 model, a file of fair-esm (`.pt`), one of `esm2_t6_8M_UR50D`, `esm2_t12_35M_UR50D`, `esm2_t30_150M_UR50D`, `esm2_t33_650M_UR50D`, `esm2_t36_3B_UR50D`, `esm2_t48_15B_UR50D`, or `owner/name` of a model of Hugging Face
    no folder `models/esm2` is here, and as a model of Hugging Face it cannot be fetched: the hub does not show `http://HUB/models/esm2/resolve/main/config.json` without a token (status 401): there is no such model, or it is private or gated; check the name, or set `HF_TOKEN`
    no folder `facebook/esm2_t6_8M_UR50D@v2` is here, and as a model of Hugging Face it cannot be fetched: the hub has no `http://HUB/facebook/esm2_t6_8M_UR50D/resolve/v2/config.json`; check name and revision
    no folder `facebook/esm2_t6_8M_UR50D` is here, and as a model of Hugging Face it cannot be fetched: the hub does not show `http://HUB/facebook/esm2_t6_8M_UR50D/resolve/main/config.json` without a token (status 401): there is no such model, or it is private or gated; check the name, or set `HF_TOKEN`
    no folder `facebook/esm2_t6_8M_UR50D` is here, and as a model of Hugging Face it cannot be fetched: the hub does not show `http://HUB/facebook/esm2_t6_8M_UR50D/resolve/main/config.json` to the owner of the token (status 401): there is no such model, the token is not valid, or access was not granted; check the name, and the model's page
    no folder `facebook/esm2_t6_8M_UR50D` is here, and as a model of Hugging Face it is not complete in `FOLDER/hub`; with `offline` nothing is fetched: fetch it before with `dyad fetch --encoder facebook/esm2_t6_8M_UR50D`, or set `offline` to false
    ");

    let owner = Asker::with_token(&hub, TOKEN);
    assert_small(&owner.locate(MODEL).unwrap().folder);
    let (elsewhere, at_home): (Vec<_>, Vec<_>) =
        hub.log().into_iter().rev().take(3).partition(|seen| seen.path.starts_with("/cdn/"));
    assert!(!elsewhere.is_empty() && elsewhere.iter().all(|seen| seen.token.is_none()));
    assert!(!at_home.is_empty() && at_home.iter().all(|seen| seen.token.as_deref() == Some(TOKEN)));
}
