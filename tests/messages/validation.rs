//! `validate`: the problems of `train`, all at once.

use std::fs;

use super::{Page, refusal_below};
use crate::support::Root;

#[test]
fn all_problems_come_in_one_message() {
    let mut page = Page::default();
    let mut case = |case: &str, settings: &str, spoil: &dyn Fn(&Root)| {
        let root = Root::new();
        root.configure("hyperparameters.json", settings);
        spoil(&root);
        let refusal = refusal_below(&root, root.job().arg("validate"));
        page.add(case, &refusal);
    };
    let no_channel = |root: &Root| fs::remove_dir_all(root.channel("interactions")).unwrap();
    case("channel and settings", r#"{"epochs": "0", "lr": "1"}"#, &no_channel);
    case("device, sequences and encoder", r#"{"device": "cuda", "split": "pairs"}"#, &|root| {
        root.write("sequences/proteins.fasta", "MKV\n");
        fs::remove_file(root.own_encoder().join("config.json")).unwrap();
    });
    case("too few pairs to split", "{}", &|_| {});
    insta::assert_snapshot!(page.0, @"
    channel and settings
      exit 2: UserError: the run has 2 problems: the configuration has 2 problems: `epochs` = `0` (hyperparameters.json): expected an integer from 1 to 10000; unknown key `lr` (hyperparameters.json): expected a key of `dyad train --help`, the nearest is `learning_rate`; missing input channels: `interactions`; the job has `encoder`, `sequences`; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    device, sequences and encoder
      exit 2: UserError: the run has 3 problems: `device=cuda` needs a build with libtorch, and this one computes on the CPU only; use `device=cpu`, or the GPU image; `FOLDER/input/data/sequences/proteins.fasta` line 1: text before the first header: FASTA begins with `>` and an accession; no `config.json` in `FOLDER/input/data/encoder`; give the folder of an ESM-2 model as Hugging Face publishes it, with `config.json` and `model.safetensors`, or one `.pt` file of fair-esm
    too few pairs to split
      exit 2: UserError: the test part has too few positive pairs, 7 where at least 10 are needed: use more pairs (mind `max_proteins` and `max_pairs`) or raise `test_fraction`
    ");
}

#[test]
fn one_problem_is_the_very_message_of_train() {
    let root = Root::new();
    root.configure("hyperparameters.json", r#"{"epoch": "3"}"#);
    let train = refusal_below(&root, root.job().arg("train"));
    assert_eq!(refusal_below(&root, root.job().arg("validate")), train);
    assert!(train.contains("unknown key `epoch`"), "{train}");
}
