//! The page `docs/hyperparameters.md`.

use std::fmt::Write as _;

use super::{commands, is_tunable};
use crate::config::{Effect, KEYS};

/// The page with [`PLACE`] where the table goes.
const PAGE: &str = include_str!("page.md");
const PLACE: &str = "<!-- keys -->\n";

pub(super) fn page() -> String {
    PAGE.replacen(PLACE, &table(), 1)
}

fn table() -> String {
    let mut table = String::from(
        "| Name | Values | Default | Result | Tunable | Commands | Meaning |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let yes = |yes| if yes { "yes" } else { "no" };
    for key in KEYS {
        let (result, tunable) = (yes(key.effect == Effect::Result), yes(is_tunable(key)));
        let (name, values, commands) = (key.name, key.kind.expected(), commands(key).join(", "));
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| `{name}` | {values} | `{}` | {result} | {tunable} | {commands} | {} |",
            key.default, key.help
        );
    }
    table
}
