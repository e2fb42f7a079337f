//! Models, pairs and scores that `predict` and `evaluate` cannot use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dyad::classifier::{NamedTensors, tensor_file};
use dyad::digest::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Page, refusal};
use crate::support::{dyad, small_encoder, trained};

#[test]
fn damaged_model_directories() {
    let mut page = Page::default();
    let mut case = |case: &str, spoil: &dyn Fn(&Path)| {
        let (folder, model) = copy_of_the_model();
        spoil(&model);
        page.add(case, &refusal(&mut predict(&folder, &model), folder.path()));
    };
    let append = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(b' ');
        fs::write(path, bytes).unwrap();
    };
    case("no manifest", &|model| fs::remove_file(model.join("manifest.json")).unwrap());
    case("truncated manifest", &|model| fs::write(model.join("manifest.json"), "{\"sch").unwrap());
    case("no parameters", &|model| {
        fs::remove_file(model.join("classifier.safetensors")).unwrap();
    });
    case("changed parameters", &|model| append(model.join("classifier.safetensors")));
    case("changed description", &|model| append(model.join("classifier.json")));
    case("not there at all", &|model| fs::remove_dir_all(model).unwrap());
    insta::assert_snapshot!(page.0, @"
    no manifest
      exit 2: UserError: `FOLDER/model` is not a model directory: it has no `manifest.json`; give the folder that `dyad train` wrote, unpacked
    truncated manifest
      exit 2: UserError: the model file `FOLDER/model/manifest.json` is damaged: EOF while parsing a string at line 1 column 5; unpack the model again
    no parameters
      exit 2: UserError: the model file `FOLDER/model/classifier.safetensors` is damaged: it is missing; unpack the model again
    changed parameters
      exit 2: UserError: the model file `FOLDER/model/classifier.safetensors` is damaged: its SHA-256 is not the one in `manifest.json`; unpack the model again
    changed description
      exit 2: UserError: the model file `FOLDER/model/classifier.json` is damaged: its SHA-256 is not the one in `manifest.json`; unpack the model again
    not there at all
      exit 2: UserError: `FOLDER/model` is not a model directory: it has no `manifest.json`; give the folder that `dyad train` wrote, unpacked
    ");
}

