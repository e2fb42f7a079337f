//! The failure file: why a job failed and what to do, as the platform shows it.

use super::Root;
use crate::storage::{self, StorageError};

/// The platform shows 1024 characters and wraps them in words of its own.
const LONGEST: usize = 900;

/// Begins the remedy in a failure text.
const REMEDY: &str = " Fix: ";

/// Writes `text` to the failure file, as [`failure_line`] puts it.
pub fn write_failure(root: &Root, text: &str) -> Result<(), StorageError> {
    let path = root.failure();
    if let Some(folder) = path.parent() {
        storage::create_folder(folder)?;
    }
    storage::write_atomic(&path, failure_line(text).as_bytes())
}

/// Removes what an earlier attempt below the same root said.
pub fn forget_failure(root: &Root) -> Result<(), StorageError> {
    storage::remove(&root.failure())
}

/// `text`, of the form `UserError: what is wrong. Fix: what to do`, on one line that the platform
/// shows in full: where it is too long the cause loses its end, so that the remedy stays.
pub fn failure_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let (cause, remedy) = text.split_at(text.rfind(REMEDY).unwrap_or(text.len()));
    // A remedy this long is none; then both lose their ends.
    let remedy = cut(remedy, LONGEST / 2);
    cut(cause, LONGEST - remedy.chars().count()) + &remedy
}

/// `text` with at most `longest` characters, the last one an ellipsis where something is missing.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        write_failure(&root, text).unwrap();
        String::from_utf8(storage::read(&root.failure(), 10_000).unwrap()).unwrap()
    }

    #[test]
    fn a_short_text_is_written_as_one_line() {
        let text = written("UserError: two problems:\n  one;\n\ttwo. Fix: mend them.\n");
        assert_eq!(text, "UserError: two problems: one; two. Fix: mend them.");
    }

    #[test]
    fn of_a_long_text_the_cause_is_cut_and_the_remedy_stays() {
        let text = written(&format!("UserError: {} Fix: set `epochs` to 3.", "äöü€ ".repeat(1000)));
        assert_eq!(text.chars().count(), LONGEST);
        assert!(text.starts_with("UserError: äöü€ "), "{text}");
        assert!(text.ends_with("… Fix: set `epochs` to 3."), "{text}");
    }

    #[test]
    fn a_text_that_is_all_remedy_or_none_fits_too() {
        for text in ["€".repeat(5000), format!("UserError: x. Fix: {}", "y".repeat(5000))] {
            let text = written(&text);
            assert!(text.chars().count() <= LONGEST, "{}", text.chars().count());
            assert!(text.ends_with('…'), "{text}");
        }
    }

    #[test]
    fn a_later_failure_replaces_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        write_failure(&root, "UserError: a much longer first text. Fix: one.").unwrap();
        write_failure(&root, "UserError: b. Fix: two.").unwrap();
        assert_eq!(storage::read(&root.failure(), 100).unwrap(), b"UserError: b. Fix: two.");
    }
}
