//! What a checkpoint's file name says: how far, by whom, and of which content.

use std::fmt;
use std::str::FromStr;

/// Ordered by age: by steps, then by attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) step: u64,
    pub(super) attempt: u32,
    /// The first 16 characters of the file's SHA-256.
    pub(super) digest: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, attempt, digest } = self;
        write!(f, "{step:012}-a{attempt}-{digest}.safetensors")
    }
}

/// A name that no checkpoint has.
#[derive(Debug)]
pub(super) struct NoCheckpoint;

impl FromStr for Name {
    type Err = NoCheckpoint;

    /// Takes exactly the names that [`fmt::Display`] gives; they are safe to join to a path.
    fn from_str(file: &str) -> Result<Self, NoCheckpoint> {
        let mut parts = file.strip_suffix(".safetensors").ok_or(NoCheckpoint)?.split('-');
        let mut part = || parts.next().ok_or(NoCheckpoint);
        let (step, attempt, digest) = (part()?, part()?, part()?.to_owned());
        let attempt = attempt.strip_prefix('a').ok_or(NoCheckpoint)?;
        let step = step.parse().map_err(|_| NoCheckpoint)?;
        let attempt = attempt.parse().map_err(|_| NoCheckpoint)?;
        let name = Self { step, attempt, digest };
        let hexadecimal = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let digested = name.digest.len() == 16 && name.digest.bytes().all(hexadecimal);
        if digested && name.to_string() == file { Ok(name) } else { Err(NoCheckpoint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_dyad_writes_are_names() {
        let good = "000000000099-a12-0123456789abcdef.safetensors";
        assert_eq!(good.parse::<Name>().unwrap().to_string(), good);
        let bad = [
            "000000000099-a12-0123456789abcdef.safetensors.sagemaker-uploading",
            "000000000099-a12-0123456789ABCDEF.safetensors",
            "000000000099-a12-0123456789abcdef-x.safetensors",
            "000000000099-a012-0123456789abcdef.safetensors",
            "+00000000099-a12-0123456789abcdef.safetensors",
            "000000000099-a+1-0123456789abcdef.safetensors",
            "99-a1-0123456789abcdef.safetensors",
            "../000000000099-a1-0123456789abcdef.safetensors",
            "000000000099-a1-0123456789abcde/.safetensors",
            "000000000099-a1-.safetensors",
            "model.safetensors",
            "",
        ];
        for name in bad {
            assert!(name.parse::<Name>().is_err(), "{name}");
        }
    }

    #[test]
    fn later_steps_are_newer_and_then_later_attempts() {
        let name = |text: &str| -> Name { text.parse().unwrap() };
        let mut names = [
            name("000000001000-a9-ffffffffffffffff.safetensors"),
            name("000000001000-a10-0000000000000000.safetensors"),
            name("000000000999-a11-ffffffffffffffff.safetensors"),
        ];
        names.sort();
        assert_eq!(names.map(|name| name.attempt), [11, 9, 10]);
    }
}
