//! Roots that a job cannot run with.

use std::fs;

use super::{Page, refusal_below};
use crate::support::{Root, succeed};

const INPUT: &str = "inputdataconfig.json";

#[test]
fn channels_and_hosts() {
    let mut page = Page::default();
    let mut case = |case: &str, spoil: &dyn Fn(&Root)| {
        let root = Root::new();
        spoil(&root);
        page.add(case, &refusal_below(&root, &mut root.job()));
    };
    case("missing channel", &|root| fs::remove_file(root.channel("encoder")).unwrap());
    case("channel of another name", &|root| {
        fs::rename(root.channel("interactions"), root.channel("pairs")).unwrap();
    });
    case("declared and not there", &|root| {
        root.configure(INPUT, r#"{"train": {}, "sequences": {}, "encoder": {}}"#);
    });
    case("two names of one channel", &|root| root.write("train/pairs.tsv", "A\tB\n"));
    case("a pipe", &|root| {
        let pipe = r#"{"TrainingInputMode": "Pipe"}"#;
        let text = format!(r#"{{"interactions": {pipe}, "sequences": {{}}, "encoder": {{}}}}"#);
        root.configure(INPUT, &text);
    });
    case("no JSON", &|root| root.configure(INPUT, "{"));
    case("two hosts", &|root| {
        root.configure("resourceconfig.json", r#"{"hosts": ["algo-1", "algo-2"]}"#);
    });
    case("a file in the place of the model folder", &|root| {
        fs::write(root.path().join("model"), "").unwrap();
    });
    insta::assert_snapshot!(page.0, @"
    missing channel
      exit 2: UserError: missing input channels: `encoder`; the job has `interactions`, `sequences`; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    channel of another name
      exit 2: UserError: missing input channels: `interactions`; the job has `encoder`, `pairs`, `sequences`; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    declared and not there
      exit 2: UserError: cannot read `FOLDER/input/data/train`: no such file or directory. Fix: check the path
    two names of one channel
      exit 2: UserError: the channels `interactions`, `train` mean the same: remove all but one
    a pipe
      exit 2: UserError: channel `interactions` has input mode `Pipe`: set its input mode to `File` or `FastFile`
    no JSON
      exit 2: UserError: `FOLDER/input/config/inputdataconfig.json` is not valid: EOF while parsing an object at line 1 column 1; correct it, or remove it to run with defaults
    two hosts
      exit 2: UserError: the job has 2 hosts and each would train the same model over the other's checkpoints: set the instance count to 1
    a file in the place of the model folder
      exit 2: UserError: cannot write to the folder `FOLDER/model`, which the job needs: file exists. Fix: check the path: a file lies where a folder is needed, or the reverse
    ");
}

#[test]
fn what_cannot_be_fetched() {
    let mut page = Page::default();
    let mut case = |case: &str, settings: &str, removed: &[&str]| {
        let root = Root::new();
        root.configure("hyperparameters.json", settings);
        removed.iter().for_each(|name| fs::remove_dir_all(root.channel(name)).unwrap());
        page.add(case, &refusal_below(&root, &mut root.job()));
    };
    let both = ["interactions", "sequences"];
    case("a path as a hyperparameter", r#"{"interactions": "/data/hint.txt"}"#, &both);
    case("no species", r#"{"interactions": "hint:Homo sapiens"}"#, &both);
    case("files, and there are none", r#"{"interactions": "files"}"#, &both);
    case("a channel and a species", r#"{"interactions": "hint:HomoSapiens"}"#, &[]);
    case("nothing to fetch by", r#"{"missing_sequences": "drop"}"#, &["sequences"]);
    case("offline, HINT", r#"{"interactions": "hint:HomoSapiens", "offline": "true"}"#, &both);
    case("offline, UniProt", r#"{"offline": "true"}"#, &["sequences"]);
    insta::assert_snapshot!(page.0, @"
    a path as a hyperparameter
      exit 2: UserError: `interactions` = `/data/hint.txt` (hyperparameters.json): expected `hint:SPECIES` as in `hint:HomoSapiens`, or `files`: then the channel or option `interactions` gives them
    no species
      exit 2: UserError: `interactions` = `hint:Homo sapiens` (hyperparameters.json): expected `hint:SPECIES` as in `hint:HomoSapiens`, or `files`: then the channel or option `interactions` gives them
    files, and there are none
      exit 2: UserError: missing input channels: `interactions`; the job has `encoder`; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    a channel and a species
      exit 2: UserError: interactions are given as files, and the setting `interactions` is `hint:HomoSapiens`; leave out the one or the other
    nothing to fetch by
      exit 2: UserError: no sequences are given, and `missing_sequences` is `drop`; give FASTA files, or set it to `fetch` for those of UniProt
    offline, HINT
      exit 2: UserError: `https://hint.yulab.org/download-raw/2024-06/HomoSapiens_binary_hq.txt` was not fetched before; set `offline` to false, or give the file (`--interactions`, in a job the channel `interactions`)
    offline, UniProt
      exit 2: UserError: `offline` is set, no sequences are given, and none of the 40 proteins was fetched before; set `offline` to false, or give FASTA files (`--sequences`, in a job the channel `sequences`)
    ");
}

#[test]
fn success_leaves_no_failure_file() {
    let root = Root::new();
    let settings = r#"{"split": "pairs", "epochs": "1", "hidden_sizes": "8"}"#;
    root.configure("hyperparameters.json", settings);
    succeed(&mut root.job());
    assert_eq!(root.failure(), None);
    assert!(root.path().join("model/manifest.json").exists());
}
