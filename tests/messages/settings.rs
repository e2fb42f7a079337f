//! Settings that no layer may hold.

use super::{Page, refusal, refusal_below};
use crate::support::{Root, dyad};

#[test]
fn hyperparameters() {
    let mut page = Page::default();
    let mut content = |case: &str, json: &str| {
        let root = Root::new();
        root.configure("hyperparameters.json", json);
        page.add(case, &refusal_below(&root, &mut root.job()));
    };
    content("unknown", r#"{"epoch": "3"}"#);
    content("no number", r#"{"epochs": "ten"}"#);
    content("no CUDA in this build", r#"{"device": "cuda"}"#);
    content(
        "several problems",
        r#"{"epochs": "ten", "lr": "0.1", "split": "random", "hidden_sizes": "[]"}"#,
    );
    content("fractions", r#"{"test_fraction": "0.6", "validation_fraction": "0.5"}"#);
    content("no JSON", "epochs: 3");
    insta::assert_snapshot!(page.0, @"
    unknown
      exit 2: UserError: unknown key `epoch` (hyperparameters.json): expected a key of `dyad train --help`, the nearest is `epochs`
    no number
      exit 2: UserError: `epochs` = `ten` (hyperparameters.json): expected an integer from 1 to 10000
    no CUDA in this build
      exit 2: UserError: `device=cuda` needs a build with libtorch, and this one computes on the CPU only; use `device=cpu`, or the GPU image
    several problems
      exit 2: UserError: the configuration has 4 problems: `epochs` = `ten` (hyperparameters.json): expected an integer from 1 to 10000; `hidden_sizes` = `[]` (hyperparameters.json): expected 1 to 16 integers from 1 to 65536, separated by commas; unknown key `lr` (hyperparameters.json): expected a key of `dyad train --help`, the nearest is `learning_rate`; `split` = `random` (hyperparameters.json): expected `clusters`, `proteins`, `pairs` or `given`
    fractions
      exit 2: UserError: `test_fraction` = `0.6` (hyperparameters.json) and `validation_fraction` = `0.5` (hyperparameters.json): expected a sum below 1, to leave pairs for training
    no JSON
      exit 2: UserError: `FOLDER/input/config/hyperparameters.json` is not valid: expected value at line 1 column 1; correct it, or remove it to run with defaults
    ");
}

#[test]
fn options_and_environment() {
    let mut page = Page::default();
    let root = Root::new();
    let mut case = |case: &str, options: &[&str], variables: &[(&str, &str)]| {
        let mut command = root.by_paths();
        command.args(options).envs(variables.iter().copied());
        page.add(case, &refusal(&mut command, root.path()));
    };
    case("no number", &["--epochs", "ten"], &[]);
    case("negative", &["--epochs", "-1"], &[]);
    case("no CUDA in this build", &["--device", "cuda:1"], &[]);
    case("unknown variable", &[], &[("DYAD_EPOCH", "3")]);
    case("several problems", &["--epochs", "0", "--dropout", "1"], &[("DYAD_SEED", "x")]);
    case("no config file", &["--config", "/nonexistent/run.toml"], &[]);
    case("log filter", &[], &[("DYAD_LOG", "loud=very=much")]);
    case("progress", &[], &[("DYAD_PROGRESS", "some")]);
    insta::assert_snapshot!(page.0, @"
    no number
      exit 2: UserError: `--epochs` = `ten` (command line): expected an integer from 1 to 10000
    negative
      exit 2: UserError: `--epochs` = `-1` (command line): expected an integer from 1 to 10000
    no CUDA in this build
      exit 2: UserError: `device=cuda:1` needs a build with libtorch, and this one computes on the CPU only; use `device=cpu`, or the GPU image
    unknown variable
      exit 2: UserError: unknown key `DYAD_EPOCH` (environment): expected a key of `dyad train --help`, the nearest is `DYAD_EPOCHS`
    several problems
      exit 2: UserError: the configuration has 3 problems:
      `DYAD_SEED` = `x` (environment): expected an integer from 0 to 9223372036854775807;
      `--dropout` = `1` (command line): expected a number, at least 0 and below 1;
      `--epochs` = `0` (command line): expected an integer from 1 to 10000
    no config file
      exit 2: UserError: cannot read `/nonexistent/run.toml`: no such file or directory: give `--config` a file that can be read
    log filter
      exit 2: UserError: `DYAD_LOG` = `loud=very=much` (environment): expected a level (`error`, `warn`, `info`, `debug`) or a filter like `info,dyad=debug`
    progress
      exit 2: UserError: `DYAD_PROGRESS` = `some` (environment): expected `bars`, `lines` or `none`
    ");
}

/// Of too many problems the failure file holds the first; the log has them all.
#[test]
fn more_problems_than_the_platform_shows() {
    let root = Root::new();
    let unknown: Vec<_> = (0..30).map(|number| format!(r#""k{number:02}": "1""#)).collect();
    root.configure("hyperparameters.json", &format!("{{{}}}", unknown.join(",")));
    let output = root.job().output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let last = log.lines().last().unwrap().split_once(" ERROR ").unwrap().1;
    assert_eq!(root.failure().as_deref(), Some(last));
    assert_eq!(last.chars().count(), 900);
    assert!(last.starts_with("UserError: the configuration has 30 problems: unknown key `k00`"));
    assert!(log.contains("unknown key `k29`"), "{log}");
}

#[test]
fn a_gpu_build_is_named_as_the_remedy_for_every_command() {
    let root = Root::new();
    let mut embed = dyad();
    embed.args(["embed", "--device", "cuda", "--out", "x.safetensors"]);
    embed.arg("--sequences").arg(root.channel("sequences"));
    embed.arg("--encoder").arg(root.channel("encoder")).current_dir(root.path());
    insta::assert_snapshot!(refusal(&mut embed, root.path()), @"exit 2: UserError: `device=cuda` needs a build with libtorch, and this one computes on the CPU only; use `device=cpu`, or the GPU image");
}
