//! The help is what a new user reads first.

use dyad::config::KEYS;

use crate::support::{dyad, succeed};

const COMMANDS: [&str; 10] = [
    "train", "validate", "fetch", "embed", "predict", "evaluate", "estimate", "cache", "sample",
    "schema",
];

fn help(arguments: &[&str]) -> String {
    succeed(dyad().args(arguments).arg("--help")).0
}

#[test]
fn every_command_is_listed_and_has_an_example() {
    let overview = help(&[]);
    assert!(overview.contains("Example"), "{overview}");
    for command in COMMANDS {
        assert!(overview.contains(&format!("\n  {command} ")), "{overview}");
        let text = help(&[command]);
        let example = text.split_once("\nExample").map(|(_, after)| after).unwrap_or_default();
        assert!(example.contains(&format!("\n  dyad {command} ")), "{text}");
    }
}

#[test]
fn every_configuration_key_is_an_option_of_train_with_its_default() {
    let text = help(&["train"]);
    // The option of this one takes a path as well and says so.
    for key in KEYS.iter().filter(|key| key.name != "interactions") {
        let option = format!("--{} ", key.name.replace('_', "-"));
        let line = text.lines().find(|line| line.trim_start().starts_with(&option));
        let documented = |line: &str| line.contains(key.help) && line.contains(key.default);
        assert!(line.is_some_and(documented), "{option}\n{text}");
    }
}
