//! Encoders by name on the command line and as a hyperparameter.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::assert_small;
use crate::support::hub::{Fault, HubStandIn, MODEL, OWNER, TOKEN, commit, small_files};
use crate::support::job::Running;
use crate::support::{Root, dyad, shown, succeed, text};

/// A command that asks `hub` and keeps what it fetches below `home`.
fn asking(hub: &HubStandIn, home: &Path) -> Command {
    let mut command = dyad();
    command.env("HF_ENDPOINT", hub.url()).env("HF_HOME", home);
    command
}

/// `dyad train` by name on the pairs of a root, for a moment.
fn train(hub: &HubStandIn, root: &Root) -> Command {
    let mut command = asking(hub, &root.path().join("home"));
    command.current_dir(root.path()).args(["train", "--split=pairs", "--epochs=1"]);
    command.args(["--hidden-sizes=8", "--out", "out", "--cache", "cache", "--encoder", MODEL]);
    command.arg("--interactions").arg(root.channel("interactions"));
    command.arg("--sequences").arg(root.channel("sequences"));
    command
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The bytes of weights that have come.
fn come(home: &Path) -> u64 {
    let blobs = home.join(format!("hub/.dyad/models--{OWNER}--{MODEL}/blobs"));
    let files = fs::read_dir(blobs).into_iter().flatten().filter_map(Result::ok);
    let parts = files.filter(|file| file.file_name().to_string_lossy().ends_with(".part"));
    parts.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

#[test]
fn training_that_is_killed_in_the_middle_of_a_download_goes_on_there() {
    let hub = HubStandIn::start();
    let root = Root::new();
    hub.next("/cdn/", Fault::HangAfter(600_000));
    let running = Running::start(&mut train(&hub, &root));
    let started = std::time::Instant::now();
    while come(&root.path().join("home")) < 100_000 {
        assert!(started.elapsed().as_secs() < 120, "no download begins");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.signal("KILL");
    assert!(!running.wait().status.success());

    let (_, log) = succeed(&mut train(&hub, &root));
    let [first, second] = &hub.transfers()[..] else { panic!("{:?}", hub.transfers()) };
    assert!(first == "bytes=0-" && second != "bytes=0-", "{second}\n{log}");
    let manifest = read(&root.path().join("out/manifest.json"));
    let address = format!("{}/{OWNER}/{MODEL}", hub.url());
    let origin = json!({ "address": address, "releases": [commit(1)] });
    assert_eq!(manifest["origins"]["encoder"], origin);
    let name = format!("{OWNER}/{MODEL}@{}", commit(1));
    assert_eq!(read(&root.path().join("out/classifier.json"))["encoder"]["source"], *name);

    // The model says by which name its encoder is to be had.
    let asked = hub.log().len();
    let mut predict = asking(&hub, &root.path().join("home"));
    predict.current_dir(root.path()).args(["predict", "--model=out", "--cache=cache", "--offline"]);
    predict.arg("--pairs").arg(root.channel("interactions/pairs.tsv"));
    predict.arg("--sequences").arg(root.channel("sequences")).args(["--encoder", &name]);
    assert!(succeed(&mut predict).0.lines().count() > 200);
    assert_eq!(hub.log().len(), asked);
}

#[test]
fn fetch_prints_the_folder_of_an_encoder() {
    let hub = HubStandIn::start();
    let home = tempfile::tempdir().unwrap();
    let fetch = || {
        let mut command = asking(&hub, home.path());
        command.args(["fetch", "--encoder", MODEL]);
        command
    };
    let output = fetch().arg("--offline").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(text(&output.stderr).contains("fetch it before with `dyad fetch --encoder facebook/"));
    assert!(hub.log().is_empty(), "offline asks nobody");
    let (folder, _) = succeed(&mut fetch());
    assert_small(Path::new(folder.trim_end()));
    assert_eq!(succeed(fetch().arg("--offline")).0, folder);
}

#[test]
fn no_log_and_no_result_shows_a_token() {
    let hub = HubStandIn::start();
    hub.gate(&format!("{OWNER}/{MODEL}"));
    let root = Root::new();
    let (_, log) = succeed(train(&hub, &root).env("HF_TOKEN", TOKEN).env("DYAD_LOG", "trace"));
    assert!(hub.log().iter().any(|seen| seen.token.as_deref() == Some(TOKEN)));
    assert!(!log.contains(TOKEN), "the log shows the token");
    for name in ["config.json", "classifier.json", "manifest.json", "report.md"] {
        let file = fs::read_to_string(root.path().join("out").join(name)).unwrap();
        assert!(!file.contains(TOKEN), "`{name}` shows the token");
    }
}

#[test]
fn a_job_names_its_encoder_or_has_it_as_a_channel() {
    let hub = HubStandIn::start();
    let root = Root::new();
    fs::remove_file(root.channel("encoder")).unwrap();
    let settings = r#"{"split": "pairs", "epochs": "1", "hidden_sizes": "8""#;
    let job = || {
        let mut command = root.job();
        command.env("HF_ENDPOINT", hub.url());
        command
    };
    let failure = |named: &str| {
        root.configure("hyperparameters.json", &format!("{settings}{named}}}"));
        let output = job().output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        root.failure().unwrap().replace(&root.path().display().to_string(), "ROOT")
    };
    let nothing = failure("");
    root.write("encoder/config.json", &small_files()["config.json"]);
    let both = failure(r#", "encoder": "esm2_t6_8M_UR50D""#);
    fs::remove_dir_all(root.channel("encoder")).unwrap();
    insta::assert_snapshot!([nothing, both].join("\n"), @"
    UserError: missing input channels: `encoder`; the job has `interactions`, `sequences`; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    UserError: the job has an encoder as a channel, `ROOT/input/data/encoder`, and names another, `encoder` = `esm2_t6_8M_UR50D`; leave out the one or the other
    ");
    assert!(hub.log().is_empty());

    succeed(&mut job());
    let kept = format!("checkpoints/cache/huggingface/hub/models--{OWNER}--{MODEL}/snapshots");
    assert_small(&root.path().join(kept).join(commit(1)));
    assert_eq!(root.failure(), None);
}