/// What a manifest vouches for and no training writes.
#[test]
fn forged_model_directories() {
    let mut page = Page::default();
    let mut case = |case: &str, name: &str, forge: &dyn Fn(&mut Vec<u8>)| {
        let (folder, model) = copy_of_the_model();
        let mut bytes = fs::read(model.join(name)).unwrap();
        forge(&mut bytes);
        fs::write(model.join(name), &bytes).unwrap();
        let path = model.join("manifest.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        manifest["files"][name] = json!(Digest::of(&bytes));
        fs::write(path, manifest.to_string()).unwrap();
        page.add(case, &refusal(&mut predict(&folder, &model), folder.path()));
    };
    let tensors = |change: &'static dyn Fn(&mut NamedTensors)| {
        move |bytes: &mut Vec<u8>| {
            let (mut tensors, description) = tensor_file::decode(bytes).unwrap();
            change(&mut tensors);
            *bytes = tensor_file::encode(&tensors, description);
        }
    };
    let parameters = "classifier.safetensors";
    case(
        "no deviation",
        parameters,
        &tensors(&|tensors| {
            tensors.get_mut("standardizer.deviation").unwrap().0[3] = 0.0;
        }),
    );
    case(
        "weights beyond numbers",
        parameters,
        &tensors(&|tensors| {
            tensors.get_mut("output.weight").unwrap().0.fill(f32::MAX);
            tensors.get_mut("output.weight").unwrap().0[0] = f32::MIN;
            tensors.get_mut("first_norm.beta").unwrap().0.fill(f32::MAX);
        }),
    );
    case("header of a gigabyte", parameters, &|bytes| {
        bytes[..8].copy_from_slice(&(1_u64 << 30).to_le_bytes());
    });
    case("more layers than allowed", "classifier.json", &|bytes| {
        let mut description: Value = serde_json::from_slice(bytes).unwrap();
        description["classifier"]["hidden_sizes"] = json!(vec![1; 17]);
        *bytes = description.to_string().into_bytes();
    });
    insta::assert_snapshot!(page.0, @"
    no deviation
      exit 2: UserError: the model file `FOLDER/model/classifier.safetensors` is damaged: `standardizer.deviation` holds a number that is not positive; unpack the model again
    weights beyond numbers
      exit 2: UserError: the classifier in the model directory gives a score that is not a number; its parameters are damaged: unpack the model again
    header of a gigabyte
      exit 2: UserError: the model file `FOLDER/model/classifier.safetensors` is damaged: its header claims 1073741824 bytes, at most 16777216 are allowed; unpack the model again
    more layers than allowed
      exit 2: UserError: the model file `FOLDER/model/classifier.json` is damaged: its `hidden_sizes` is out of range; unpack the model again
    ");
}

#[test]
fn encoders_that_are_not_the_models() {
    let mut page = Page::default();
    let (folder, model) = copy_of_the_model();
    let random = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/esm2_random");
    let bare = || {
        let mut command = dyad();
        command.arg("predict").arg("--model").arg(&model);
        command.arg("--pairs").arg(pairs(&folder, "Z9S000\tZ9S001\n"));
        command.arg("--sequences").arg(&trained().sequences);
        command
    };
    let right = small_encoder().display().to_string();
    let mut add = |case: &str, command: &mut Command| {
        let refusal = refusal(command, folder.path());
        page.add(case, &refusal.replace(random, "OTHER").replace(&right, "ENCODER"));
    };
    add("another encoder", bare().arg("--encoder").arg(random));
    add("no encoder", &mut bare());
    insta::assert_snapshot!(page.0, @"
    another encoder
      exit 2: UserError: the encoder in `OTHER` is not the one that this model was trained with, `esm2_t6_64d` (digest 309debab8201), which was read from `ENCODER`; give that one with `--encoder`
    no encoder
      exit 2: UserError: this model needs the encoder that it was trained with, `esm2_t6_64d` (digest 309debab8201), which was read from `ENCODER`; give it with `--encoder`
    ");
}

#[test]
fn pairs_that_cannot_be_scored() {
    let mut page = Page::default();
    let folder = tempfile::tempdir().unwrap();
    let mut case = |case: &str, command: &str, content: &str| {
        let mut command = trained().apply(command, &pairs(&folder, content));
        page.add(case, &refusal(&mut command, folder.path()));
    };
    case("no known identifier", "predict", "Q1\tQ2\n");
    case("a row that is no pair", "predict", "Z9S000\tZ9S001\nZ9S000\n");
    case("empty", "predict", "");
    case("without labels", "evaluate", "Z9S000\tZ9S001\n");
    case("a label that is none", "evaluate", "Z9S000\tZ9S001\t1\nZ9S000\tZ9S002\t2\n");
    insta::assert_snapshot!(page.0, @"
    no known identifier
      exit 2: UserError: none of the pairs has a sequence for both proteins: the pairs name e.g. `Q1`, the sequences e.g. `Z9S000`; give both the same identifiers
    a row that is no pair
      exit 2: UserError: line 2 of `pairs.tsv` is no pair: no column 2; mend or remove it
    empty
      exit 2: UserError: `FOLDER/pairs.tsv` is empty: expected a HINT file, a MITAB file (from BioGRID the download `.mitab.txt`), `protein.links` of STRING or a table of pairs
    without labels
      exit 2: UserError: `FOLDER/pairs.tsv` has no label column: add a column `label` with 1 for pairs that interact and 0 for others, or name yours with `--label-column`
    a label that is none
      exit 2: UserError: line 2 of `pairs.tsv` is no pair: label `2` is neither 0 nor 1; mend or remove it
    ");
}

#[test]
fn scores_that_cannot_be_measured() {
    let mut page = Page::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.tsv");
    let mut case = |case: &str, content: &[u8], options: &[&str]| {
        fs::write(&path, content).unwrap();
        let mut command = dyad();
        command.arg("evaluate").arg("--scores").arg(&path).args(options);
        page.add(case, &refusal(&mut command, folder.path()));
    };
    case("empty", b"", &[]);
    case("only a header", b"label\tscore\n", &[]);
    case("binary", b"\0\0", &[]);
    case("no score column", b"label\tp\n1\t0.5\n", &[]);
    case("no such label column", b"label,score\n1,0.5\n", &["--label-column", "truth"]);
    case("a score that is none", b"label\tscore\n1\t0.5\n0\tNA\n", &[]);
    case("a label that is none", b"label,score\nyes,0.5\n", &[]);
    case("a short row", b"label,score\n1,0.5\n0\n", &[]);
    case("no threshold", b"label,score\n1,0.5\n", &["--threshold", "nan"]);
    let case_name = "a threshold that is no probability";
    case(case_name, b"label,score\n1,0.5\n", &["--threshold", "7"]);
    insta::assert_snapshot!(page.0, @"
    empty
      exit 2: UserError: `FOLDER/scores.tsv` is empty: expected a header with a label and a score column, and rows
    only a header
      exit 2: UserError: `FOLDER/scores.tsv` has a header and no row: there is nothing to measure
    binary
      exit 2: UserError: `FOLDER/scores.tsv` is not a text file: line 1 holds binary data: give plain text, or text packed with gzip
    no score column
      exit 2: UserError: `FOLDER/scores.tsv` has no score column: expected `score`, `probability`, `prediction`, found `label`, `p`; name yours with `--score-column`
    no such label column
      exit 2: UserError: `FOLDER/scores.tsv` has no label column: expected `truth`, found `label`, `score`; name yours with `--label-column`
    a score that is none
      exit 2: UserError: line 3 of `FOLDER/scores.tsv` has the score `NA`, expected a probability from 0 to 1: mend or remove the row
    a label that is none
      exit 2: UserError: line 2 of `FOLDER/scores.tsv` has the label `yes`, expected 0 or 1: mend or remove the row
    a short row
      exit 2: UserError: line 3 of `FOLDER/scores.tsv` has another number of columns than the header, 1 instead of 2: mend or remove it
    no threshold
      exit 2: UserError: `--threshold` is `NaN`, expected a number from 0 to 1
    a threshold that is no probability
      exit 2: UserError: `--threshold` is `7`, expected a number from 0 to 1
    ");
}

/// The shared model in a folder of its own, to spoil.
fn copy_of_the_model() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    for name in ["manifest.json", "classifier.json", "classifier.safetensors"] {
        fs::copy(trained().model.join(name), model.join(name)).unwrap();
    }
    (folder, model)
}

fn predict(folder: &TempDir, model: &Path) -> Command {
    let mut command = dyad();
    command.arg("predict").arg("--model").arg(model);
    command.arg("--pairs").arg(pairs(folder, "Z9S000\tZ9S001\n"));
    command.arg("--sequences").arg(&trained().sequences).arg("--encoder").arg(small_encoder());
    command
}

fn pairs(folder: &TempDir, content: &str) -> PathBuf {
    let path = folder.path().join("pairs.tsv");
    fs::write(&path, content).unwrap();
    path
}
