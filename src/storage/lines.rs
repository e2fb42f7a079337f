//! The lines of a text file as people make them: plain or gzip, with or without byte-order mark,
//! carriage returns, blank lines and a final newline.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::{Context, SourceFile, StorageError, open_text};

/// A file that cannot be read as lines of text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// Reading or decompressing failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The content is something else than text.
    #[error(
        "`{}` is not a text file: line {line} holds binary data: give plain text, or text packed \
         with gzip",
        path.display()
    )]
    Binary {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

/// The lines of one file that are not blank, numbered from 1 with the blank ones counted.
pub struct Lines<'p> {
    path: &'p Path,
    reader: Box<dyn BufRead>,
    number: usize,
    buffer: Vec<u8>,
}

impl<'p> Lines<'p> {
    /// Opens `path` and reports what was opened.
    pub fn open(path: &'p Path) -> Result<(Self, SourceFile), StorageError> {
        let (reader, source) = open_text(path)?;
        Ok((Self { path, reader, number: 0, buffer: Vec::new() }, source))
    }

    /// The next line that is not blank and its number, without its line end.
    ///
    /// Text that is not UTF-8 is an error in line 1; further down its wrong bytes are replaced, so
    /// that one odd character in a description does not cost the file.
    pub fn next_line(&mut self) -> Result<Option<(usize, Cow<'_, str>)>, TextError> {
        loop {
            self.buffer.clear();
            let read = self.reader.read_until(b'\n', &mut self.buffer);
            if read.context("read", self.path)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let no_text = self.number == 1 && str::from_utf8(&self.buffer).is_err();
            if no_text || self.buffer.contains(&0) {
                return Err(TextError::Binary { path: self.path.to_owned(), line: self.number });
            }
            if self.number == 1 && self.buffer.starts_with("\u{feff}".as_bytes()) {
                self.buffer.drain(.."\u{feff}".len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, String::from_utf8_lossy(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::write_atomic;

    fn lines(bytes: &[u8]) -> Result<Vec<(usize, String)>, TextError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, bytes).unwrap();
        let mut lines = Lines::open(&path)?.0;
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next_line()? {
            all.push((number, line.into_owned()));
        }
        Ok(all)
    }

    #[test]
    fn marks_line_ends_and_blank_lines_go_but_their_numbers_count() {
        let read = lines(b"\xef\xbb\xbfone\r\n\n \t\r\ntwo\nthr\xe9e").unwrap();
        let expected = [(1, "one"), (4, "two"), (5, "thr\u{fffd}e")];
        assert_eq!(read, expected.map(|(number, line)| (number, line.to_owned())));
    }

    #[test]
    fn binary_data_is_told_by_nul_or_by_a_first_line_that_is_no_utf8() {
        for (bytes, line) in [(&b"\xff\xfea\n"[..], 1), (b"one\ntw\0o\n", 2)] {
            match lines(bytes) {
                Err(TextError::Binary { line: found, .. }) => assert_eq!(found, line),
                other => panic!("{other:?}"),
            }
        }
        let cut = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b][..];
        let error = lines(cut).unwrap_err().to_string();
        assert!(error.starts_with("cannot read `"), "{error}");
    }
}
