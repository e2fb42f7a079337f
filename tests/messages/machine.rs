//! What a machine may lack: permission, space. Tests that cannot bring this about say why.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::{refusal, refusal_below};
use crate::support::{Root, dyad, dyad_under, succeed};

const ROOT_USER: u32 = 0;

#[test]
fn an_unreadable_folder() {
    let root = Root::new();
    let Some(dyad) = unprivileged("an_unreadable_folder", &root) else { return };
    for folder in ["model", "output", "checkpoints"] {
        set_mode(&root.path().join(folder), 0o777);
    }
    set_mode(&root.channel("sequences"), 0o000);
    let refused = refusal_below(&root, &mut root.inside(dyad));
    set_mode(&root.channel("sequences"), 0o755);
    insta::assert_snapshot!(refused, @"exit 2: UserError: cannot list `FOLDER/input/data/sequences`: permission denied. Fix: give this user the permission or, in a container, run as root");
}

#[test]
fn a_read_only_model_folder() {
    let root = Root::new();
    let Some(dyad) = unprivileged("a_read_only_model_folder", &root) else { return };
    for (folder, mode) in [("output", 0o777), ("checkpoints", 0o777), ("model", 0o555)] {
        set_mode(&root.path().join(folder), mode);
    }
    let refused = refusal_below(&root, &mut root.inside(dyad));
    insta::assert_snapshot!(refused, @"exit 2: UserError: cannot write to the folder `FOLDER/model`, which the job needs: permission denied. Fix: give this user the permission or, in a container, run as root");
}

/// Training fills a small disk; with more space the same job goes on from its last checkpoint.
#[test]
fn a_full_disk() {
    let root = trainable();
    let [checkpoints, kept] = ["checkpoints", "kept"].map(|name| root.path().join(name));
    fs::create_dir(&checkpoints).unwrap();
    let mount = r#"mount -t tmpfs -o size=9m tmpfs "$0""#;
    let mounts =
        Command::new("unshare").args(["-rm", "sh", "-c", mount]).arg(&checkpoints).status();
    if !mounts.is_ok_and(|status| status.success()) {
        return eprintln!("skipped: a_full_disk: no small disk can be mounted here");
    }
    // The disk is gone with the process; what it held is copied out before.
    let script = format!(r#"{mount}; "$2"; code=$?; cp -a "$0" "$1"; exit $code"#);
    let paths = [&checkpoints, &kept].map(|path| path.to_str().unwrap());
    let mut limited = dyad_under("unshare", &["-rm", "sh", "-c", &script, paths[0], paths[1]]);
    limited.env("DYAD_CHECKPOINT_SECONDS", "0");
    let refused = refusal_below(&root, &mut root.inside(limited));
    insta::assert_snapshot!(without_file_name(&refused), @"exit 3: PlatformError: cannot write `FOLDER/checkpoints/runs/...`: no space left on device. Fix: free space there or use a larger volume, and run again; what was done is kept");

    fs::remove_dir_all(&checkpoints).unwrap();
    fs::rename(kept, &checkpoints).unwrap();
    let (_, log) = succeed(&mut root.job());
    assert!(log.contains("resumed from step 11 (epoch 2)"), "{log}");
    assert!(log.contains("embeddings total=40 cached=40 computed=0 missing=0"), "{log}");
    assert_eq!(root.failure(), None, "what the first attempt said");
}

#[test]
fn a_limit_on_the_size_of_files() {
    let root = trainable();
    let limited = dyad_under("sh", &["-c", "ulimit -f 1000; exec \"$0\""]);
    let refused = refusal_below(&root, &mut root.inside(limited));
    insta::assert_snapshot!(without_file_name(&refused), @"exit 3: PlatformError: cannot write `FOLDER/checkpoints/runs/...`: file too large. Fix: raise the limit on the size of files (`ulimit -f`), and run again; what was done is kept");
}

#[test]
fn results_that_cannot_be_written() {
    let root = Root::new();
    let mut sample = dyad();
    sample.args(["sample", "--out", "/dev/null/sample"]);
    insta::assert_snapshot!(refusal(&mut sample, root.path()), @"exit 2: UserError: cannot create the folder `/dev/null/sample`: not a directory. Fix: check the path: a file lies where a folder is needed, or the reverse");
}

/// A job whose checkpoints take almost 4 MB each.
fn trainable() -> Root {
    let root = Root::new();
    root.configure("hyperparameters.json", r#"{"split": "pairs", "epochs": "4"}"#);
    root
}

/// The binary as a user whom permissions bind, if this test can be one.
fn unprivileged(test: &str, root: &Root) -> Option<Command> {
    for folder in ["model", "output", "checkpoints"] {
        fs::create_dir(root.path().join(folder)).unwrap();
    }
    set_mode(root.path(), 0o755);
    if fs::metadata(root.path()).unwrap().uid() != ROOT_USER {
        return Some(dyad());
    }
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let works = dyad_under("setpriv", &nobody).arg("--version").output();
    if works.is_ok_and(|output| output.status.success()) {
        return Some(dyad_under("setpriv", &nobody));
    }
    eprintln!("skipped: {test}: run by the superuser, whom no permission binds");
    None
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A message without the name of a checkpoint, which depends on the bits of its content.
fn without_file_name(message: &str) -> String {
    let (before, name) = message.split_once("/runs/").unwrap();
    let (_, after) = name.split_once('`').unwrap();
    format!("{before}/runs/...`{after}")
}
