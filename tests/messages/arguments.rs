//! Arguments that name no work, or no place for it.

use super::{Page, refusal, refusal_below};
use crate::support::{Root, dyad, shown, text};

#[test]
fn paths_that_do_not_fit() {
    let mut page = Page::default();
    let root = Root::new();
    let mut case = |case: &str, arguments: &[&str]| {
        let mut command = dyad();
        command.current_dir(root.path()).args(arguments);
        page.add(case, &refusal(&mut command, root.path()));
    };
    let encoder = "input/data/encoder";
    let pairs = "input/data/interactions";
    let train = ["train", "--interactions", pairs, "--encoder", encoder, "--sequences"];
    case("nothing at all", &["train"]);
    case("no --out", &[&train[..], &["input/data/sequences"]].concat());
    case("a path that is not there", &[&train[..], &["nowhere.fasta", "--out", "out"]].concat());
    let path = "input/data/interactions/pairs.tsv";
    let embed = ["embed", "--sequences", "input/data/sequences", "--out", "x", "--encoder"];
    case("a file for --out", &[&train[..], &["x", "--out", path]].concat());
    case("a file for --encoder", &[&embed[..], &[path]].concat());
    let embed = ["embed", "--sequences", "input/data/sequences", "--encoder", encoder, "--out"];
    case("a folder for --out", &[&embed[..], &["input"]].concat());
    case("an input for --out", &[&train[..], &["input/data/sequences", "--out", encoder]].concat());
    let pipe = root.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    case("a pipe", &[&train[..], &["pipe", "--out", "out"]].concat());
    insta::assert_snapshot!(page.0, @"
    nothing at all
      exit 2: UserError: `dyad train` needs `--interactions`, `--encoder`, `--out` or a SageMaker root (`/nonexistent` has no folder `input`); see `dyad train --help`
    no --out
      exit 2: UserError: `dyad train` needs `--out`; see `dyad train --help`
    a path that is not there
      exit 2: UserError: cannot read `nowhere.fasta`: no such file or directory. Fix: check the path
    a file for --out
      exit 2: UserError: cannot create the folder `input/data/interactions/pairs.tsv`: file exists. Fix: check the path: a file lies where a folder is needed, or the reverse
    a file for --encoder
      exit 2: UserError: `input/data/interactions/pairs.tsv` is no `.pt` file of an ESM-2 model (it is no zip archive, which `torch.save` writes since PyTorch 1.6); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    a folder for --out
      exit 2: UserError: `--out` `input` is a folder: give the name of a file
    an input for --out
      exit 2: UserError: `--out` is the input folder `input/data/encoder`; give another folder
    a pipe
      exit 2: UserError: cannot read `pipe`: it is neither a file nor a folder. Fix: give a file, or a folder of files
    ");
}

/// On a terminal clap explains in its own way, with the usage; every refusal is the user's.
#[test]
fn words_that_are_no_arguments() {
    let mut page = Vec::new();
    for arguments in [
        &["trian"][..],
        &["train", "--epoch", "3"],
        &["predict", "--model", "run"],
        &["evaluate"],
        &["evaluate", "--scores", "a.tsv", "--pairs", "b.tsv"],
        &["sample", "--out", "s", "--seed", "one"],
        &["train", "--epochs", "--out", "run"],
    ] {
        let output = dyad().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        page.push(format!("dyad {}\n{}", arguments.join(" "), text(&output.stderr)));
    }
    insta::assert_snapshot!(page.join("\n"), @"
    dyad trian
    error: unrecognized subcommand 'trian'

      tip: a similar subcommand exists: 'train'

    Usage: dyad <COMMAND>

    For more information, try '--help'.

    dyad train --epoch 3
    error: unexpected argument '--epoch' found

      tip: a similar argument exists: '--epochs'

    Usage: dyad train --epochs <N>

    For more information, try '--help'.

    dyad predict --model run
    error: the following required arguments were not provided:
      --pairs <PATH>

    Usage: dyad predict --model <DIR> --pairs <PATH>

    For more information, try '--help'.

    dyad evaluate
    error: the following required arguments were not provided:
      <--model <DIR>|--scores <FILE>>

    Usage: dyad evaluate <--model <DIR>|--scores <FILE>>

    For more information, try '--help'.

    dyad evaluate --scores a.tsv --pairs b.tsv
    error: the argument '--scores <FILE>' cannot be used with '--pairs <PATH>'

    Usage: dyad evaluate <--model <DIR>|--scores <FILE>>

    For more information, try '--help'.

    dyad sample --out s --seed one
    error: invalid value 'one' for '--seed <N>': expected an integer from 0 on

    For more information, try '--help'.

    dyad train --epochs --out run
    error: a value is required for '--epochs <N>' but none was supplied

    For more information, try '--help'.
    ");
}

#[test]
fn words_that_are_no_arguments_below_a_root() {
    let mut page = Page::default();
    for arguments in [
        &["trian"][..],
        &["train", "--epoch", "3"],
        &["predict", "--model", "run"],
        &["sample", "--out", "s", "--seed", "one"],
        &["train", "--sequences", "x.fasta"],
    ] {
        let root = Root::new();
        let refusal = refusal_below(&root, root.job().args(arguments));
        page.add(&format!("dyad {}", arguments.join(" ")), &refusal);
    }
    insta::assert_snapshot!(page.0, @"
    dyad trian
      exit 2: UserError: unrecognized subcommand 'trian'; a similar subcommand exists: 'train'. Fix: see `dyad --help`
    dyad train --epoch 3
      exit 2: UserError: unexpected argument '--epoch' found; a similar argument exists: '--epochs'. Fix: see `dyad train --help`
    dyad predict --model run
      exit 2: UserError: the following required arguments were not provided: --pairs <PATH>. Fix: see `dyad predict --help`
    dyad sample --out s --seed one
      exit 2: UserError: invalid value 'one' for '--seed <N>': expected an integer from 0 on. Fix: see `dyad --help`
    dyad train --sequences x.fasta
      exit 2: UserError: `dyad train` needs `--interactions`, `--encoder`, `--out`; see `dyad train --help`
    ");
}

#[test]
fn without_argument_and_root_the_help_is_shown() {
    let output = dyad().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let help = text(&dyad().arg("--help").output().unwrap().stdout);
    assert_eq!(text(&output.stderr), help);
}

#[test]
fn a_root_without_input_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = dyad();
    command.arg("train").env("SAGEMAKER_BASE_DIR", folder.path());
    insta::assert_snapshot!(refusal(&mut command, folder.path()), @"exit 2: UserError: `dyad train` needs `--interactions`, `--encoder`, `--out` or a SageMaker root (`FOLDER` has no folder `input`); see `dyad train --help`");
    assert!(!folder.path().join("output").exists(), "no root, no failure file");
}
