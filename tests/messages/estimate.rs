//! What cannot be estimated.

use std::path::Path;

use super::{Page, refusal};
use crate::support::dyad;

#[test]
fn estimates() {
    let mut page = Page::default();
    let mut case = |case: &str, arguments: &[&str]| {
        page.add(case, &refusal(dyad().arg("estimate").args(arguments), Path::new("/nonexistent")));
    };
    let encoder = "--encoder=esm2_t6_8M_UR50D";
    case("nothing to count", &[encoder]);
    case("files and counts", &[encoder, "--proteins=10", "--interactions=a", "--sequences=b"]);
    case("counts and a part", &[encoder, "--proteins=10", "--pairs=10", "--test=nowhere.tsv"]);
    case("unknown encoder", &["--encoder=esm2_8M", "--proteins=10", "--pairs=10"]);
    let unknown = "--encoder=lab/model";
    case("encoder of unknown shape", &[unknown, "--proteins=10", "--pairs=10"]);
    case("a name cannot be measured", &[encoder, "--proteins=10", "--pairs=10", "--calibrate"]);
    case("instance", &[encoder, "--proteins=10", "--pairs=10", "--instance=ml.g4dn.xlrge"]);
    insta::assert_snapshot!(page.0, @"
    nothing to count
      exit 2: UserError: `dyad estimate` counts either files (`--interactions`, and `--sequences`, `--validation` and `--test` if you like) or what you say (`--proteins` of at least 2 and `--pairs` of at least 1)
    files and counts
      exit 2: UserError: `dyad estimate` counts either files (`--interactions`, and `--sequences`, `--validation` and `--test` if you like) or what you say (`--proteins` of at least 2 and `--pairs` of at least 1)
    counts and a part
      exit 2: UserError: `dyad estimate` counts either files (`--interactions`, and `--sequences`, `--validation` and `--test` if you like) or what you say (`--proteins` of at least 2 and `--pairs` of at least 1)
    unknown encoder
      exit 2: UserError: `esm2_8M` is neither a folder nor a known encoder; give the folder of an ESM-2 model, a file of fair-esm (`.pt`), one of `esm2_t6_8M_UR50D`, `esm2_t12_35M_UR50D`, `esm2_t30_150M_UR50D`, `esm2_t33_650M_UR50D`, `esm2_t36_3B_UR50D`, `esm2_t48_15B_UR50D`, or `owner/name` of a model of Hugging Face
    encoder of unknown shape
      exit 2: UserError: `lab/model` is no folder here and no published ESM-2, whose shape is known; get its folder with `dyad fetch --encoder lab/model` and give that
    a name cannot be measured
      exit 2: UserError: `--calibrate` computes with an encoder, and `esm2_t6_8M_UR50D` is a name only; give its folder with `--encoder`
    instance
      exit 2: UserError: instance type `ml.g4dn.xlrge` is not in the table; the nearest is `ml.g4dn.xlarge`, and `dyad estimate` without `--instance` lists all
    ");
}
