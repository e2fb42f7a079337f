//! Bad input ends in one clear message, the documented exit code and, below a SageMaker root, a
//! failure file with the same words. Every message that a new user can meet is on these pages.

mod arguments;
mod cache;
mod encoder;
mod estimate;
mod interactions;
mod machine;
mod models;
mod resumed;
mod roots;
mod sequences;
mod settings;
mod validation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::{Root, shown, text};

/// What the platform shows of a failure file without cutting it.
const LONGEST_FAILURE: usize = 900;

/// Cases with what became of them, for a snapshot.
#[derive(Default)]
struct Page(String);

impl Page {
    fn add(&mut self, case: &str, refusal: &str) {
        writeln!(self.0, "{case}\n  {refusal}").unwrap();
    }

    /// Adds the refusal of a training run on spoiled inputs, which must be the same words whether
    /// they are given as paths or as channels.
    fn spoiled(&mut self, case: &str, settings: &[(&str, &str)], spoil: impl FnOnce(&Root)) {
        let root = Root::new();
        let hyperparameters: BTreeMap<_, _> = settings.iter().copied().collect();
        root.configure("hyperparameters.json", &json!(hyperparameters).to_string());
        spoil(&root);
        let options = settings.iter().map(|(key, value)| format!("--{key}={value}"));
        let by_paths = refusal(root.by_paths().args(options), root.path());
        assert_eq!(refusal_below(&root, &mut root.job()), by_paths, "{case}");
        self.add(case, &by_paths);
    }
}

/// The exit code and the one message of a command that must fail, with `folder` as `FOLDER`.
fn refusal(command: &mut Command, folder: &Path) -> String {
    let output = command.output().unwrap();
    let message = message(&output);
    let code = output.status.code().unwrap_or(-1);
    format!("exit {code}: {message}").replace(&folder.display().to_string(), "FOLDER")
}

/// The same for a job below a root, whose failure file must hold the message on one line.
fn refusal_below(root: &Root, command: &mut Command) -> String {
    let output = command.output().unwrap();
    let message = message(&output);
    assert_eq!(root.failure().as_deref(), Some(message.as_str()), "{}", shown(&output));
    assert!(message.chars().count() <= LONGEST_FAILURE, "{message}");
    assert!(!message.contains('\n'), "{message}");
    let code = output.status.code().unwrap_or(-1);
    format!("exit {code}: {message}").replace(&root.path().display().to_string(), "FOLDER")
}

/// The only error in the log, which ends with it.
fn message(output: &Output) -> String {
    const ERROR: &str = " ERROR ";
    assert!(!output.status.success(), "{}", shown(output));
    let log = text(&output.stderr);
    assert_eq!(log.matches(ERROR).count(), 1, "{}", shown(output));
    assert!(output.stdout.is_empty(), "{}", shown(output));
    log.split_once(ERROR).unwrap().1.trim_end().to_owned()
}
