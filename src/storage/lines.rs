//! The lines of a text file as people make them: plain or gzip, with or without byte-order mark,
//! carriage returns, blank lines and a final newline.

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use super::files::{GZIP_FACTOR, Text};
use super::{Context, SourceFile, StorageError, open_text};

/// The longest line that is read, in bytes: twenty times the longest protein known.
const LONGEST_LINE: u64 = 1 << 20;

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
    /// A line without end.
    #[error(
        "line {line} of `{}` is longer than {LONGEST_LINE} bytes: give a text file with a record \
         per line",
        path.display()
    )]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A gzip file that is out of proportion.
    #[error(
        "`{}` unpacks to more than {GZIP_FACTOR} times its size, which sequences and pairs do not: \
         check it, and unpack it yourself if it is right",
        path.display()
    )]
    Bomb {
        /// The file.
        path: PathBuf,
    },
}

/// The lines of one file that are not blank, numbered from 1 with the blank ones counted.
pub struct Lines<'p> {
    path: &'p Path,
    reader: Box<dyn BufRead>,
    number: usize,
    buffer: Vec<u8>,
    /// Bytes that the rest of the content may have.
    left: u64,
}

impl<'p> Lines<'p> {
    /// Opens `path` and reports what was opened.
    pub fn open(path: &'p Path) -> Result<(Self, SourceFile), StorageError> {
        let Text { reader, limit, source } = open_text(path)?;
        Ok((Self { path, reader, number: 0, buffer: Vec::new(), left: limit }, source))
    }

    /// The next line that is not blank and its number, without its line end.
    ///
    /// Text that is not UTF-8 is an error in line 1; further down its wrong bytes are replaced, so
    /// that one odd character in a description does not cost the file.
    pub fn next_line(&mut self) -> Result<Option<(usize, Cow<'_, str>)>, TextError> {
        loop {
            self.buffer.clear();
            let mut reader = self.reader.by_ref().take(LONGEST_LINE + 1);
            let read = reader.read_until(b'\n', &mut self.buffer).context("read", self.path)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let no_text = self.number == 1 && str::from_utf8(&self.buffer).is_err();
            if no_text || self.buffer.contains(&0) {
                return Err(TextError::Binary { path: self.path.to_owned(), line: self.number });
            }
            if read as u64 > LONGEST_LINE {
                return Err(TextError::LongLine { path: self.path.to_owned(), line: self.number });
            }
            let left = self.left.checked_sub(read as u64);
            self.left = left.ok_or_else(|| TextError::Bomb { path: self.path.to_owned() })?;
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
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

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
    fn lines_without_end_and_files_out_of_proportion_are_refused() {
        let longest = usize::try_from(LONGEST_LINE).unwrap();
        let text = |length: usize| ["M".repeat(length).as_str(), "\nMKV"].concat();
        assert_eq!(lines(text(longest - 1).as_bytes()).unwrap().len(), 2);
        let error = lines(text(longest + 1).as_bytes()).unwrap_err();
        assert!(matches!(error, TextError::LongLine { line: 1, .. }), "{error}");

        let gzip = |text: &str| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        assert_eq!(lines(&gzip(&"MKV\n".repeat(4 << 20))).unwrap().len(), 4 << 20);
        let error = lines(&gzip(&"MKV\n".repeat((4 << 20) + 1))).unwrap_err();
        assert!(matches!(error, TextError::Bomb { .. }), "{error}");
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
