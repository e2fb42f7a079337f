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
    insta::assert_snapshot!(page.0, @"
    no such space
      exit 2: UserError: no embedding space in `none/` has an id that begins with `4f1c`; there is none
    a folder without runs
      exit 2: UserError: `--checkpoints` `input` has no folder `runs`: give `OUT/checkpoints` of a run
    a place that is none in S3
      exit 2: UserError: `--storage-uri` = `bucket/prefix` (command line): expected `s3://bucket/prefix/`, or `none`
    a file for --cache
      exit 2: UserError: cannot list `input/data/interactions/pairs.tsv/v1/`: not a directory. Fix: check the path: a file lies where a folder is needed, or the reverse
    ");
}
