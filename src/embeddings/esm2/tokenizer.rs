//! The ESM-2 alphabet: one token per residue, `<cls>` before and `<eos>` behind.

use std::path::Path;

use super::EncoderError;
use crate::storage;

/// The tokens of every published ESM-2 in order of their numbers (`vocab.txt`).
pub(super) const VOCABULARY: [&str; 33] = [
    "<cls>", "<pad>", "<eos>", "<unk>", "L", "A", "G", "V", "S", "E", "R", "T", "I", "D", "P", "K",
    "Q", "N", "F", "Y", "M", "H", "W", "C", "X", "B", "U", "Z", "O", ".", "-", "<null_1>",
    "<mask>",
];

const CLS: i32 = 0;
const EOS: i32 = 2;
const UNKNOWN: i32 = 3;

/// The tokens of `residues` with `<cls>` in front and `<eos>` at the end.
///
/// `U`, `O`, `B`, `Z` and `X` have tokens of their own; `J` becomes `<unk>`, as in Hugging Face's
/// `EsmTokenizer` (which makes one `<unk>` of several `J` in a row; here each residue has its own).
pub fn tokenize(residues: &str) -> Vec<i32> {
    let mut tokens = Vec::with_capacity(residues.len() + 2);
    tokens.push(CLS);
    tokens.extend(residues.bytes().map(token));
    tokens.push(EOS);
    tokens
}

fn token(residue: u8) -> i32 {
    let known = VOCABULARY.iter().position(|token| token.as_bytes() == [residue]);
    known.and_then(|index| i32::try_from(index).ok()).unwrap_or(UNKNOWN)
}

/// Refuses a vocabulary that is not ESM-2's; a folder without one is fine.
pub(super) fn check_vocabulary(path: &Path) -> Result<(), EncoderError> {
    if !path.exists() {
        return Ok(());
    }
    let bytes = storage::read(path, 1 << 20)?;
    let text = String::from_utf8_lossy(&bytes);
    if text.split_whitespace().eq(VOCABULARY) {
        return Ok(());
    }
    let problem = "its tokens are not the 33 of ESM-2".to_owned();
    Err(EncoderError::Config { path: path.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residues_become_the_published_tokens() {
        assert_eq!(tokenize("LAMX"), [0, 4, 5, 20, 24, 2]);
        assert_eq!(tokenize("UOBZJ"), [0, 26, 28, 25, 27, 3, 2]);
    }
}
