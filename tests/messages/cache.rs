//! A cache that is not there, or not as it is asked for.

use super::{Page, refusal};
use crate::support::{Root, dyad};

#[test]
fn what_cannot_be_done_with_a_cache() {
    let mut page = Page::default();
    let root = Root::new();
    let mut case = |case: &str, arguments: &[&str]| {
        let mut command = dyad();
        command.current_dir(root.path()).arg("cache").args(arguments);
        page.add(case, &refusal(&mut command, root.path()));
    };
    let export = ["export", "--cache", "none", "--out", "out", "--space"];
    case("no such space", &[&export[..], &["4f1c"]].concat());
    case("a folder without runs", &["gc", "--cache", "none", "--checkpoints", "input"]);
    case("a place that is none in S3", &["ls", "--storage-uri", "bucket/prefix"]);
    case("a file for --cache", &["ls", "--cache", "input/data/interactions/pairs.tsv"]);
    let mut command = dyad();
    command.env("DYAD_STORAGE_URI", "s3://lab-data/x").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env_remove("AWS_ACCESS_KEY_ID").args(["cache", "ls"]);
    page.add("no credentials", &refusal(&mut command, root.path()));
    insta::assert_snapshot!(page.0, @"");
}
