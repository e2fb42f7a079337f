//! Reading the user's input files: every file of a channel, plain or gzip, with its digest.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::{Context, StorageError};
use crate::digest::Digest;

/// How many times its size a gzip file may unpack to: sequences come to 2, tables of pairs to 10,
/// and the format itself allows 1032.
pub(super) const GZIP_FACTOR: u64 = 100;
/// What every gzip file may unpack to, in bytes.
const GZIP_MINIMUM: u64 = 16 << 20;

/// An input file as the run saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The file's name without folders.
    pub name: String,
    /// Its size in bytes, as stored.
    pub bytes: u64,
    /// The SHA-256 of its bytes, as stored.
    pub sha256: Digest,
}

/// The data files at `path`: the file itself, or all files below the folder in order of their
/// paths. Hidden files and the platform's marker files are left out.
pub fn source_files(path: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let metadata = fs::metadata(path).context("read", path)?;
    if metadata.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !metadata.is_dir() {
        return Err(neither()).context("read", path);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).context("list", &folder)? {
            let entry = entry.context("list", &folder)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || name.contains(".sagemaker-") {
                continue;
            }
            let path = entry.path();
            let metadata = fs::metadata(&path).context("read", &path)?;
            match (metadata.is_dir(), metadata.is_file()) {
                (true, _) => folders.push(path),
                (_, true) => files.push(path),
                // A pipe or a device would never end.
                _ => return Err(neither()).context("read", &path),
            }
        }
    }
    files.sort();
    Ok(files)
}

fn neither() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder")
}

/// The content of gzip, at most `limit` bytes. What ends too early is an error.
pub fn gunzip(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    MultiGzDecoder::new(packed).take(limit.saturating_add(1)).read_to_end(&mut content)?;
    match content.len() as u64 > limit {
        true => {
            let problem = format!("it unpacks to more than the {limit} bytes allowed");
            Err(io::Error::new(io::ErrorKind::InvalidData, problem))
        }
        false => Ok(content),
    }
}

/// A text file that has been opened.
pub(super) struct Text {
    /// Its content, unpacked.
    pub(super) reader: Box<dyn BufRead>,
    /// More bytes than its content can have.
    pub(super) limit: u64,
    pub(super) source: SourceFile,
}

/// Opens a text file, decompressing gzip (told by its first two bytes, not by its name).
pub(super) fn open_text(path: &Path) -> Result<Text, StorageError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut f| f.read_to_end(&mut bytes)).context("read", path)?;
    let source = SourceFile {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: bytes.len() as u64,
        sha256: Digest::of(&bytes),
    };
    let gzip = bytes.starts_with(&[0x1f, 0x8b]);
    let content = Cursor::new(bytes);
    let (reader, limit): (Box<dyn BufRead>, _) = match gzip {
        true => {
            let limit = source.bytes.saturating_mul(GZIP_FACTOR).max(GZIP_MINIMUM);
            (Box::new(BufReader::new(MultiGzDecoder::new(content))), limit)
        }
        false => (Box::new(content), source.bytes),
    };
    Ok(Text { reader, limit, source })
}
